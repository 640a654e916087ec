package otp

import "strings"

// Fallback is another address that a code may go to, if it does not arrive at the
// one that is to be proved. Its letter is sealed for the verification's owner.
type Fallback struct {
	Channel Channel
	Masked  string
	Letter  Sealed
}

// ProvesAddress tells whether a namespace, by its name, proves control of the
// address itself: its codes must go nowhere else.
func (ns Namespace) ProvesAddress() bool {
	return strings.HasPrefix(string(ns), "verify-") || strings.HasPrefix(string(ns), "add-")
}
