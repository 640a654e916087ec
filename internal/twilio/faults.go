package twilio

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/vendorhttp"
)

// shut is how long an account is left alone that takes nothing from us: somebody
// has to look at its credentials, or at why it is suspended.
const shut = 5 * time.Minute

// closed are the codes of such an account; a 401 without a code is another.
var closed = []int{10001, 20003, 20005, 30002}

// verdict is what a fault means to whoever decides what to do next.
type verdict struct {
	class     otp.Class
	permanent bool
}

var (
	gone   = verdict{otp.FaultRecipient, true}  // not reachable tomorrow either
	barred = verdict{otp.FaultRecipient, false} // not reachable now, by any provider
	busy   = verdict{otp.FaultThrottled, false}
	ours   = verdict{otp.FaultUs, false}
	broken = verdict{otp.FaultProvider, false}
	lost   = verdict{otp.FaultUnknown, false} // nobody knows whether it was taken
)

// final says what the HTTP statuses mean that say enough, whatever code comes
// with them. Twilio answers 500 when it broke down on the way or took too long,
// and warns that the message may go out all the same, so that a second one would
// be the second text on the handset (https://www.twilio.com/docs/api/errors/20500).
// A gateway's 502 and 504 say the same of whatever is behind it. 503 is the
// service that is not there, and nobody has touched the message.
var final = map[int]verdict{
	408: broken, // the request did not arrive
	429: busy,   // "never processed", says Twilio
	500: lost,
	502: lost,
	503: broken,
	504: lost,
}

// open says what the statuses mean whose code may say more, where it does not.
var open = map[int]verdict{
	400: ours, // parameters
	401: ours, // credentials
	403: ours, // permissions, or a suspended account
	404: ours, // account or resource
	405: ours, // method
	422: ours, // parameters
}

// codes says what Twilio's error codes mean, those of answers and those of
// status callbacks (https://www.twilio.com/docs/api/errors). What is missing is
// judged by the HTTP status: Twilio splits its codes now and then, and advises
// against relying on them.
var codes = map[int]verdict{
	// The number cannot be texted, or its owner does not want to be.
	21211: gone, // invalid 'To' number
	21214: gone, // 'To' number cannot be reached
	21217: gone, // number does not appear to be valid
	21265: gone, // 'To' number is a short code
	21421: gone, // phone number is invalid
	21610: gone, // recipient has opted out
	21614: gone, // 'To' number is not a mobile number
	21635: gone, // 'To' number is a landline
	30004: gone, // blocked by the recipient or the carrier
	30005: gone, // unknown handset
	30006: gone, // landline or unreachable carrier
	63003: gone, // nobody at this address of the channel
	63024: gone, // recipient cannot be reached on the channel

	// Protection against text pumping; another provider would only cost more.
	30450: barred,
	30453: barred,

	// Our content and our parameters.
	20001: ours, // unknown parameters
	21602: ours, // no body
	21605: ours, // body too long
	21609: ours, // invalid 'StatusCallback'
	21617: ours, // body longer than 1600 characters
	21619: ours, // neither body nor media
	21620: ours, // invalid media
	21621: ours, // invalid media
	21622: ours, // invalid media
	21623: ours, // too many media
	21654: ours, // unknown content template
	21655: ours, // invalid content template
	21656: ours, // invalid content variables
	30019: ours, // content too large
	63016: ours, // content template needed
	90007: ours, // invalid validity period

	// Our account and our credentials.
	10001: ours, // account not active
	20003: ours, // wrong credentials
	20005: ours, // account suspended
	20404: ours, // no such account
	21222: ours, // twilio-go: odd characters in the user name, nothing was sent
	21224: ours, // twilio-go: odd characters in the password, nothing was sent
	21608: ours, // trial account, unverified number
	30002: ours, // account suspended

	// Our senders and our routes.
	21212: ours, // invalid 'From'
	21408: ours, // country not enabled
	21603: ours, // no sender
	21606: ours, // sender cannot text this destination
	21612: ours, // 'From' and 'To' cannot be paired
	21659: ours, // 'From' is not Twilio's
	21660: ours, // 'From' is not this account's
	21661: ours, // 'From' cannot text
	21703: ours, // messaging service without numbers
	21704: ours, // messaging service without numbers
	30007: ours, // filtered as unwanted
	30032: ours, // toll-free number not verified
	30034: ours, // number not registered for A2P 10DLC

	// Too much at once.
	14107: busy, // rate limit between two numbers
	20429: busy, // too many requests
	21611: busy, // queue of 'From' is full
	30001: busy, // queue overflow
	30022: busy, // rate limit of the 10DLC campaign
	30023: busy, // daily limit of the 10DLC brand

	// Bad luck on the way.
	21730: broken, // maintenance
	30003: broken, // handset switched off or out of reach
	30008: broken, // unknown error
	30036: broken, // not sent within the validity period: the code is dead, and so no other provider is asked
	30410: broken, // carrier timed out
	30500: broken, // Twilio's internal error
}

// judge is the verdict on an answer: by the status, then by the code, then by
// what the status means without one.
func judge(status, code int) verdict {
	if v, enough := final[status]; enough {
		return v
	}
	if v, known := codes[code]; known && status/100 == 4 {
		return v
	}
	if v, known := open[status]; known {
		return v
	}
	switch status / 100 {
	case 4:
		return ours
	case 5:
		return lost
	default:
		return broken // a redirect: nobody has taken anything
	}
}

// judgeLater is the verdict on a message that Twilio took and gave up. Without
// a known code it is bad luck on the way: another provider may do better.
func judgeLater(code int) verdict {
	if v, known := codes[code]; known {
		return v
	}
	return broken
}

// reason is the short code of a message that Twilio took and gave up.
func reason(status string, code int) string { return name(code, "twilio_"+status) }

// name is the name of one of Twilio's codes, all of which have five digits.
func name(code int, otherwise string) string {
	if code < 10000 || code > 99999 {
		return otherwise
	}
	return fmt.Sprintf("twilio_%d", code)
}

// fault classifies the error of a call. If Twilio may have the message and
// there is no answer to read, nobody knows.
func (p Provider) fault(c *call, err error) *otp.Fault {
	f := &otp.Fault{Class: otp.FaultUs, Provider: p.AccountName, Code: "request", Err: err}
	r, refused := errors.AsType[*refusal](err)
	s, silent := errors.AsType[*vendorhttp.Silence](err)
	switch {
	case refused:
		v := judge(r.status, r.code)
		f.Class, f.Permanent, f.Code = v.class, v.permanent, name(r.code, vendorhttp.Code(r.status))
		switch {
		case v == busy:
			f.RetryAfter = r.retryAfter
		case r.status == http.StatusUnauthorized, slices.Contains(closed, r.code):
			f.RetryAfter = shut
		}
	case silent:
		f.Class, f.Code = otp.FaultProvider, s.Cause()
		if s.Begun {
			f.Class = otp.FaultUnknown
		}
	case c.taken:
		f.Class, f.Code = otp.FaultUnknown, "unreadable"
	}
	return f
}
