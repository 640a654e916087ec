package attack_test

import (
	"io"
	"log"
	"mime"
	"mime/multipart"
	"net"
	"net/mail"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/otpipe/otpipe/internal/processtest"
)

// mailed is a message as it came over the wire.
type mailed struct {
	from string
	to   []string // envelope
	raw  string
}

// post is the mail relay, which takes everything and keeps it as it came.
type post struct {
	port int

	mu    sync.Mutex
	mails []mailed
}

func openPost(t testing.TB) *post {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &post{port: l.Addr().(*net.TCPAddr).Port}
	s := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &visit{post: p}, nil }))
	s.Domain, s.ErrorLog = "localhost", log.New(io.Discard, "", 0)
	served := make(chan struct{})
	go func() { defer close(served); _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close(); <-served })
	return p
}

// visit is one connection.
type visit struct {
	post *post
	mail mailed
}

func (v *visit) Mail(from string, _ *smtp.MailOptions) error {
	v.mail = mailed{from: from}
	return nil
}

func (v *visit) Rcpt(to string, _ *smtp.RcptOptions) error {
	v.mail.to = append(v.mail.to, to)
	return nil
}

func (v *visit) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	v.mail.raw = string(raw)
	v.post.mu.Lock()
	defer v.post.mu.Unlock()
	v.post.mails = append(v.post.mails, v.mail)
	return nil
}

func (v *visit) Reset()        { v.mail = mailed{} }
func (v *visit) Logout() error { return nil }

// of lists what came for a mailbox.
func (p *post) of(to string) (all []mailed) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range p.mails {
		if slices.Contains(m.to, to) {
			all = append(all, m)
		}
	}
	return all
}

// recipients are all that something came for.
func (p *post) recipients() (all []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range p.mails {
		all = append(all, m.to...)
	}
	return all
}

// mail waits for the nth mail to a mailbox.
func (at *target) mail(t testing.TB, to string, n int) mailed {
	t.Helper()
	processtest.Until(t, time.Minute, "a mail to "+to, func() bool { return len(at.post.of(to)) >= n })
	return at.post.of(to)[n-1]
}

// code is that of a mail.
func (m mailed) code() string {
	text, _ := m.parts()
	return codeForm.FindString(text)
}

// parts are the text and the page of a mail.
func (m mailed) parts() (text, page string) {
	in, err := mail.ReadMessage(strings.NewReader(m.raw))
	if err != nil {
		return "", ""
	}
	_, params, _ := mime.ParseMediaType(in.Header.Get("Content-Type"))
	for all := multipart.NewReader(in.Body, params["boundary"]); ; {
		part, err := all.NextPart() // which decodes quoted-printable
		if err != nil {
			return text, page
		}
		body, _ := io.ReadAll(part)
		if strings.HasPrefix(part.Header.Get("Content-Type"), "text/html") {
			page = string(body)
		} else {
			text = string(body)
		}
	}
}
