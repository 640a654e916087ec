package notify

import (
	"slices"

	"github.com/otpipe/otpipe/internal/otp"
)

// Endpoint is who wants to be told of what.
type Endpoint struct {
	Name       string
	Namespaces []otp.Namespace // none: all
	Types      []string        // of Types; none: all
}

func (e Endpoint) wants(kind string, ns otp.Namespace) bool {
	return (len(e.Types) == 0 || slices.Contains(e.Types, kind)) && (len(e.Namespaces) == 0 || slices.Contains(e.Namespaces, ns))
}
