package otp

import "slices"

// Scope is something a caller may do.
type Scope string

// The scopes.
const (
	ScopeSend    Scope = "send"    // start and cancel verifications
	ScopeCheck   Scope = "check"   // check codes and sessions
	ScopeRead    Scope = "read"    // look verifications and providers up
	ScopeOperate Scope = "operate" // unlock recipients, drain and resume providers
	ScopeAudit   Scope = "audit"   // search the audit trail
	ScopeFactors Scope = "factors" // enrol authenticator apps and give them up
)

// Scopes lists every scope.
var Scopes = []Scope{ScopeSend, ScopeCheck, ScopeRead, ScopeOperate, ScopeAudit, ScopeFactors}

// Caller is who asks: the holder of one API key.
type Caller struct {
	Name       string
	Scopes     []Scope
	Namespaces []Namespace // empty: all
}

// Has tells whether the caller may do what the scope names.
func (c Caller) Has(s Scope) bool { return slices.Contains(c.Scopes, s) }

// May tells whether the caller works in a namespace.
func (c Caller) May(ns Namespace) bool {
	return len(c.Namespaces) == 0 || slices.Contains(c.Namespaces, ns)
}
