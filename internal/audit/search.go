package audit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

// ErrNotSearchable means that there is no trail, or that it is kept where it cannot
// be read.
var ErrNotSearchable = errors.New("there is no audit trail that can be searched")

// The numbers of records on a page.
const (
	PageSize    = 50 // where nobody says another
	MaxPageSize = 500
)

// SearchRequest asks for records. What is left out does not matter.
type SearchRequest struct {
	To           string // a recipient, in any spelling that is accepted elsewhere
	Verification otp.ID
	Actor        string
	Kinds        []string
	From, Until  time.Time
	Limit        int // 0: PageSize
	Cursor       string
}

// Page is a part of what a search finds, the newest first.
type Page struct {
	Items []otp.Record
	Next  string // "" on the last page
}

// Teller adds an event to the store's stream.
type Teller interface {
	Tell(ctx context.Context, p otp.Partition, pairs ...string) error
}

// Searcher looks records up for callers, within their namespaces. It is wired by
// app; every field but Library is required.
type Searcher struct {
	Library   Library // nil: there is none
	Teller    Teller
	Addresses func(text string) (otp.Recipient, error)
	Keys      otp.Keys
}

// Search finds records, and has it written down that somebody looked. Its errors are
// ErrNotSearchable, *otp.InputError, and the store's and the library's.
func (s *Searcher) Search(ctx context.Context, who otp.Caller, r SearchRequest) (Page, error) {
	if s.Library == nil {
		return Page{}, ErrNotSearchable
	}
	q := Query{
		Verification: r.Verification, Actor: r.Actor, Kinds: r.Kinds, Namespaces: who.Namespaces,
		From: r.From, Until: r.Until, Limit: r.Limit, Cursor: r.Cursor,
	}
	if q.Limit == 0 {
		q.Limit = PageSize
	}
	about := []string{"type", "audit.searched", "id", string(r.Verification)}
	if r.To != "" {
		to, err := s.Addresses(r.To)
		if err != nil {
			return Page{}, err
		}
		q.Anchor = s.Keys.AnchorOf(to)
		about = append(about, "an", string(q.Anchor), "to", to.Masked())
	}
	if err := s.Teller.Tell(ctx, 0, about...); err != nil {
		return Page{}, fmt.Errorf("write down who searches: %w", err)
	}
	found, next, err := s.Library.Search(ctx, q)
	if errors.Is(err, ErrCursor) {
		return Page{}, &otp.InputError{Field: "cursor", Detail: "want next_cursor of the page before", Err: otp.ErrInvalid}
	}
	return Page{Items: found, Next: next}, err
}
