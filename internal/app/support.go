package app

import (
	"github.com/otpipe/otpipe/internal/support"
)

// explainer knows the words of every driver.
func explainer() support.Explainer {
	return support.Explainer{Words: func(code string) string {
		return ""
	}}
}
