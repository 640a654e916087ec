package otp

import (
	"crypto/hmac"
	"encoding/base32"
	"strconv"
	"strings"
)

// bounceMark is how many bytes of the hash a mark holds: a return path has room
// for little more, and guesses have to be mailed one by one.
const bounceMark = 8

var bounceLetters = base32.StdEncoding.WithPadding(base32.NoPadding)

// BounceMark proves that a return path was made by this system, so that nobody
// else can report a send as bounced. It has thirteen lower-case letters and
// digits: some mail systems change the case of what they send back.
func (k Keys) BounceMark(o Order, attempt int) string {
	return bounceMarkWith(k.Bounce.Primary(), o, attempt)
}

// OwnsBounce tells whether mark is the BounceMark of an attempt, in either case
// and under any key of the ring: a bounce may come days after the send.
func (k Keys) OwnsBounce(mark string, o Order, attempt int) bool {
	mark = strings.ToLower(mark)
	for _, key := range k.Bounce.All() {
		if hmac.Equal([]byte(mark), []byte(bounceMarkWith(key, o, attempt))) {
			return true
		}
	}
	return false
}

func bounceMarkWith(key Key, o Order, attempt int) string {
	sum := key.sum("bounce", string(o.ID), strconv.Itoa(o.Send), strconv.Itoa(attempt))
	return strings.ToLower(bounceLetters.EncodeToString(sum[:bounceMark]))
}
