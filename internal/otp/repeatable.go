package otp

// Repeatable is a request that its caller may send again, because the answer to
// it may have been lost on the way.
type Repeatable struct {
	Nonce Nonce  // names the request: who makes it, where, and by which key
	Mark  string // tells two requests of one name apart; see Keys.MarkOf
	By    string // the process' own word for this run of it
}

// MarkOf is a keyed hash of what a request says, so that another one under the
// same name is noticed though nothing of it is kept.
func (k Keys) MarkOf(said ...string) string {
	return k.Anchor.mac(fingerprintBytes, append([]string{"request"}, said...)...)
}
