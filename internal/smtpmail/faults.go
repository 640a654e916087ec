package smtpmail

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

// breather is how long a relay that asks us to slow down is left alone. SMTP has
// no way of saying for how long: this is short beside the life of a code, and
// long beside the second for which most limits count.
const breather = 10 * time.Second

// shut is how long a relay is left alone that does not let us in: somebody has to
// look at the password.
const shut = 5 * time.Minute

// What came of a step that the relay did not answer.
const (
	busy     = "busy"     // no connection of the pool came free
	late     = "timeout"  // ctx ended
	canceled = "canceled" // ctx was canceled
	lost     = "connection"
	odd      = "protocol" // anything else
)

// verdict is one line of the table.
type verdict struct {
	step     step   // "" is any
	outcome  string // the beginnings of a reply code, or words from above; "" is any
	enhanced string // the beginnings of an enhanced code, or none; "" is any

	class     otp.Class
	permanent bool          // of otp.FaultRecipient
	rest      time.Duration // for which the whole relay is left alone; 0: it is not
}

const none = "none"

// verdicts says at whose door a failure lies. The first line that fits counts.
//
// What a relay says of one mailbox is never held against the relay: whoever asks
// for codes to a mailbox that is full or greylisted would otherwise stop the mail
// of everybody. A mailbox that may take the message in a minute is tried again,
// through another relay or this one, and the relay is not left alone meanwhile;
// one that takes none as long as a code lives is the recipient's affair.
//
// Permanent is only what an enhanced code says of the mailbox itself. A bare 550 is
// "no such user" to one relay and "relay not permitted" to another, and the second,
// said to all, would suppress all.
//
// Before the end mark is written a relay may not deliver (RFC 5321 §4.1.1.4), so
// only the silence after it leaves the outcome unknown.
var verdicts = []verdict{
	{step: sending, class: otp.FaultUs},
	{step: addressing, outcome: "utf8", class: otp.FaultUs},
	{step: addressing, class: otp.FaultRecipient},

	{step: greeting, outcome: "421", enhanced: "4.7.", class: otp.FaultThrottled}, // a connection too many: the others go on
	{step: mailing, outcome: "421 450 451 452 454", enhanced: "4.7.", class: otp.FaultThrottled, rest: breather},
	{step: ending, outcome: "421 450 451 452", enhanced: "4.7.", class: otp.FaultThrottled, rest: breather},
	{step: mailing, outcome: "454", class: otp.FaultThrottled, rest: breather}, // Amazon SES: "Throttling failure"
	{step: ending, outcome: "454", class: otp.FaultThrottled, rest: breather},
	{outcome: "421", class: otp.FaultProvider}, // the relay closes the connection

	{step: waiting, class: otp.FaultProvider},
	{step: connecting, class: otp.FaultProvider},
	{step: greeting, class: otp.FaultProvider},
	{step: securing, outcome: "454 connection timeout canceled", class: otp.FaultProvider},       // 454: not now (RFC 3207 §4)
	{step: securing, class: otp.FaultUs},                                                         // not offered, or not to be trusted
	{step: authenticating, outcome: "454 connection timeout canceled", class: otp.FaultProvider}, // 454: it cannot tell now (RFC 4954 §6)
	{step: authenticating, class: otp.FaultUs, rest: shut},

	{step: mailing, outcome: "5", class: otp.FaultUs},
	{step: mailing, class: otp.FaultProvider},

	{step: rcpting, outcome: "5", enhanced: "5.7. 5.1.7 5.1.8", class: otp.FaultUs},             // policy, or our sender
	{step: rcpting, outcome: "5", enhanced: "5.1.0", class: otp.FaultRecipient},                 // "other": may be said of our sender
	{step: rcpting, outcome: "5", enhanced: "5.1.", class: otp.FaultRecipient, permanent: true}, // no such mailbox or domain
	{step: rcpting, outcome: "5", enhanced: "5.2.", class: otp.FaultRecipient},                  // full, disabled
	{step: rcpting, outcome: "501", enhanced: none, class: otp.FaultRecipient},                  // an address of a form it dislikes
	{step: rcpting, outcome: "550 551 552 553 556", class: otp.FaultRecipient},
	{step: rcpting, outcome: "4", enhanced: "4.1.7 4.1.8", class: otp.FaultUs},     // our sender, whose domain may be out of reach
	{step: rcpting, outcome: "4", enhanced: "4.2.2", class: otp.FaultRecipient},    // full
	{step: rcpting, outcome: "4", enhanced: "4.3. 4.4.", class: otp.FaultProvider}, // the relay's own disk and network
	{step: rcpting, outcome: "450 451 452", class: otp.FaultThrottled},             // greylisted, busy
	{step: rcpting, class: otp.FaultProvider},

	{step: starting, class: otp.FaultProvider},
	{step: writing, class: otp.FaultProvider},
	// Some relays know only at the end what is wrong with the mailbox.
	{step: ending, outcome: "5", enhanced: "5.1.0 5.1.7 5.1.8 5.2.3", class: otp.FaultUs},
	{step: ending, outcome: "5", enhanced: "5.1.", class: otp.FaultRecipient, permanent: true},
	{step: ending, outcome: "5", enhanced: "5.2.", class: otp.FaultRecipient},
	{step: ending, outcome: "4", enhanced: "4.2.2", class: otp.FaultRecipient},
	{step: ending, outcome: "4", enhanced: "4.2.", class: otp.FaultThrottled},
	{step: ending, outcome: "5", class: otp.FaultUs}, // the content
	{step: ending, outcome: "4", class: otp.FaultProvider},

	// A report's status is all there is to go by: it does not tell at which step a
	// mail server further on said so. Many put 5.1.0 for "something".
	{step: returning, enhanced: "5.1.7 5.1.8 5.2.3 5.6. 5.7.", class: otp.FaultUs}, // our sender, the content, policy
	{step: returning, enhanced: "5.1.0", class: otp.FaultProvider},
	{step: returning, enhanced: "5.1.", class: otp.FaultRecipient, permanent: true},
	{step: returning, enhanced: "5.2. 4.2.2", class: otp.FaultRecipient}, // disabled, full
	{step: returning, class: otp.FaultProvider},                          // given up at the end of a relay's patience, or in no known words

	{class: otp.FaultUnknown}, // the end mark was written, and no answer came
}

func (v verdict) fits(s step, outcome, enhanced string) bool {
	return (v.step == "" || v.step == s) && begins(outcome, v.outcome) && begins(enhanced, v.enhanced)
}

// begins tells whether s begins with one of the words of a list.
func begins(s, list string) bool {
	if list == "" || list == none && s == "" {
		return true
	}
	return slices.ContainsFunc(strings.Fields(list), func(w string) bool { return strings.HasPrefix(s, w) })
}

// fault classifies what Send met. The relay's words, which quote the recipient,
// stay inside it.
func (p *Provider) fault(ctx context.Context, err error) *otp.Fault {
	f := &otp.Fault{Class: otp.FaultUnknown, Provider: p.AccountName, Code: "smtp_" + odd, Err: err}
	failed, ok := errors.AsType[*failure](err)
	if !ok {
		return f
	}
	outcome := failed.outcome(ctx)
	f.Code = code(failed.step, outcome, failed.reply().enhanced)
	if ctx.Err() != nil {
		f.Err = fmt.Errorf("%w: %w", ctx.Err(), err)
	}
	i := slices.IndexFunc(verdicts, func(v verdict) bool { return v.fits(failed.step, outcome, failed.reply().enhanced) })
	f.Class, f.Permanent, f.RetryAfter = verdicts[i].class, verdicts[i].permanent, verdicts[i].rest
	return f
}

// outcome is what came of the step: an answer outranks the end of ctx, which
// outranks the connection that it has closed.
func (f *failure) outcome(ctx context.Context) string {
	switch r := f.reply(); {
	case r.negative():
		return fmt.Sprint(r.code)
	case f.step == waiting:
		return busy
	case errors.Is(f.err, errNoUTF8):
		return "utf8"
	case errors.Is(ctx.Err(), context.Canceled):
		return canceled
	case ctx.Err() != nil || f.late():
		return late
	case f.lost():
		return lost
	default:
		return odd
	}
}

// named are the reply codes of RFC 5321, 4954, 7504 and 1846 that get a code of
// their own. The others share one, so that the set stays closed.
var named = strings.Fields("421 432 450 451 452 454 455 500 501 502 503 504 521 523 530 534 535 538 550 551 552 553 554 555 556")

// code names a fault for journals and metrics: by the reply code, and by the
// enhanced one if there is one, which says so much more.
func code(s step, outcome, enhanced string) string {
	name := "smtp_" + outcome
	switch {
	case outcome[0] > '9' && outcome != odd:
		return name
	case outcome[0] > '9' && (s == sending || s == addressing || s == securing || s == authenticating):
		return "smtp_" + string(s)
	case outcome[0] > '9':
		return name
	case !slices.Contains(named, outcome):
		name = "smtp_" + outcome[:1] + "xx"
	}
	if precise := worded(enhanced); precise != "" {
		name += "_" + precise
	}
	return name
}
