package otp

import "slices"

// Role is what a member of the staff may do.
type Role string

// The roles, each with all that the one before may do.
const (
	Viewer   Role = "viewer"   // looks up what became of a code
	Operator Role = "operator" // acts on it: sends again, cancels, unlocks
	Admin    Role = "admin"    // also sees addresses in full
)

// Roles lists every role, the least first.
var Roles = []Role{Viewer, Operator, Admin}

// Includes tells whether r may do what least may.
func (r Role) Includes(least Role) bool {
	i := slices.Index(Roles, least)
	return i >= 0 && slices.Index(Roles, r) >= i
}

// Staff is a person of the team that runs or supports the system.
type Staff struct {
	Name       string // as the log and the journal call them
	Role       Role
	Namespaces []Namespace // empty: all
}

// May tells whether the person works in a namespace.
func (s Staff) May(ns Namespace) bool {
	return len(s.Namespaces) == 0 || slices.Contains(s.Namespaces, ns)
}
