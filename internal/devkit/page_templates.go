package devkit

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

// Composer writes messages out as the worker does.
type Composer interface {
	Compose(ns otp.Namespace, l otp.Letter, code otp.Code, left time.Duration) (otp.Message, error)
	// Locales lists those that there are templates for; the first is the default.
	Locales() []string
}

// Templates shows what messages look like before anybody gets one.
type Templates struct {
	Composer   Composer
	Namespaces map[otp.Namespace]otp.Policy
	Cost       func(text string) string // what a text costs to send, for people
}

// sampleDigits are as many as the longest code has.
const sampleDigits = "1234567890"

// templatesPage is what the template sees.
type templatesPage struct {
	Namespaces []otp.Namespace
	Channels   []otp.Channel // of the namespace
	Locales    []string
	Namespace  otp.Namespace
	Channel    otp.Channel
	Locale     string
	Message    pageMessage
	Cost       string // of a text
	MailURL    string // of a mail's HTML
}

// chosen is a page for what a request asks for, or for the first of what there
// is where it asks for what there is not.
func (t *Templates) chosen(r *http.Request) templatesPage {
	p := templatesPage{Namespaces: slices.Sorted(maps.Keys(t.Namespaces)), Locales: t.Composer.Locales()}
	p.Namespace = orFirst(p.Namespaces, otp.Namespace(r.FormValue("namespace")))
	p.Channels = t.Namespaces[p.Namespace].Channels
	p.Channel = orFirst(p.Channels, otp.Channel(r.FormValue("channel")))
	p.Locale = orFirst(p.Locales, r.FormValue("locale"))
	if p.Channel == otp.Email {
		p.MailURL = "/templates/mail?" + url.Values{"namespace": {string(p.Namespace)}, "channel": {string(p.Channel)}, "locale": {p.Locale}}.Encode()
	}
	return p
}

// orFirst is what is wanted if there is such a one, or the first there is.
func orFirst[T comparable](all []T, wanted T) T {
	if slices.Contains(all, wanted) || len(all) == 0 {
		return wanted
	}
	return all[0]
}

// sample writes the message of a page out, with a code that was never drawn.
func (t *Templates) sample(p templatesPage) (otp.Message, error) {
	policy := t.Namespaces[p.Namespace]
	code, err := otp.ParseCode(sampleDigits[:min(policy.Digits, len(sampleDigits))], policy.Digits)
	if err != nil {
		return otp.Message{}, err
	}
	to := otp.Letter{To: otp.NewRecipient(p.Channel, "", "", ""), Locale: p.Locale}
	return t.Composer.Compose(p.Namespace, to, code, policy.Life)
}

func (w *Web) showTemplates(rw http.ResponseWriter, r *http.Request) {
	p := w.Templates.chosen(r)
	m, err := w.Templates.sample(p)
	if err != nil {
		http.Error(rw, err.Error(), http.StatusInternalServerError)
		return
	}
	p.Message = cutAtCode(Message{Subject: m.Subject, Body: m.Text, Code: codeForm.FindString(m.Text)})
	p.Cost = w.Templates.Cost(m.Text)
	writePage(rw, "templates.html", p)
}

// showSampleMail serves a sample's HTML in the cage that mails have.
func (w *Web) showSampleMail(rw http.ResponseWriter, r *http.Request) {
	m, err := w.Templates.sample(w.Templates.chosen(r))
	if err != nil || m.HTML == "" {
		http.NotFound(rw, r)
		return
	}
	rw.Header().Set("Content-Security-Policy", mailPolicy)
	rw.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = io.WriteString(rw, m.HTML)
}

func writePage(rw http.ResponseWriter, name string, data any) {
	var page bytes.Buffer
	if err := pageTemplates.ExecuteTemplate(&page, name, data); err != nil {
		http.Error(rw, "the page cannot be shown", http.StatusInternalServerError)
		return
	}
	rw.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = page.WriteTo(rw)
}
