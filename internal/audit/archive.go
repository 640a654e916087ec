// Package audit keeps the audit trail: Exporter makes chained records of the
// store's events and has an archive keep them; Checker verifies what is kept.
package audit

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

// Archive keeps records. It is used by many goroutines and processes at once, but
// each partition by one of them at a time.
type Archive interface {
	// Append keeps records of one partition, in order; when it returns nil they
	// outlive the process and the machine's power. A record that is there already is
	// left as it is. Its error is ErrForked if the archive finds that another record
	// has one's place.
	Append(ctx context.Context, records []otp.Record) error
	// Prune gives up what is older than a time. How much more is kept for a while is
	// the archive's own affair.
	Prune(ctx context.Context, before time.Time) error
	// Close ends its use.
	Close() error
}

// ErrForked means that a place in a chain is taken by another record.
var ErrForked = errors.New("another record has this place in the chain")

// Library is an archive that can be read.
type Library interface {
	Archive
	// Search finds the newest records first. next continues after the last of them;
	// it is "" if there are no more.
	Search(ctx context.Context, q Query) (found []otp.Record, next string, err error)
	// Walk visits the records of a partition in the order of their chain, from one
	// on. A record that is kept more than once, as it can be after a crash, is
	// visited as often. What was kept before since, the zero time for nothing, need
	// not be visited: it helps an archive that has to look for it.
	Walk(ctx context.Context, p otp.Partition, from uint64, since time.Time, visit func(otp.Record) error) error
	// Forget erases the personal part of all records about a recipient, and says of
	// how many.
	Forget(ctx context.Context, of otp.Anchor) (int, error)
}

// Query says which records are wanted. What is not set does not matter.
type Query struct {
	Anchor       otp.Anchor
	Verification otp.ID
	Actor        string
	Kinds        []string
	Namespaces   []otp.Namespace // empty: all, and what belongs to none
	From, Until  time.Time       // From is included, Until is not
	Limit        int             // at least 1
	Cursor       string          // next of the search before; another one is ErrCursor
}

// Wants tells whether a record is one that the query asks for, whatever its cursor.
func (q Query) Wants(r otp.Record) bool {
	return (q.Anchor == "" || r.Personal != nil && r.Personal.Anchor == q.Anchor) &&
		(q.Verification == "" || r.Verification == q.Verification) &&
		(q.Actor == "" || r.Actor == q.Actor) &&
		(len(q.Kinds) == 0 || slices.Contains(q.Kinds, r.Kind)) &&
		(len(q.Namespaces) == 0 || slices.Contains(q.Namespaces, r.Namespace)) &&
		(q.From.IsZero() || !r.At.Before(q.From)) && (q.Until.IsZero() || r.At.Before(q.Until))
}
