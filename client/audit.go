package client

import (
	"context"
	"net/http"
	"time"
)

// AuditRequest asks for records of the audit trail. What is left out does not matter.
type AuditRequest struct {
	To     string // a recipient
	ID     string // a verification's
	Actor  string // the name of an API key, or who of the staff
	Kinds  []string
	From   time.Time // included
	Until  time.Time // not included
	Limit  int       // 0: as many as the API says
	Cursor string    // NextCursor of the page before
}

type auditBody struct {
	To     string     `json:"to,omitempty"`
	ID     string     `json:"id,omitempty"`
	Actor  string     `json:"actor,omitempty"`
	Kinds  []string   `json:"kinds,omitempty"`
	From   *time.Time `json:"from,omitempty"`
	Until  *time.Time `json:"until,omitempty"`
	Limit  int        `json:"limit,omitempty"`
	Cursor string     `json:"cursor,omitempty"`
}

// AuditPage is a part of what a search finds, the newest first.
type AuditPage struct {
	Items      []AuditRecord `json:"items"`
	NextCursor string        `json:"next_cursor"` // "" on the last page
}

// AuditRecord is what happened once.
type AuditRecord struct {
	At             time.Time `json:"at"`
	Kind           string    `json:"kind"` // such as "verification.approved"
	VerificationID string    `json:"verification_id"`
	Namespace      string    `json:"namespace"`
	Send           int       `json:"send"`
	Attempt        int       `json:"attempt"`
	Provider       string    `json:"provider"`
	Reason         string    `json:"reason"` // a short code
	Actor          string    `json:"actor"`
	RequestID      string    `json:"request_id"`
	ToMasked       string    `json:"to_masked"`
	Client         string    `json:"client"` // the address that the request came from
	Note           string    `json:"note"`   // what a member of the staff said of their act
	Erased         bool      `json:"erased"` // what was personal of it has been erased
	Partition      int       `json:"partition"`
	Seq            uint64    `json:"seq"` // its number in the partition's chain
	Sum            string    `json:"sum"` // its keyed hash
}

// SearchAudit finds records of the audit trail. Its error may be
// ErrAuditNotSearchable.
func (c *Client) SearchAudit(ctx context.Context, r AuditRequest) (p AuditPage, err error) {
	body := auditBody{To: r.To, ID: r.ID, Actor: r.Actor, Kinds: r.Kinds, From: orNil(r.From), Until: orNil(r.Until), Limit: r.Limit, Cursor: r.Cursor}
	_, err = c.do(ctx, call{operation: "search-audit", method: http.MethodPost, path: "/v1/audit/search", body: body, again: harmless}, &p)
	return p, err
}

func orNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
