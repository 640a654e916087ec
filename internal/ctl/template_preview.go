package ctl

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/otpipe/otpipe/internal/app"
	"github.com/otpipe/otpipe/internal/config"
	"github.com/otpipe/otpipe/internal/message"
	"github.com/otpipe/otpipe/internal/otp"
)

// templatePreview writes a message as a worker would, with a code that was never
// drawn.
type templatePreview struct {
	settings
	Namespace string            `arg:"" help:"Whose message."`
	Channel   string            `enum:",sms,email" default:"" placeholder:"CHANNEL" help:"sms or email; without it the namespace's first."`
	Locale    string            `placeholder:"TAG" help:"As a request names it, such as de-AT; without it the default. all: every one there is."`
	Params    map[string]string `name:"param" placeholder:"NAME=VALUE" help:"A param of the request; may be repeated."`
	HTML      bool              `name:"html" help:"The HTML of a mail in place of its text."`
	To        string            `placeholder:"NUMBER" help:"With --prices: what the text to this number costs."`
	Prices    string            `placeholder:"FILE" help:"As with template lint."`
}

// Help shows how.
func (templatePreview) Help() string {
	return `Nothing is sent.

	otpctl template preview phone-auth --locale all
	otpctl template preview phone-auth --prices prices.csv --to +4915123456789
	otpctl template preview forgot-password --html > mail.html`
}

// sampleDigits are as many as the longest code has.
const sampleDigits = "1234567890"

// Run writes it.
func (t templatePreview) Run(s *screen) error {
	c, err := t.load()
	if err != nil {
		return err
	}
	composer, err := app.ReadTemplates(c)
	if err != nil {
		return ending{app.ExitConfig, err}
	}
	table, err := readPrices(t.Prices)
	if err != nil {
		return err
	}
	ch, err := t.channel(c)
	if err == nil {
		err = t.checkParams(composer.Declares(otp.Namespace(t.Namespace), ch))
	}
	if err != nil {
		return ending{app.ExitUsage, err}
	}
	out := previews{Items: []preview{}, html: t.HTML}
	for _, locale := range t.locales(composer) {
		p, err := t.write(c, composer, ch, locale, table)
		if err != nil {
			return err
		}
		out.Items = append(out.Items, p)
	}
	return s.show(out)
}

// channel is the wanted one, if the namespace has it.
func (t templatePreview) channel(c config.Config) (otp.Channel, error) {
	policy, known := c.Policies()[otp.Namespace(t.Namespace)]
	switch {
	case !known:
		return "", fmt.Errorf("there is no namespace %s; there are %v", t.Namespace, slices.Sorted(maps.Keys(c.Policies())))
	case t.Channel == "":
		return policy.Channels[0], nil
	case !policy.Allows(otp.Channel(t.Channel)):
		return "", fmt.Errorf("--channel: %s has %v", t.Namespace, policy.Channels)
	}
	return otp.Channel(t.Channel), nil
}

func (t templatePreview) checkParams(declared []string) error {
	for name, value := range t.Params {
		if !slices.Contains(declared, name) {
			return fmt.Errorf("--param: the templates declare no %s; they have %v", name, declared)
		}
		if utf8.RuneCountInString(value) > otp.MaxParam {
			return fmt.Errorf("--param: %s has more than %d characters", name, otp.MaxParam)
		}
	}
	return nil
}

func (t templatePreview) locales(c *message.Composer) []string {
	if t.Locale == "all" {
		return c.Locales()
	}
	return []string{t.Locale}
}

func (t templatePreview) write(c config.Config, composer *message.Composer, ch otp.Channel, locale string, table *prices) (p preview, err error) {
	ns := otp.Namespace(t.Namespace)
	policy := c.Policies()[ns]
	code, err := otp.ParseCode(sampleDigits[:policy.Digits], policy.Digits)
	if err != nil {
		return p, err
	}
	to := otp.Letter{To: otp.NewRecipient(ch, "", "", ""), Locale: locale, Params: t.Params}
	m, err := composer.Compose(ns, to, code, policy.Life)
	if err != nil {
		return p, err
	}
	p = preview{Namespace: t.Namespace, Channel: string(ch), Locale: locale, Subject: m.Subject, Text: m.Text, HTML: m.HTML}
	if ch == otp.SMS {
		p.Cost = costOf(m.Text, t.To, table)
	}
	return p, nil
}

func costOf(text, to string, table *prices) *previewCost {
	measured := message.Measure(text)
	c := &previewCost{Encoding: measured.Encoding, Units: measured.Units, Segments: measured.Segments, says: measured.String()}
	if table == nil {
		return c
	}
	if price, prefix, known := table.of(to); known {
		total := price * float64(measured.Segments)
		c.Price, c.Currency = &total, table.Currency
		c.says += ", " + table.money(total) + " to " + prefix
	}
	return c
}

// previews are messages as they would be sent.
type previews struct {
	Items []preview `json:"items"`
	html  bool
}

type preview struct {
	Namespace string       `json:"namespace"`
	Channel   string       `json:"channel"`
	Locale    string       `json:"locale"`
	Subject   string       `json:"subject,omitempty"`
	Text      string       `json:"text"`
	HTML      string       `json:"html,omitempty"`
	Cost      *previewCost `json:"cost,omitempty"`
}

type previewCost struct {
	Encoding message.Encoding `json:"encoding"`
	Units    int              `json:"units"`
	Segments int              `json:"segments"`
	Price    *float64         `json:"price,omitempty"`
	Currency string           `json:"currency,omitempty"`
	says     string
}

func (ps previews) text(p *paper) {
	if ps.html {
		for _, one := range ps.Items {
			p.line("%s", painted(withoutControls(one.HTML)))
		}
		return
	}
	for i, one := range ps.Items {
		if i > 0 {
			p.line("")
		}
		p.line("%s\n", p.tinted(one.title(), faint))
		if one.Subject != "" {
			p.line("%s\n", p.tinted(one.Subject, bold))
		}
		p.line("%s", painted(withoutControls(strings.TrimSpace(one.Text))))
	}
}

// title says which message it is, and what it costs.
func (v preview) title() string {
	words := v.Namespace + " by " + v.Channel
	if v.Locale != "" {
		words += " in " + v.Locale
	}
	if v.Cost != nil {
		words += ": " + v.Cost.says
	}
	return words
}
