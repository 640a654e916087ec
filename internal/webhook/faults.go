package webhook

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/vendorhttp"
)

// maxThrottle is the longest pause that is believed of a receiver of messages:
// one that names a day would be out of every route for a day.
const maxThrottle = time.Hour

// statuses says what those HTTP statuses mean that are not what their hundred
// means. A gateway's 502 and 504, and a 500 that came in the middle of the work,
// say nothing about whether the message was taken.
var statuses = map[int]otp.Class{
	408: otp.FaultProvider, // the message did not arrive
	429: otp.FaultThrottled,
	500: otp.FaultUnknown,
	502: otp.FaultUnknown,
	503: otp.FaultProvider, // nobody is there who could have taken it
	504: otp.FaultUnknown,
}

// hundreds says what all the others mean. The address of a redirect would have
// to be configured instead, and what nobody knows may have been taken.
var hundreds = map[int]otp.Class{
	3: otp.FaultUs,
	4: otp.FaultUs,
	5: otp.FaultUnknown,
}

// blames are the classes that the other side may name, in a 422 or a receipt.
var blames = map[string]otp.Class{
	"recipient": otp.FaultRecipient,
	"us":        otp.FaultUs,
	"provider":  otp.FaultProvider,
}

// judge is the class of an answer that is not in the 200s.
func judge(status int) otp.Class {
	if class, ok := statuses[status]; ok {
		return class
	}
	if class, ok := hundreds[status/100]; ok {
		return class
	}
	return otp.FaultUnknown
}

// blame is what a 422 may say about a message that was understood and refused.
type blame struct {
	Fault     string `json:"fault"`
	Permanent bool   `json:"permanent"`
}

// refused is the fault of an answer that is not in the 200s.
func (p Provider) refused(a answer) *otp.Fault {
	f := &otp.Fault{Class: judge(a.status), Provider: p.AccountName, Code: vendorhttp.Code(a.status)}
	if f.Class == otp.FaultThrottled {
		f.RetryAfter = min(a.retryAfter, maxThrottle)
	}
	if a.status == http.StatusUnprocessableEntity {
		var said blame
		_ = json.Unmarshal(a.body, &said)
		if class, ok := blames[said.Fault]; ok {
			f.Class, f.Permanent = class, said.Permanent && class == otp.FaultRecipient
		}
	}
	return f
}

// unanswered is the fault of a call without an answer. Once the request had a
// connection nobody knows whether the message was taken.
func (p Provider) unanswered(err error) *otp.Fault {
	s, silent := errors.AsType[*vendorhttp.Silence](err)
	switch {
	case !silent:
		return &otp.Fault{Class: otp.FaultUs, Provider: p.AccountName, Code: "request", Err: err}
	case s.Begun:
		return &otp.Fault{Class: otp.FaultUnknown, Provider: p.AccountName, Code: s.Cause(), Err: err}
	default:
		return &otp.Fault{Class: otp.FaultProvider, Provider: p.AccountName, Code: s.Cause(), Err: err}
	}
}
