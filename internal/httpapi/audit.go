package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/otpipe/otpipe/internal/audit"
	"github.com/otpipe/otpipe/internal/otp"
)

// Auditor looks records of the audit trail up; see audit.Searcher.
type Auditor interface {
	Search(ctx context.Context, who otp.Caller, r audit.SearchRequest) (audit.Page, error)
}

// AuditBody asks for records. It is a POST because an address in a URL ends up in
// everybody's logs.
type AuditBody struct {
	To     string   `json:"to,omitempty" maxLength:"320" doc:"A recipient, in any usual spelling." example:"+4915123456789"`
	ID     string   `json:"id,omitempty" maxLength:"34" doc:"A verification's, or a factor's."`
	Actor  string   `json:"actor,omitempty" maxLength:"128" doc:"The name of an API key, or who of the staff."`
	Kinds  []string `json:"kinds,omitempty" maxItems:"50" nullable:"false" doc:"Such as verification.approved or staff.signed_in."`
	From   *Instant `json:"from,omitempty" doc:"From then on."`
	Until  *Instant `json:"until,omitempty" doc:"Before then."`
	Limit  int      `json:"limit,omitempty" minimum:"1" maximum:"500" doc:"Items a page; 50 where it is left out."`
	Cursor string   `json:"cursor,omitempty" maxLength:"128" doc:"next_cursor of the page before."`
}

// AuditRecord is what happened once.
type AuditRecord struct {
	At           Instant `json:"at" doc:"When it happened."`
	Kind         string  `json:"kind" example:"verification.approved" doc:"What happened."`
	Verification string  `json:"verification_id,omitempty" doc:"To which verification, or factor."`
	Namespace    string  `json:"namespace,omitempty" doc:"In which namespace."`
	Send         int     `json:"send,omitempty" doc:"To which of its sends."`
	Attempt      int     `json:"attempt,omitempty" doc:"To which attempt of that."`
	Provider     string  `json:"provider,omitempty" doc:"Whose attempt it was; or the provider that it is about."`
	Reason       string  `json:"reason,omitempty" doc:"A short code."`
	Actor        string  `json:"actor,omitempty" doc:"The API key's name, or who of the staff."`
	RequestID    string  `json:"request_id,omitempty" doc:"Of the request that caused it."`
	ToMasked     string  `json:"to_masked,omitempty" doc:"The recipient, as far as it may be shown."`
	Client       string  `json:"client,omitempty" doc:"The address that the request came from."`
	Note         string  `json:"note,omitempty" doc:"What a member of the staff said of their act."`
	Erased       bool    `json:"erased,omitempty" doc:"What was personal of it has been erased."`
	Partition    int     `json:"partition" doc:"Whose chain it is in."`
	Seq          uint64  `json:"seq" doc:"Its number there."`
	Sum          string  `json:"sum" doc:"Its keyed hash, with the one of the record before in it."`
}

// AuditFound is a page of records, the newest first.
type AuditFound struct {
	Items      []AuditRecord `json:"items" nullable:"false" doc:"At most limit of them."`
	NextCursor string        `json:"next_cursor,omitempty" doc:"Left out on the last page."`
}

type auditInput struct{ Body AuditBody }

type auditOutput struct{ Body AuditFound }

func (a *API) audit(api huma.API) {
	add(a, api, described(huma.Operation{
		OperationID: "search-audit", Method: http.MethodPost, Path: "/v1/audit/search",
		Summary: "Search the audit trail", Security: needs(otp.ScopeAudit), Tags: []string{"audit"},
		Description: "Who did what, and what became of it, in the namespaces that the key may work in; a key for all namespaces also sees what belongs to none. That somebody searched is in the trail too.",
	}, auditExamples, "invalid_recipient", "audit_not_searchable"), a.searchAudit)
}

func (a *API) searchAudit(ctx context.Context, who otp.Caller, in *auditInput) (*auditOutput, error) {
	b := in.Body
	r := audit.SearchRequest{To: b.To, Actor: b.Actor, Kinds: b.Kinds, From: orZero(b.From), Until: orZero(b.Until), Limit: b.Limit, Cursor: b.Cursor}
	if b.ID != "" {
		var err error
		if r.Verification, err = auditID(b.ID); err != nil {
			return nil, err
		}
	}
	page, err := a.Auditor.Search(ctx, who, r)
	if err != nil {
		return nil, err
	}
	out := &auditOutput{AuditFound{Items: make([]AuditRecord, 0, len(page.Items)), NextCursor: page.Next}}
	for _, r := range page.Items {
		out.Body.Items = append(out.Body.Items, auditRecord(r))
	}
	return out, nil
}

// auditID is of a verification or a factor: records have either in one place.
func auditID(text string) (otp.ID, error) {
	if id, err := otp.ParseFactorID(text); err == nil {
		return otp.ID(id), nil
	}
	id, err := otp.ParseID(text)
	if err != nil {
		err = &otp.InputError{Field: "id", Detail: "want a verification's id, VE and 32 hex digits, or a factor's, FA and 32", Err: otp.ErrInvalid}
	}
	return id, err
}

func orZero(i *Instant) time.Time {
	if i == nil {
		return time.Time{}
	}
	return time.Time(*i)
}

func auditRecord(r otp.Record) AuditRecord {
	a := AuditRecord{
		At: Instant(r.At), Kind: r.Kind, Verification: string(r.Verification), Namespace: string(r.Namespace), Send: r.Send, Attempt: r.Attempt,
		Provider: r.Provider, Reason: r.Reason, Actor: r.Actor, RequestID: r.Request, Partition: int(r.Partition), Seq: r.Seq, Sum: r.Sum,
		Erased: r.Personal == nil && r.PersonalSum != "",
	}
	if p := r.Personal; p != nil {
		a.ToMasked, a.Client, a.Note = p.To, p.Client, p.Note
	}
	return a
}
