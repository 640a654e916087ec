package devkit

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emersion/go-smtp"
)

// SMTP is a mail server that delivers to an Inbox. It speaks neither TLS nor
// AUTH. Its fields are set before Serve.
type SMTP struct {
	Inbox     *Inbox
	Chaos     *Chaos // nil: it behaves well
	Vendor    string // under which Chaos and Inbox know it; "": "smtp"
	OnRequest func() // nil, or called at every MAIL, from many goroutines

	once   sync.Once
	server *smtp.Server
	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	taken  atomic.Int64
}

// mailDelay is how long the mode Slow takes to answer.
const mailDelay = 2 * time.Second

// Serve takes mail until Close, and then returns nil. It closes the listener.
func (s *SMTP) Serve(l net.Listener) error {
	server := s.start()
	defer context.AfterFunc(s.ctx, func() { _ = l.Close() })() // go-smtp forgets a Close that came first
	if err := server.Serve(l); err != nil {
		return fmt.Errorf("serve smtp: %w", err)
	}
	return nil
}

// Close closes the listeners and cuts every connection.
func (s *SMTP) Close() {
	server := s.start()
	s.cancel()
	_ = server.Close()
}

func (s *SMTP) start() *smtp.Server {
	s.once.Do(func() {
		s.ctx, s.cancel = context.WithCancel(context.Background())
		s.server = smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
			return &smtpSession{sink: s, conn: c}, nil
		}))
		s.server.Domain = "localhost"
		s.server.EnableSMTPUTF8 = true
		s.server.MaxMessageBytes = 1 << 20
		s.server.ErrorLog = log.New(io.Discard, "", 0) // it would report every cut connection
	})
	return s.server
}

func (s *SMTP) vendor() string { return cmp.Or(s.Vendor, "smtp") }

// smtpSession is one connection.
type smtpSession struct {
	sink *SMTP
	conn *smtp.Conn
	mode Mode
	to   []string
}

var errTryLater = &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "Try again later"}

// Mail begins a message: here its fate is drawn.
func (s *smtpSession) Mail(string, *smtp.MailOptions) error {
	if s.sink.OnRequest != nil {
		s.sink.OnRequest()
	}
	s.mode = OK
	if s.sink.Chaos != nil {
		s.mode = s.sink.Chaos.Next(s.sink.vendor())
	}
	if s.mode == Refuse {
		return errTryLater
	}
	return nil
}

func (s *smtpSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = append(s.to, to)
	return nil
}

// Data reads the message before anything goes wrong: a client cannot know
// whether a server that falls silent here has taken it.
func (s *smtpSession) Data(r io.Reader) error {
	m, err := readMail(r)
	if err != nil {
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: "Not a message"}
	}
	switch s.mode {
	case Reset:
		return s.reset()
	case Hang:
		return s.hang()
	case Slow:
		return s.slow(m)
	case Undelivered:
		return s.queued()
	default:
		return s.take(m)
	}
}

// Reset is called between messages.
func (s *smtpSession) Reset() { s.to, s.mode = nil, OK }

// Logout is called when the connection ends.
func (s *smtpSession) Logout() error { return nil }

func (s *smtpSession) take(m Message) error {
	m.Channel, m.Provider = "email", s.sink.vendor()
	for _, to := range s.to {
		m.To = to
		s.sink.Inbox.Add(m)
	}
	return s.queued()
}

// queued is success with a queue id: go-smtp answers what an SMTPError says.
func (s *smtpSession) queued() error {
	id := fmt.Sprintf("%08X", s.sink.taken.Add(1))
	return &smtp.SMTPError{Code: 250, EnhancedCode: smtp.EnhancedCode{2, 0, 0}, Message: "Ok: queued as " + id}
}

func (s *smtpSession) slow(m Message) error {
	select {
	case <-time.After(mailDelay):
		return s.take(m)
	case <-s.sink.ctx.Done():
		return errTryLater
	}
}

// reset cuts the connection with an RST, as a crashing server does.
func (s *smtpSession) reset() error {
	if tcp, ok := s.conn.Conn().(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = s.conn.Conn().Close()
	return errTryLater // nobody hears it
}

// hang stays silent until the client or Close ends the connection.
func (s *smtpSession) hang() error {
	_, _ = io.Copy(io.Discard, s.conn.Conn())
	return errTryLater // nobody hears it
}

// readMail reads what an inbox shows of a mail (RFC 5322, RFC 2045). Texts are
// taken for UTF-8 whatever they claim.
func readMail(r io.Reader) (Message, error) {
	in, err := mail.ReadMessage(r)
	if err != nil {
		return Message{}, fmt.Errorf("read mail: %w", err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(in.Header.Get("Subject"))
	if err != nil {
		return Message{}, fmt.Errorf("read subject: %w", err)
	}
	m := Message{Subject: subject}
	if err := m.readPart(in.Header.Get, in.Body); err != nil {
		return Message{}, err
	}
	if m.Body == "" && m.HTML == "" {
		return Message{}, errors.New("read mail: it holds no text")
	}
	return m, nil
}

// readPart fills in the texts of a part and of the parts within it; the first
// of each type counts.
func (m *Message) readPart(header func(string) string, body io.Reader) error {
	kind, params, err := mime.ParseMediaType(cmp.Or(header("Content-Type"), "text/plain"))
	if err != nil {
		return fmt.Errorf("read content type: %w", err)
	}
	if strings.HasPrefix(kind, "multipart/") {
		return m.readParts(multipart.NewReader(body, params["boundary"]))
	}
	text, err := io.ReadAll(decoded(header("Content-Transfer-Encoding"), body))
	if err != nil {
		return fmt.Errorf("read %s: %w", kind, err)
	}
	switch {
	case kind == "text/plain" && m.Body == "":
		m.Body = string(text)
	case kind == "text/html" && m.HTML == "":
		m.HTML = string(text)
	}
	return nil
}

func (m *Message) readParts(r *multipart.Reader) error {
	for {
		part, err := r.NextRawPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read parts: %w", err)
		}
		if err := m.readPart(part.Header.Get, part); err != nil {
			return err
		}
	}
}

func decoded(encoding string, r io.Reader) io.Reader {
	switch strings.ToLower(encoding) {
	case "quoted-printable":
		return quotedprintable.NewReader(r)
	case "base64":
		return base64.NewDecoder(base64.StdEncoding, r)
	default:
		return r
	}
}
