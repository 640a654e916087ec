package otp

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// Recipient is a canonical address on a channel. It prints its mask and refuses
// to be marshalled; only Reveal gives the address away.
type Recipient struct {
	channel Channel
	address hidden
	limit   hidden
	masked  string
}

// NewRecipient is for the package that knows how addresses are written.
//
// address is the exact canonical form: E.164, or a mailbox whose domain is in
// lower case and ASCII. limit is the form under which cooldowns and quotas are
// counted, the same for all spellings that reach one mailbox. masked is what
// people other than the recipient may see.
func NewRecipient(ch Channel, address, limit, masked string) Recipient {
	return Recipient{channel: ch, address: hide(address), limit: hide(limit), masked: masked}
}

// Channel is the channel on which the address is reachable.
func (r Recipient) Channel() Channel { return r.channel }

// Reveal gives the address away: to the seal and to the provider.
func (r Recipient) Reveal() string { return r.address.reveal() }

// Masked is what people other than the recipient may see.
func (r Recipient) Masked() string { return r.masked }

// Equal tells whether both are the same in every form.
func (r Recipient) Equal(s Recipient) bool {
	return r.channel == s.channel && r.Reveal() == s.Reveal() && r.limit.reveal() == s.limit.reveal() && r.masked == s.masked
}

// Format prints the mask whatever the verb.
func (r Recipient) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, r.masked) }

// LogValue logs the mask.
func (r Recipient) LogValue() slog.Value { return slog.StringValue(r.masked) }

// MarshalJSON refuses: an address leaves through Reveal or not at all.
func (r Recipient) MarshalJSON() ([]byte, error) {
	return nil, errors.New("otp: a recipient is never marshalled")
}
