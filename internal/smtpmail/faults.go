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

// retryAfter is how long a relay that defers a recipient is left alone: most
// greylists let the second try in after half a minute or more.
const retryAfter = 30 * time.Second

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
	permanent bool
}

const none = "none"

// verdicts says at whose door a failure lies. The first line that fits counts.
//
// Before the end mark is written a relay may not deliver (RFC 5321 §4.1.1.4), so
// only the silence after it leaves the outcome unknown.
var verdicts = []verdict{
	{sending, "", "", otp.FaultUs, false},
	{addressing, "utf8", "", otp.FaultUs, false},
	{addressing, "", "", otp.FaultRecipient, false},
	{"", "421", "", otp.FaultProvider, false}, // the relay closes the connection

	{waiting, "", "", otp.FaultProvider, false},
	{connecting, "", "", otp.FaultProvider, false},
	{greeting, "", "", otp.FaultProvider, false},
	{securing, "connection timeout canceled", "", otp.FaultProvider, false},
	{securing, "", "", otp.FaultUs, false}, // not offered, or not to be trusted
	{authenticating, "connection timeout canceled", "", otp.FaultProvider, false},
	{authenticating, "", "", otp.FaultUs, false},

	{mailing, "5", "", otp.FaultUs, false},
	{mailing, "", "", otp.FaultProvider, false},

	{rcpting, "550 551 553 556", "5.7. 5.1.7 5.1.8", otp.FaultUs, false}, // policy, or our sender
	{rcpting, "550 551 553 556", "5.1.0", otp.FaultRecipient, false},     // "other": may be said of our sender
	{rcpting, "550 551 553 556", "5.1.", otp.FaultRecipient, true},       // no such mailbox or domain
	{rcpting, "550 551 553", none, otp.FaultRecipient, true},
	{rcpting, "550 551 553 556", "", otp.FaultRecipient, false}, // full, disabled
	{rcpting, "450 451 452", "", otp.FaultThrottled, false},     // greylisted, too many
	{rcpting, "", "", otp.FaultProvider, false},

	{starting, "", "", otp.FaultProvider, false},
	{writing, "", "", otp.FaultProvider, false},
	{ending, "5", "", otp.FaultUs, false}, // the content
	{ending, "4", "", otp.FaultProvider, false},
	{"", "", "", otp.FaultUnknown, false}, // the end mark was written, and no answer came
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
	f.Code = code(failed.step, outcome)
	if ctx.Err() != nil {
		f.Err = fmt.Errorf("%w: %w", ctx.Err(), err)
	}
	i := slices.IndexFunc(verdicts, func(v verdict) bool { return v.fits(failed.step, outcome, failed.reply().enhanced) })
	f.Class, f.Permanent = verdicts[i].class, verdicts[i].permanent
	if f.Class == otp.FaultThrottled {
		f.RetryAfter = retryAfter
	}
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

// code names a fault for journals and metrics.
func code(s step, outcome string) string {
	switch {
	case slices.Contains(named, outcome), outcome != odd && outcome[0] > '9':
		return "smtp_" + outcome
	case outcome[0] <= '9':
		return "smtp_" + outcome[:1] + "xx"
	case s == sending, s == addressing, s == securing, s == authenticating:
		return "smtp_" + string(s)
	default:
		return "smtp_" + odd
	}
}
