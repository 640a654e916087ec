package attack_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/mail"
	"slices"
	"strings"
	"time"

	"github.com/otpipe/otpipe/internal/processtest"
)

func words() []attack {
	return []attack{
		{name: "hostile words in every field", what: "requests with line breaks, NULs, escapes, templates, markup and mail headers in a field", due: "", play: hostileFields},
		{name: "hostile words in headers", what: "requests, likewise", due: "", play: hostileHeaders},
		{name: "templates, markup and headers in a message", what: "starts with a brand that is made of them", due: "", play: hostileMessages},
		{name: "links in a message", what: "starts with a brand that a handset would make a link of", due: "", play: links},
	}
}

// canary stands in every hostile word: no answer, log, or message to others may
// repeat it.
const canary = "zq7canary7qz"

// hostile are words that something on the way may take for more than words.
var hostile = []string{
	canary + "\r\nX-Injected: " + canary, canary + "\r\n\r\n<html>", canary + "\n{\"level\":\"INFO\",\"msg\":\"" + canary + "\"}", "\x1b[31m" + canary + "\x1b]0;x\x07",
	canary + "\x00", "{{.Code}}" + canary, "{{template \"" + canary + "\"}}", "${jndi:ldap://" + canary + "}", "<script>alert('" + canary + "')</script>",
	"\"><img src=x onerror=" + canary + ">", "' or '1'='1" + canary, "*" + canary + " GET x", "$(" + canary + ")", "../../" + canary, "%0d%0a" + canary, "%s%n%x" + canary,
	canary + "@mail.example\r\nBcc: victim@evil.example", canary + "@mail.example>\r\nRCPT TO:<victim@evil.example>", canary + "@mail.example, victim@evil.example",
	"\u202e" + canary, canary + "\u2028" + canary, canary + "\ufffe\ud7ff", strings.Repeat(canary, 300),
}

// place is a field of a request that a hostile word is put into.
type place struct {
	path string
	body func(word string) fields
}

// places are all text fields of all requests.
func (r *raid) places() []place {
	to := r.phone()
	in := func(path string, rest fields, names ...string) (all []place) {
		for _, name := range names {
			all = append(all, place{path, func(word string) fields {
				body := fields{}
				for k, v := range rest {
					body[k] = v
				}
				body[name] = word
				return body
			}})
		}
		return all
	}
	start := fields{"namespace": "open", "to": to}
	return slices.Concat(
		in("/v1/verifications", start, "namespace", "to", "channel", "locale", "binding", "params", "fallback", canary),
		[]place{
			{"/v1/verifications", func(w string) fields { return fields{"namespace": "open", "to": to, "params": fields{"brand": w}} }},
			{"/v1/verifications", func(w string) fields { return fields{"namespace": "open", "to": to, "params": fields{w: "x"}} }},
			{"/v1/verifications", func(w string) fields {
				return fields{"namespace": "open", "to": to, "fallback": []any{fields{"to": w}}}
			}},
			{"/v1/verifications", func(w string) fields {
				return fields{"namespace": "open", "to": to, "fallback": []any{fields{"to": to, "channel": w}}}
			}},
			{"/v1/verifications", func(w string) fields { return fields{"namespace": "open", "to": to, w: "x"} }},
		},
		in("/v1/verifications/check", fields{"namespace": "open", "to": to, "code": "1234567890"}, "namespace", "to", "code", "binding"),
		in("/v1/verifications/check", fields{"code": "1234567890"}, "id"),
		in("/v1/verifications/search", fields{"to": to}, "to", "namespace", "cursor", "limit"),
		in("/v1/recipients/unlock", fields{"namespace": "open", "to": to, "reason": "asked"}, "namespace", "to", "binding", "reason"),
		in("/v1/sessions/introspect", fields{"namespace": "open", "to": to, "token": "ots_x"}, "namespace", "to", "token"),
		in("/v1/sessions/consume", fields{"namespace": "open", "to": to, "token": "ots_x"}, "namespace", "to", "token"),
		in("/v1/providers/nobody/drain", fields{}, "reason"),
	)
}

func hostileFields(r *raid) {
	for _, p := range r.places() {
		for _, word := range hostile {
			r.harmless(fmt.Sprintf("%s %.80q", p.path, p.body(word)), r.owner.do(http.MethodPost, p.path, p.body(word)))
		}
	}
	for _, word := range hostile {
		for _, path := range []string{"/v1/verifications/%s", "/v1/verifications/%s/cancel", "/v1/providers/%s/drain", "/v1/receipts/%s", "/%s"} {
			path := fmt.Sprintf(path, escaped(word))
			r.harmless(path, r.owner.do(http.MethodGet, path, nil))
			r.harmless(path, r.owner.do(http.MethodPost, path, fields{"reason": "asked"}))
		}
	}
	for _, to := range r.post.recipients() {
		if strings.Contains(to, "evil.example") {
			r.broken("a mail to %s", to)
		}
	}
}

// escaped is a word as it may stand in a path: every byte of it.
func escaped(word string) string {
	var b strings.Builder
	for _, c := range []byte(word[:min(len(word), 300)]) {
		_, _ = fmt.Fprintf(&b, "%%%02x", c)
	}
	return b.String()
}

// harmless holds an answer to what holds for all: it is no fault of ours, and
// repeats nothing.
func (r *raid) harmless(what string, a answer) {
	r.Helper()
	r.tries(1)
	var head strings.Builder
	_ = a.header.Write(&head)
	switch text := strings.ToLower(head.String() + string(a.body)); {
	case a.status == http.StatusServiceUnavailable: // the machine is busy
	case a.status == 0 || a.status >= http.StatusInternalServerError:
		r.broken("%s: %v", what, a)
	case strings.Contains(text, canary), strings.Contains(text, "x-injected"):
		r.broken("%s is repeated: %v %s", what, a, head.String())
	}
}

// named are the headers that something may read.
var named = []string{
	"Idempotency-Key", "X-Request-Id", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Forwarded", "Traceparent", "Tracestate", "Baggage",
	"User-Agent", "Referer", "Origin", "Accept", "Accept-Language", "Content-Type", "Host", "Cookie", "X-Twilio-Signature", "Webhook-Id",
}

// hostileHeaders writes its requests itself: a client of HTTP would refuse some.
func hostileHeaders(r *raid) {
	body := fmt.Sprintf(`{"namespace":"open","to":%q}`, r.phone())
	for _, name := range named {
		for _, word := range hostile {
			word = strings.NewReplacer("\r\n", "\r", "\n", "\r").Replace(word) // behind a line's end stands another header, which anybody may send
			text := fmt.Sprintf("POST /v1/verifications HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n%s: %s\r\n\r\n%s",
				r.owner.key, len(body), name, word, body)
			if name == "Host" || name == "Content-Type" {
				text = strings.Replace(text, map[string]string{"Host": "Host: x\r\n", "Content-Type": "Content-Type: application/json\r\n"}[name], "", 1)
			}
			for _, a := range r.raw(text) {
				r.harmless(fmt.Sprintf("%s: %.60q", name, word), a)
			}
		}
	}
}

// brands are what is taken for a brand and means something to templates, markup
// or mail.
var brands = []string{
	"{{.Code}}", "{{.}}", "{{define \"x\"}}", "<b>bold</b>", "<script>x</script>", "<img src=x>", "\"><a href=x>", "</bdi><h1>x", "&lt;b&gt;",
	"=?utf-8?q?=0d=0aBcc:x?=", "%s%s%n", "x: y", "Bcc: x", "--boundary", ".", "..", "= =3D", "'; x", "\\r\\nBcc: x", "\u00fcml\u00e4ut", "🎈", "",
	"x\r\nBcc: victim@evil", "x\nSubject: y", "x\ry", "x\x00y", "x\u2028y", "x\u202ey", "x\u200by", "\x1b[1mx", strings.Repeat("x", 33),
}

// hostileMessages compares mails with one whose brand is plain: the same headers,
// one recipient, the code as often, and no element more.
func hostileMessages(r *raid) {
	plain := r.branded("Example")
	want := parsed(r, plain)
	for _, brand := range brands {
		r.tries(1)
		to := r.mailbox()
		a := r.owner.do(http.MethodPost, "/v1/verifications", fields{"namespace": "open", "to": to, "params": fields{"brand": brand}})
		if a.status == http.StatusBadRequest {
			continue
		}
		if a.status != http.StatusAccepted {
			r.broken("%q: %v", brand, a)
			continue
		}
		if got := parsed(r, r.mail(r, to, 1)); got != want {
			r.broken("%q makes %+v of %+v", brand, got, want)
		}
	}
}

func (r *raid) branded(brand string) mailed {
	r.Helper()
	to := r.mailbox()
	r.owner.do(http.MethodPost, "/v1/verifications", fields{"namespace": "open", "to": to, "params": fields{"brand": brand}})
	return r.mail(r, to, 1)
}

// shape is what may not change with a brand.
type shape struct {
	headers    string
	recipients int
	codes      int // in the text
	elements   int // of the page
}

func parsed(r *raid, m mailed) shape {
	r.Helper()
	in, err := mail.ReadMessage(strings.NewReader(m.raw))
	if err != nil {
		r.Fatalf("%v in %s", err, m.raw)
	}
	var names []string
	for name, values := range in.Header {
		names = append(names, fmt.Sprint(name, len(values)))
	}
	slices.Sort(names)
	text, page := m.parts()
	return shape{strings.Join(names, " "), len(m.to), strings.Count(text, m.code()), strings.Count(page, "<")}
}

// links is tried with all that a handset turns into something to tap on.
func links(r *raid) {
	for _, brand := range []string{
		"https://evil.example", "http://203.0.113.9", "evil.example", "EVIL.EXAMPLE", "www.evil", "pay at evil.example/x", "evil.example:8080", "ftp://x", "x@evil.example",
		"203.0.113.9", "203.0.113.9/pay", "see 203.0.113.9:80/a", "evil．example", "evil。example", "evil｡example", "evil.еxample", "xn--vil-gsa.example", "t.co/x", "bücher.example",
		"www.203.0.113.9", "a 1.1.1.1", "evil．еxample", "evil。io",
	} {
		for _, namespace := range []string{"open", "phone-auth"} {
			r.tries(1)
			a := r.owner.do(http.MethodPost, "/v1/verifications", fields{"namespace": namespace, "to": r.phone(), "params": fields{"brand": brand}})
			if a.status != http.StatusBadRequest {
				r.broken("%q in %s: %v", brand, namespace, a)
			}
		}
	}
}

// logs holds what both processes have said to what a line of log is: one of JSON,
// with the keys of docs/watching.md and nothing of what was sent to forge one.
var logs = attack{name: "forged lines of log", what: "lines that both processes wrote meanwhile", play: func(r *raid) {
	page, told := pageOf(r, "../../docs/watching.md"), map[string]bool{}
	for _, p := range []*processtest.Process{r.api, r.worker} {
		for line := range strings.Lines(p.Text()) {
			r.tries(1)
			var all map[string]any
			if err := json.Unmarshal([]byte(line), &all); err != nil || all["msg"] == nil || all["time"] == nil {
				r.broken("%s: %q", p.Name, line)
			}
			for key := range all {
				if !strings.Contains(page, "`"+key+"`") && !told[key] {
					told[key] = true
					r.broken("%s: the key %s in %q", p.Name, key, line)
				}
			}
			if at, _ := time.Parse(time.RFC3339Nano, fmt.Sprint(all["time"])); at.IsZero() || strings.Contains(line, canary) {
				r.broken("%s: %q", p.Name, line)
			}
		}
	}
}}
