package support

import (
	"context"
	"fmt"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

// File is all that a person of the staff sees of a verification.
type File struct {
	otp.History
	Explanation Explanation
	Timeline    []Moment
	Policy      otp.Policy
	Allowance   otp.Allowance
	Whose       Whose // "" if the recipient cannot be told any more
	Elsewhere   []otp.Fallback
	Sendable    bool // its code may be sent again
}

// Live tells whether something may still happen by itself.
func (f File) Live() bool {
	if f.Status == otp.Pending {
		return true
	}
	switch f.Newest().Status() {
	case otp.Queued, otp.Sending, otp.Accepted:
		return f.Now.Sub(f.Newest().AskedAt) < 2*slowReceipt
	}
	return false
}

// Own is the channel of the verification's own address, whatever others its code
// went to.
func (f File) Own() otp.Channel {
	for _, s := range f.Sends {
		if s.Masked == "" {
			return s.Channel
		}
	}
	return f.Channel
}

// Open tells all about one verification. Its error is otp.ErrNotFound, also for
// one that the person may not know of.
func (s *Service) Open(ctx context.Context, who otp.Staff, id otp.ID) (File, error) {
	h, err := s.find(ctx, who, id)
	if err != nil {
		return File{}, err
	}
	c, err := s.Journal.Case(ctx, id)
	if err != nil {
		return File{}, fmt.Errorf("open case: %w", err)
	}
	f := File{
		History: h, Explanation: s.Explainer.Explain(h, h.Now), Timeline: s.Explainer.Timeline(h), Policy: s.Namespaces[h.Namespace],
		Elsewhere: c.Elsewhere, Sendable: c.Letter != "",
	}
	_, owner, err := s.whose(h, c)
	if err != nil {
		return f, nil //nolint:nilerr // its key is gone from the ring: what is known without the address is told
	}
	f.Whose = whoseOf(owner)
	if f.Allowance, err = s.Journal.Allowance(ctx, owner); err != nil {
		return File{}, fmt.Errorf("open case: %w", err)
	}
	f.Explanation = f.allowed()
	return f, nil
}

// View is Open for somebody who looks at it: that is written down first.
func (s *Service) View(ctx context.Context, who otp.Staff, id otp.ID) (File, error) {
	if _, err := s.find(ctx, who, id); err != nil {
		return File{}, err
	}
	if err := s.Acts.Witness(ctx, id, "viewed", otp.Act{Actor: who.Name}); err != nil {
		return File{}, fmt.Errorf("write down who looks: %w", err)
	}
	return s.Open(ctx, who, id)
}

// Summary is what goes into a ticket: plain text, without code or address.
func (f File) Summary() string {
	text := fmt.Sprintf("%s\n%s, %s, asked for %s\nStatus: %s\n%s\n", f.ID, f.Namespace, f.Masked, stamp(f.CreatedAt), f.Status, f.Explanation.What)
	if f.Explanation.Next != "" {
		text += "Next: " + f.Explanation.Next + "\n"
	}
	text += "\n"
	for _, m := range f.Timeline {
		text += stamp(m.At) + "  " + m.Title
		if m.Took > 0 {
			text += " (" + m.Took.Round(time.Millisecond).String() + ")"
		}
		if m.Detail != "" {
			text += ": " + m.Detail
		}
		if m.Ref != "" {
			text += " [" + m.Ref + "]"
		}
		text += "\n"
	}
	return text
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }
