package verify

import (
	"context"
	"crypto/hmac"
	"errors"
	"fmt"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

// Guesses decides about codes, also about those whose digests are kept elsewhere.
type Guesses interface {
	Verifications
	// Count counts a guess that is to be compared. decided: there is a verdict already.
	Count(ctx context.Context, g otp.Guess) (c otp.Counted, v otp.Verdict, decided bool, err error)
	// Decide is the verdict about a guess that was compared.
	Decide(ctx context.Context, g otp.Guess, c otp.Counted, right bool) (otp.Verdict, error)
	// Undo takes back that a guess was counted which nobody compared.
	Undo(ctx context.Context, g otp.Guess, c otp.Counted) error
}

// Codes keeps digests. Its errors are otp.ErrStoreUnavailable.
type Codes interface {
	Put(ctx context.Context, slot otp.Slot, d otp.Digest, life time.Duration) error
	// Take tells one of many takers, who know the digest, that it is right.
	Take(ctx context.Context, slot otp.Slot, digests []otp.Digest) (bool, error)
	Drop(ctx context.Context, slot otp.Slot) error
}

// Tickets seals digests for whoever asks for a code to keep. What it does not open
// is no ticket of ours, of another namespace, or has expired.
type Tickets interface {
	Seal(s otp.Sealable) (otp.Ticket, error)
	Open(t otp.Ticket, ns otp.Namespace) (otp.Sealable, error)
}

// lateTime is how long there is for what has to be put right whatever became of the
// request.
const lateTime = 500 * time.Millisecond

func late(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), lateTime)
}

// Elsewhere is the store for namespaces whose digests are kept elsewhere, and for all
// others. Limits, locks, the journal and single use are the store's for all. It is
// wired by app.
type Elsewhere struct {
	Guesses
	Codes   Codes // nil: no namespace keeps them there
	Tickets Tickets
	Keys    otp.Keys
	Now     func() time.Time

	spare spare
}

// Start has a code sent, and its digest kept where the policy says.
func (e *Elsewhere) Start(ctx context.Context, o otp.Opening) (otp.Opened, error) {
	switch o.Policy.Codes {
	case otp.CodesInSQL:
		return e.startInSQL(ctx, o)
	case otp.CodesInToken:
		return e.startInTicket(ctx, o)
	}
	return e.Guesses.Start(ctx, o)
}

// startInSQL keeps the digest first: a code that nobody could check must not leave.
// Whether it is wanted the store tells; what is not is dropped, but where it is not
// known, and expires.
func (e *Elsewhere) startInSQL(ctx context.Context, o otp.Opening) (otp.Opened, error) {
	slot := otp.NewSlot()
	if err := e.Codes.Put(ctx, slot, o.Digest, o.Policy.Life); err != nil {
		return otp.Opened{}, err
	}
	o.Digest = slot.In(otp.CodesInSQL)
	opened, err := e.Guesses.Start(ctx, o)
	reused := err == nil && opened.Live.Slot != slot
	if _, refused := errors.AsType[*otp.LimitError](err); refused || reused {
		late, cancel := late(ctx)
		defer cancel()
		_ = e.Codes.Drop(late, slot) // else it expires
	}
	if reused && opened.Live.Slot != "" {
		err = e.putAgain(ctx, o, opened.Live)
	}
	return opened, err
}

// putAgain keeps the digest of a code that goes out once more, should a process have
// died after it took that and before it approved. What was approved stays used: that
// is the store's to tell.
func (e *Elsewhere) putAgain(ctx context.Context, o otp.Opening, l otp.Live) error {
	code, err := e.Keys.OpenCode(o.Owner, l.Code)
	if err != nil {
		return fmt.Errorf("open the live code: %w", err)
	}
	return e.Codes.Put(ctx, l.Slot, e.Keys.DigestOf(o.Owner, code), o.Policy.Life)
}

// startInTicket seals the digest of the code that is alive now, which may be an
// earlier one.
func (e *Elsewhere) startInTicket(ctx context.Context, o otp.Opening) (otp.Opened, error) {
	slot, digest := otp.NewSlot(), o.Digest
	o.Digest = slot.In(otp.CodesInToken)
	opened, err := e.Guesses.Start(ctx, o)
	if err != nil || opened.Live.Slot == "" {
		return opened, err
	}
	if opened.Live.Slot != slot {
		code, err := e.Keys.OpenCode(o.Owner, opened.Live.Code)
		if err != nil {
			return otp.Opened{}, fmt.Errorf("open the live code: %w", err)
		}
		digest = e.Keys.DigestOf(o.Owner, code)
	}
	opened.Ticket, err = e.Tickets.Seal(otp.Sealable{
		Slot: opened.Live.Slot, ID: opened.Order.ID, Namespace: o.Owner.Namespace, Channel: opened.Channel,
		Anchor: o.Owner.Anchor, Binding: o.Owner.Binding, Digest: digest, ExpiresAt: opened.ExpiresAt,
	})
	return opened, err
}

// Check counts a guess and compares it where its digest is.
func (e *Elsewhere) Check(ctx context.Context, g otp.Guess) (otp.Verdict, error) {
	switch g.Policy.Codes {
	case otp.CodesInSQL:
		return e.checkInSQL(ctx, g)
	case otp.CodesInToken:
		return e.checkTicket(ctx, g)
	}
	return e.Guesses.Check(ctx, g)
}

// checkInSQL counts, takes, and approves, in this order. A process that dies in
// between costs the code until it is sent again, and never opens a second session.
func (e *Elsewhere) checkInSQL(ctx context.Context, g otp.Guess) (otp.Verdict, error) {
	c, v, decided, err := e.Count(ctx, g)
	if err != nil || decided {
		return v, err
	}
	right, err := e.Codes.Take(ctx, c.Slot, g.Digests)
	if err != nil {
		// Nobody has learned anything from this guess. Should it stay counted all the
		// same, that is on the safe side.
		late, cancel := late(ctx)
		defer cancel()
		return otp.Verdict{}, errors.Join(err, e.Undo(late, g, c))
	}
	v, err = e.Decide(ctx, g, c, right)
	if err != nil && right { // what it was approved by, or not, the store will know
		late, cancel := late(ctx)
		defer cancel()
		_ = e.Codes.Put(late, c.Slot, g.Digests[0], g.Policy.Life)
	}
	return v, err
}

// checkTicket compares first, which takes no look-up, and has the store count it and
// see to it that it is the only one; unless the policy asks for less.
func (e *Elsewhere) checkTicket(ctx context.Context, g otp.Guess) (otp.Verdict, error) {
	held, err := e.Tickets.Open(g.Ticket, g.Owner.Namespace)
	right := err == nil && held.Anchor == g.Owner.Anchor && held.Binding == g.Owner.Binding && among(g.Digests, held.Digest)
	if g.Policy.Guard == otp.NothingGuards {
		return e.alone(g, held, right, g.Policy.MaxChecks), nil
	}
	typed := g
	g.Digests = nil
	if right {
		g.Digests = []otp.Digest{held.Slot.In(otp.CodesInToken)}
	}
	v, err := e.Guesses.Check(ctx, g)
	if errors.Is(err, otp.ErrStoreUnavailable) && g.Policy.Fail == otp.FailOpen {
		left, fresh := e.spare.count(typed, held, right, e.Now())
		return e.alone(g, held, right && fresh, left), nil
	}
	return v, err
}

// alone is a verdict without the store.
func (e *Elsewhere) alone(g otp.Guess, held otp.Sealable, right bool, left int) otp.Verdict {
	if !right {
		return otp.Verdict{Status: otp.Pending, Reason: otp.CodeMismatch, ChecksLeft: left}
	}
	return otp.Verdict{
		ID: held.ID, Status: otp.Approved, Channel: held.Channel, ChecksLeft: left,
		SessionKey: e.Keys.Sign.Primary().ID(), ExpiresAt: e.Now().Add(g.Policy.SessionLife),
	}
}

// among compares all, for as long whichever it is.
func among(all []otp.Digest, d otp.Digest) (found bool) {
	for _, one := range all {
		if hmac.Equal([]byte(one.Key+one.Sum), []byte(d.Key+d.Sum)) {
			found = true
		}
	}
	return found
}
