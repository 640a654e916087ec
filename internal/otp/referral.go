package otp

// Referral is a browser on its way to the identity provider and back: what
// the answer has to fit to.
type Referral struct {
	State    string // comes back beside the answer
	Nonce    string // comes back inside of it
	Verifier string // proves that who asks for the token is who began (PKCE, RFC 7636)
	Back     string // the page that the person wanted
}

// NewReferral draws one, with 256 random bits in each part.
func NewReferral(back string) Referral {
	return Referral{State: draw(), Nonce: draw(), Verifier: draw(), Back: back}
}
