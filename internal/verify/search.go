package verify

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"

	"github.com/otpipe/otpipe/internal/otp"
)

// The numbers of verifications on a page.
const (
	PageSize    = 20 // where the caller says none
	MaxPageSize = 50
)

// SearchRequest asks for a recipient's verifications.
type SearchRequest struct {
	To        string
	Namespace otp.Namespace // "": all that the caller may work in
	Limit     int           // 0: PageSize
	Cursor    string        // "" for the first page, else Next of the one before
}

// Page is a part of a list, the newest first.
type Page struct {
	Items []Found
	Next  string // "" on the last page
}

// Found is a verification and the policy it is under.
type Found struct {
	otp.History
	Policy otp.Policy
}

// Search lists what is kept of a recipient's verifications. The cursor holds a
// place in the list: what is new since the first page stands before it.
func (s *Service) Search(ctx context.Context, who otp.Caller, r SearchRequest) (Page, error) {
	if r.Namespace != "" {
		if _, err := s.policy(who, r.Namespace); err != nil {
			return Page{}, err
		}
	}
	owner, err := s.owner(r.Namespace, r.To, "")
	if err != nil {
		return Page{}, err
	}
	after, err := readCursor(r.Cursor)
	if err != nil {
		return Page{}, err
	}
	ids, err := s.mentioned(ctx, who, r.Namespace, owner)
	if err != nil {
		return Page{}, err
	}
	ids, next := page(ids, after, r.Limit)
	kept, err := s.Journal.Histories(ctx, ids)
	if err != nil {
		return Page{}, fmt.Errorf("search verifications: %w", err)
	}
	p := Page{Next: next}
	for _, h := range kept {
		p.Items = append(p.Items, Found{h, s.Namespaces[h.Namespace]})
	}
	return p, nil
}

// mentioned lists the recipient's verifications that the caller may know of.
func (s *Service) mentioned(ctx context.Context, who otp.Caller, ns otp.Namespace, o otp.Owner) (ids []otp.ID, err error) {
	recent, err := s.Journal.Recent(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("search verifications: %w", err)
	}
	for _, m := range recent {
		if who.May(m.Namespace) && (ns == "" || ns == m.Namespace) {
			ids = append(ids, m.ID)
		}
	}
	return ids, nil
}

// page cuts out what follows an id. One that is no longer in the list was at
// its end.
func page(ids []otp.ID, after otp.ID, limit int) (cut []otp.ID, next string) {
	if after != "" {
		i := slices.Index(ids, after)
		if i < 0 {
			return nil, ""
		}
		ids = ids[i+1:]
	}
	if limit == 0 {
		limit = PageSize
	}
	if len(ids) <= limit {
		return ids, ""
	}
	return ids[:limit], writeCursor(ids[limit-1])
}

// A cursor is opaque to callers, so that it may become something else.
func writeCursor(id otp.ID) string { return base64.RawURLEncoding.EncodeToString([]byte(id)) }

func readCursor(s string) (otp.ID, error) {
	if s == "" {
		return "", nil
	}
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err == nil {
		if id, err := otp.ParseID(string(b)); err == nil {
			return id, nil
		}
	}
	return "", &otp.InputError{Field: "cursor", Detail: "want next_cursor of the page before, as it is", Err: otp.ErrInvalid}
}
