package httpapi

import (
	"context"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/verify"
)

// SearchBody asks for a recipient's verifications. It is a POST because an
// address in a URL ends up in everybody's logs.
type SearchBody struct {
	To        string `json:"to" maxLength:"320" doc:"The recipient, in any usual spelling."`
	Namespace string `json:"namespace,omitempty" maxLength:"32" doc:"Left out: all that the key may work in."`
	Limit     int    `json:"limit,omitempty" minimum:"1" maximum:"50" doc:"Items a page; 20 where it is left out."`
	Cursor    string `json:"cursor,omitempty" maxLength:"128" doc:"next_cursor of the page before."`
}

type searchInput struct {
	Body SearchBody
}

// Found is a page of a recipient's verifications, the newest first.
type Found struct {
	Items      []Record `json:"items" nullable:"false" doc:"At most limit of them."`
	NextCursor string   `json:"next_cursor,omitempty" doc:"Left out on the last page."`
}

type searchOutput struct {
	Body Found
}

func (a *API) search(ctx context.Context, who otp.Caller, in *searchInput) (*searchOutput, error) {
	b := in.Body
	page, err := a.Verifier.Search(ctx, who, verify.SearchRequest{To: b.To, Namespace: otp.Namespace(b.Namespace), Limit: b.Limit, Cursor: b.Cursor})
	if err != nil {
		return nil, err
	}
	out := &searchOutput{Found{Items: make([]Record, 0, len(page.Items)), NextCursor: page.Next}}
	for _, f := range page.Items {
		out.Body.Items = append(out.Body.Items, record(f.History, f.Policy))
	}
	return out, nil
}
