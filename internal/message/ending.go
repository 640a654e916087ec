package message

import "github.com/otpipe/otpipe/internal/otp"

// Ending is the last line of a text, for the machine that reads it. It has one
// of the two: each has to be the very last.
type Ending struct {
	// Origin is the host of the page that asked for the code: browsers fill the
	// code in there and nowhere else (WICG, Origin-bound one-time codes).
	Origin string
	// AndroidHash names the app that the text is handed to (Google, SMS
	// Retriever): 11 characters.
	AndroidHash string
}

// line is what is added to a text that carries code.
func (e Ending) line(code otp.Code) string {
	switch {
	case e.Origin != "":
		return "\n\n@" + e.Origin + " #" + code.Reveal()
	case e.AndroidHash != "":
		return "\n\n" + e.AndroidHash
	}
	return ""
}
