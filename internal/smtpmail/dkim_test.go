package smtpmail_test

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-msgauth/dkim"
	"github.com/google/go-cmp/cmp"

	"github.com/otpipe/otpipe/internal/smtpmail"
)

// zone is the DNS of this test: the text records under each name.
type zone map[string]string

// publish adds the public half of a key under its selector.
func (z zone) publish(t *testing.T, selector, domain string, key crypto.Signer) {
	t.Helper()
	var kind string
	var public []byte
	if short, ok := key.Public().(ed25519.PublicKey); ok {
		kind, public = "ed25519", short
	} else {
		der, err := x509.MarshalPKIXPublicKey(key.Public())
		if err != nil {
			t.Fatal(err)
		}
		kind, public = "rsa", der
	}
	z[selector+"._domainkey."+domain] = fmt.Sprintf("v=DKIM1; k=%s; p=%s", kind, base64.StdEncoding.EncodeToString(public))
}

// verify is what an independent verifier says of a message: "domain: pass" or
// "domain: why not" for each signature.
func (z zone) verify(t *testing.T, raw string) (results []string) {
	t.Helper()
	found, err := dkim.VerifyWithOptions(strings.NewReader(raw), &dkim.VerifyOptions{LookupTXT: func(name string) ([]string, error) {
		if text, ok := z[name]; ok {
			return []string{text}, nil
		}
		return nil, errors.New("no such record")
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range found {
		result := v.Domain + ": pass"
		if v.Err != nil {
			result = v.Domain + ": " + v.Err.Error()
		}
		results = append(results, result)
	}
	return results
}

func rsaKey(t *testing.T) crypto.Signer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func ed25519Key(t *testing.T) crypto.Signer {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestEverySignatureVerifies(t *testing.T) {
	z := zone{}
	one, two := rsaKey(t), ed25519Key(t)
	z.publish(t, "r1", "acme.example", one)
	z.publish(t, "e1", "mail.acme.example", two)
	r := &relay{}
	p := r.start(t)
	p.DKIM = []smtpmail.DKIM{{Selector: "r1", Key: one}, {Selector: "e1", Domain: "mail.acme.example", Key: two}}
	plain, rich := message(), message()
	rich.Subject = "رمزك هو من شركة أكمي، ولن يطلبه منك أحد، وهو صالح لمدة خمس دقائق"
	rich.Text, rich.HTML = strings.Repeat("Schlüssel ", 200)+"\n.\n..\n\n\n", "<p dir=\"rtl\">"+rich.Subject+"</p>"
	p.From = `"Ünïcode GmbH & Co. KG, Zürich – a name that is longer than one line of a header may be" <codes@acme.example>`
	for _, m := range []struct {
		name string
		send func()
	}{{"plain", func() { mustSend(t, p, plain) }}, {"rich", func() { mustSend(t, p, rich) }}} {
		m.send()
		mails := r.stored()
		want := []string{"mail.acme.example: pass", "acme.example: pass"}
		if diff := cmp.Diff(want, z.verify(t, mails[len(mails)-1].raw)); diff != "" {
			t.Errorf("%s: %s", m.name, diff)
		}
	}
}

// Neither name may be longer: see signed.
func TestASignatureWithLongNamesVerifies(t *testing.T) {
	z, key := zone{}, ed25519Key(t)
	selector, domain := strings.Repeat("s", 71), strings.Repeat("d", 63)+".example"
	z.publish(t, selector, domain, key)
	r := &relay{}
	p := r.start(t)
	p.DKIM = []smtpmail.DKIM{{Selector: selector, Domain: domain, Key: key}}
	mustSend(t, p, message())
	if diff := cmp.Diff([]string{domain + ": pass"}, z.verify(t, r.stored()[0].raw)); diff != "" {
		t.Error(diff)
	}
}

func TestASignatureCoversWhatAReaderSees(t *testing.T) {
	z, key := zone{}, ed25519Key(t)
	z.publish(t, "e1", "acme.example", key)
	r := &relay{}
	p := r.start(t)
	p.DKIM = []smtpmail.DKIM{{Selector: "e1", Key: key}}
	mustSend(t, p, message())
	raw := r.stored()[0].raw
	if diff := cmp.Diff([]string{"acme.example: pass"}, z.verify(t, raw)); diff != "" {
		t.Fatal(diff)
	}
	for what, forged := range map[string]string{
		"the sender":            strings.Replace(raw, "Acme Codes", "Acme Bank", 1),
		"the recipient":         strings.Replace(raw, "<ann@", "<eve@", 1),
		"the subject":           strings.Replace(raw, "Your code", "Our code", 1),
		"the date":              strings.Replace(raw, "22 Nov", "23 Nov", 1),
		"the id":                strings.Replace(raw, "<otp.VE00", "<otp.VE01", 1),
		"the code":              strings.Replace(raw, "481516", "481517", 1),
		"the kind of text":      strings.Replace(raw, "text/plain", "text/html", 1),
		"a second sender":       "From: eve@example.org\r\n" + raw,
		"a second subject":      "Subject: Call us\r\n" + raw,
		"an address for answer": "Reply-To: eve@example.org\r\n" + raw,
		"more text":             raw + "Call 900\r\n",
	} {
		if forged == raw {
			t.Errorf("%s: nothing was forged", what)
		}
		if got := z.verify(t, forged); cmp.Equal(got, []string{"acme.example: pass"}) {
			t.Errorf("%s was forged, and the signature holds", what)
		}
	}
}

func TestTheSameSendIsSignedTheSameAtEveryAttempt(t *testing.T) {
	r := &relay{}
	p := r.start(t)
	p.DKIM = []smtpmail.DKIM{{Selector: "e1", Key: ed25519Key(t)}}
	again := message()
	again.Attempt, again.Left = 2, 1
	mustSend(t, p, message())
	mustSend(t, p, again)
	if diff := cmp.Diff(r.stored()[0].raw, r.stored()[1].raw); diff != "" {
		t.Error(diff)
	}
	if !regexp.MustCompile(`t=1795336200\b`).MatchString(r.stored()[0].raw) { // that of the message
		t.Errorf("the signature has a time of its own\n%s", r.stored()[0].raw)
	}
}

// go-mail's signer writes to itself while it signs; -race tells if one is shared.
func TestSigningIsSafeForManyAtOnce(t *testing.T) {
	z, key := zone{}, ed25519Key(t)
	z.publish(t, "e1", "acme.example", key)
	r := &relay{}
	p := r.start(t)
	p.DKIM = []smtpmail.DKIM{{Selector: "e1", Key: key}}
	var all sync.WaitGroup
	for i := range 100 {
		all.Go(func() {
			if _, err := p.Send(context.Background(), messageTo(fmt.Sprintf("ann-%d@example.com", i))); err != nil {
				t.Errorf("Send: %v", errors.Unwrap(err))
			}
		})
	}
	all.Wait()
	for _, m := range r.stored() {
		if diff := cmp.Diff([]string{"acme.example: pass"}, z.verify(t, m.raw)); diff != "" {
			t.Errorf("%s: %s", m.to, diff)
		}
	}
}

func TestAKeyThatCannotSignIsOurFaultBeforeARelayHearsOfIt(t *testing.T) {
	r := &relay{}
	p := r.start(t)
	p.DKIM = []smtpmail.DKIM{{Selector: "e1"}}
	_, err := p.Send(t.Context(), message())
	if diff := cmp.Diff(ours("smtp_sender"), verdictOf(t, err)); diff != "" {
		t.Error(diff)
	}
	if total, _ := r.listener.counts(); total != 0 {
		t.Errorf("the relay heard of it on %d connections", total)
	}
}
