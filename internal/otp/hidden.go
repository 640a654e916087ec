package otp

// hidden keeps a value inside a closure. A Format method guards a secret only
// where fmt asks for it: in an unexported field of somebody else's struct, fmt
// reads the memory itself. It cannot read this.
type hidden func() string

func hide(s string) hidden { return func() string { return s } }

// reveal returns the value; that of the zero hidden is "".
func (h hidden) reveal() string {
	if h == nil {
		return ""
	}
	return h()
}
