package smtpmail

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"time"

	gomail "github.com/wneessen/go-mail"
)

// DKIM is one key that mail is signed with (RFC 6376), for a relay that does not
// sign by itself. Its public half stands in DNS under
// <Selector>._domainkey.<Domain>.
type DKIM struct {
	Domain   string        // "": the domain of From; at most 71 characters
	Selector string        // names the key; at most 71 characters
	Key      crypto.Signer // an *rsa.PrivateKey, or an ed25519.PrivateKey (RFC 8463)
}

// signed are the header fields under the signature: what a reader sees, and how
// the text is to be read (RFC 6376 §5.4.1). Those at the end are named once more
// than they occur, so that nobody can add another under the same signature
// (§8.15).
//
// Their names must fit on one line, 71 characters with the colons: go-mail 0.8
// folds a longer tag in the middle but signs it unfolded, and no verifier agrees.
var signed = []string{
	"from", "to", "subject", "date", "message-id", "content-type",
	"from", "to", "subject", "reply-to",
}

var errNoHeader = errors.New("the message has no body")

// sign puts a signature of each key before a message. They all bear the time of
// the send, as Date does.
func (p *Provider) sign(text []byte, domain string, at time.Time) ([]byte, error) {
	headers, body, ok := bytes.Cut(text, []byte("\r\n\r\n"))
	if !ok {
		return nil, errNoHeader
	}
	for _, d := range p.DKIM {
		line, err := d.signer(domain, at).Sign(headers, body)
		if err != nil {
			return nil, fmt.Errorf("sign for %s: %w", d.Selector, err)
		}
		text = append([]byte(line), text...)
	}
	return text, nil
}

// signer is made anew for every message: go-mail's writes to itself as it signs.
func (d DKIM) signer(domain string, at time.Time) *gomail.DKIMSigner {
	if d.Domain != "" {
		domain = d.Domain
	}
	s := gomail.NewDKIMSigner(domain, d.Selector, d.Key)
	s.NowFunc = func() time.Time { return at }
	s.SignHeaders(signed...)
	return s
}
