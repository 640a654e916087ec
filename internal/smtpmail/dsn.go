package smtpmail

import (
	"cmp"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"net/textproto"
	"regexp"
	"slices"
	"strings"

	"github.com/otpipe/otpipe/internal/otp"
)

// ErrNoReport is a message that is no delivery status notification, or one that
// nobody can read: a bounce in somebody's own form, a vacation notice, a person.
var ErrNoReport = errors.New("no delivery status notification")

// Report is what a delivery status notification (RFC 3464) says of a message.
// The zero value says nothing, such as that of a read receipt.
type Report struct {
	Action string // §2.3.3: failed, delayed, delivered, relayed or expanded
	Status string // §2.3.4, such as "5.1.1"; "" if there is none
}

const (
	maxStatus = 64 << 10 // octets of a message/delivery-status part that are read
	maxField  = 1 << 10  // octets of a field that is folded
	maxDepth  = 4        // multiparts in each other
)

// ReadReport finds the report in a message. Its error is ErrNoReport.
func ReadReport(message io.Reader) (Report, error) {
	m, err := mail.ReadMessage(message)
	if err != nil {
		return Report{}, ErrNoReport
	}
	if other(m.Header.Get("Content-Type")) {
		return Report{}, nil
	}
	text, ok := entity{textproto.MIMEHeader(m.Header), m.Body}.status(false, maxDepth)
	if !ok {
		return Report{}, ErrNoReport
	}
	return conclude(text)
}

// other tells whether a message is a report of another kind (RFC 6522), such as
// that it was read (RFC 8098) or taken for spam (RFC 5965).
func other(contentType string) bool {
	kind, params, err := mime.ParseMediaType(contentType)
	about := strings.ToLower(params["report-type"])
	return err == nil && kind == "multipart/report" && about != "" && about != "delivery-status"
}

// entity is a message or a part of one.
type entity struct {
	header textproto.MIMEHeader
	body   io.Reader
}

// status is the text of the first message/delivery-status inside of a
// multipart/report, which some gateways put into another multipart. A message that
// is attached is not looked into: what it holds is about something else.
func (e entity) status(reported bool, depth int) (text string, ok bool) {
	kind, params, err := mime.ParseMediaType(e.header.Get("Content-Type"))
	switch {
	case err != nil:
		return "", false
	case reported && (kind == "message/delivery-status" || kind == "message/global-delivery-status"): // RFC 6533
		return e.text(), true
	case depth == 0 || !strings.HasPrefix(kind, "multipart/"):
		return "", false
	}
	for parts := multipart.NewReader(e.body, params["boundary"]); ; {
		part, err := parts.NextPart()
		if err != nil {
			return "", false
		}
		inner := entity{part.Header, part}
		if text, ok := inner.status(reported || kind == "multipart/report", depth-1); ok {
			return text, true
		}
	}
}

// text is the body, as far as it can be read. multipart has undone
// quoted-printable already.
func (e entity) text() string {
	body := e.body
	if strings.EqualFold(e.header.Get("Content-Transfer-Encoding"), "base64") {
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	text, _ := io.ReadAll(io.LimitReader(body, maxStatus))
	return string(text)
}

// conclude makes one report of those about all recipients. Our message has one: there
// are several where it was forwarded to them. It has arrived if it has at one of them,
// it may still arrive if one of them does not say no, and of several reasons why
// not the mildest counts.
func conclude(text string) (Report, error) {
	var all []Report
	for _, g := range groups(text) {
		if r := g.report(); r.Action != "" {
			all = append(all, r)
		}
	}
	if len(all) == 0 {
		return Report{}, ErrNoReport
	}
	return slices.MinFunc(all, func(a, b Report) int { return a.weight() - b.weight() }), nil
}

// weight orders reports by what they leave to hope for.
func (r Report) weight() int {
	switch {
	case r.Action == "delivered":
		return 0
	case r.Action != "failed":
		return 1
	case !r.verdict().permanent:
		return 2
	default:
		return 3
	}
}

// group is a block of fields, by their names in lower case.
type group map[string]string

// groups reads the blocks of fields of RFC 3464 §2.1. It passes over what is no
// field: mail systems put lines of their own there, or forget to fold.
func groups(text string) (all []group) {
	g, last := group{}, ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \t\r\n")
		name, value, field := strings.Cut(line, ":")
		switch {
		case line == "":
			all = append(all, g)
			g, last = group{}, ""
		case line[0] == ' ' || line[0] == '\t':
			g.fold(last, line)
		case field:
			last = strings.ToLower(strings.TrimSpace(name))
			g.set(last, value)
		}
	}
	return append(all, g)
}

// set sets a field. Of two with one name the first counts.
func (g group) set(name, value string) {
	if _, doubled := g[name]; !doubled {
		g[name] = strings.TrimSpace(value)
	}
}

func (g group) fold(name, line string) {
	if value, ok := g[name]; ok && len(value)+len(line) <= maxField {
		g[name] = value + line
	}
}

// actions are all that RFC 3464 §2.3.3 knows, with the classes of status that fit them.
var actions = map[string]string{"failed": "45", "delayed": "4", "delivered": "2", "relayed": "2", "expanded": "2"}

// report reads the fields about one recipient. It says nothing if these are
// others, or if the status says the contrary of the action.
func (g group) report() Report {
	action, _, _ := strings.Cut(strings.ToLower(g["action"]), " ")
	classes, known := actions[action]
	status := enhancedForm.FindString(g["status"])
	if !known || status != "" && !strings.Contains(classes, status[:1]) {
		return Report{}
	}
	vague := status == "" || strings.HasSuffix(status, ".0.0")
	if precise := diagnosis.FindStringSubmatch(g["diagnostic-code"]); vague && precise != nil && strings.Contains(classes, precise[1][:1]) {
		status = precise[1]
	}
	return Report{action, status}
}

// diagnosis is the answer of a mail server (RFC 3464 §2.3.6), which may be more
// precise than the status made of it.
var diagnosis = regexp.MustCompile(`^(?i:smtp) *; *\d{3}[ -]([245]\.\d{1,3}\.\d{1,3})\b`)

// Receipt is what the report means for an attempt; ok is false if it decides
// nothing. "Relayed" says that the next mail server makes no reports, and
// "expanded" that there is more than one to come; neither has delivered anything.
func (r Report) Receipt(o otp.Order, attempt int, provider string) (rc otp.Receipt, ok bool) {
	rc = otp.Receipt{Order: o, Attempt: attempt, Provider: provider}
	switch r.Action {
	case "delivered":
		rc.State = otp.Delivered
	case "failed":
		v := r.verdict()
		rc.State, rc.Reason, rc.Class, rc.Permanent = otp.Undelivered, r.Reason(), v.class, v.permanent
	default:
		return otp.Receipt{}, false
	}
	return rc, true
}

// Reason is a short code for journals, such as dsn_5.1.1, or "" if nothing is said.
func (r Report) Reason() string {
	if r.Action == "" {
		return ""
	}
	return "dsn_" + cmp.Or(worded(r.Status), r.Action)
}

// verdict says at whose door a failure lies.
func (r Report) verdict() verdict {
	return verdicts[slices.IndexFunc(verdicts, func(v verdict) bool { return v.fits(returning, "", r.Status) })]
}
