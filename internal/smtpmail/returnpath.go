package smtpmail

import (
	"strconv"
	"strings"

	"github.com/otpipe/otpipe/internal/otp"
)

// ReturnPath makes the addresses that bounces come back to, one for each attempt
// (a "variable envelope return path"): what a bounce says in its text nobody can
// rely on, but the address it is sent to is ours. The zero value makes none.
//
//	bounce+VE0011…ee.2.1.k5xw6y3pmfzgg@bounce.example.com
//
// are the verification, its send, the attempt and a mark that proves it is ours.
type ReturnPath struct {
	Domain string // whose mail reaches us; "": bounces go to the sender
	Keys   otp.Keys
}

const bounceUser = "bounce+"

// Of is the address for one attempt. Its local part keeps to the 64 octets of
// RFC 5321 §4.5.3.1.1 as long as send and attempt have no more than seven digits
// between them.
func (r ReturnPath) Of(o otp.Order, attempt int) string {
	parts := []string{string(o.ID), strconv.Itoa(o.Send), strconv.Itoa(attempt), r.Keys.BounceMark(o, attempt)}
	return bounceUser + strings.Join(parts, ".") + "@" + r.Domain
}

// Parse finds the attempt that an address was made for; ok is false for one that
// Of has not made. Upper and lower case are the same to it: on its way through
// other mail systems an address may lose the difference.
func (r ReturnPath) Parse(address string) (o otp.Order, attempt int, ok bool) {
	local, domain, _ := strings.Cut(strings.ToLower(address), "@")
	tag, ours := strings.CutPrefix(local, bounceUser)
	parts := strings.Split(tag, ".")
	if !ours || r.Domain == "" || domain != strings.ToLower(r.Domain) || len(parts) != 4 {
		return otp.Order{}, 0, false
	}
	digits, kind := strings.CutPrefix(parts[0], "ve")
	id, badID := otp.ParseID("VE" + digits)
	send, okSend := number(parts[1])
	attempt, okAttempt := number(parts[2])
	o = otp.Order{ID: id, Send: send}
	if !kind || badID != nil || !okSend || !okAttempt || !r.Keys.OwnsBounce(parts[3], o, attempt) {
		return otp.Order{}, 0, false
	}
	return o, attempt, true
}

// number reads what Itoa wrote, and neither signs nor zeros before it.
func number(s string) (int, bool) {
	n, err := strconv.Atoi(s)
	return n, err == nil && strconv.Itoa(n) == s
}
