// Package message writes letters out by templates. It runs in the worker; the
// api asks it which params a template declares.
package message

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/language"

	"github.com/otpipe/otpipe/internal/otp"
)

const english = "en"

// Settings is what all messages have in common.
type Settings struct {
	Params map[string]string        // their values where a letter has none
	Locale string                   // of a letter whose own is not there; "": en
	Ending map[otp.Namespace]Ending // of texts
}

// Composer writes letters out. It may be used by many goroutines at once.
type Composer struct {
	settings   Settings
	namespaces map[otp.Namespace]otp.Policy
	locales    []string // the first is what a locale that is not there gets
	matcher    language.Matcher
	parts      map[place]map[string]part
	declared   map[place][]string // over all locales; of those places the locale is ""
}

// place is where the parts of a message are found.
type place struct {
	locale  string
	ns      otp.Namespace
	channel otp.Channel
}

// New reads the templates of all namespaces. A template that cannot be read, or
// that asks for what there is not, is an error at once.
func New(files fs.FS, namespaces map[otp.Namespace]otp.Policy, s Settings) (*Composer, error) {
	c := &Composer{settings: s, namespaces: namespaces, parts: map[place]map[string]part{}, declared: map[place][]string{}}
	tags, err := localesIn(files, cmp.Or(s.Locale, english))
	if err != nil {
		return nil, err
	}
	c.matcher = language.NewMatcher(tags)
	var errs complaints
	for _, tag := range tags {
		c.locales = append(c.locales, tag.String())
		r := reader{files: files, locale: tag, seen: map[string]part{}}
		for ns, policy := range namespaces {
			errs.add(c.read(r, ns, policy))
		}
	}
	return c, errors.Join(errs...)
}

// complaints are errors that are told once: namespaces share templates.
type complaints []error

func (cs *complaints) add(err error) {
	if err != nil && !slices.ContainsFunc(*cs, func(e error) bool { return e.Error() == err.Error() }) {
		*cs = append(*cs, err)
	}
}

// localesIn lists the locales that there are templates for, the first one first.
func localesIn(files fs.FS, first string) ([]language.Tag, error) {
	dirs, err := fs.ReadDir(files, ".")
	if err != nil {
		return nil, fmt.Errorf("read templates: %w", err)
	}
	var tags []language.Tag
	for _, d := range dirs {
		if tag, err := language.Parse(d.Name()); err == nil && tag.String() == d.Name() {
			tags = append(tags, tag)
		}
	}
	if len(tags) == 0 {
		return nil, errors.New("read templates: there is no locale")
	}
	i := slices.IndexFunc(tags, func(t language.Tag) bool { return t.String() == first })
	if i < 0 {
		return nil, fmt.Errorf("messages.default_locale: there are no templates for it; there are %v", tags)
	}
	return slices.Insert(slices.Delete(slices.Clone(tags), i, i+1), 0, tags[i]), nil
}

// read takes in one namespace's messages in one locale and writes each once.
func (c *Composer) read(r reader, ns otp.Namespace, policy otp.Policy) error {
	for _, ch := range policy.Channels {
		parts, err := r.parts(ns, ch)
		if err != nil {
			return err
		}
		at := place{r.locale.String(), ns, ch}
		c.parts[at] = parts
		if _, err := c.write(at, nil, otp.NewCode(policy.Digits), policy.Life); err != nil {
			return err
		}
		c.declare(ns, ch, parts)
	}
	return nil
}

func (c *Composer) declare(ns otp.Namespace, ch otp.Channel, parts map[string]part) {
	all := c.declared[place{"", ns, ch}]
	for _, p := range parts {
		all = append(all, p.params...)
	}
	slices.Sort(all)
	c.declared[place{"", ns, ch}] = slices.Compact(all)
}

// Declares lists the params of a namespace's messages on a channel.
func (c *Composer) Declares(ns otp.Namespace, ch otp.Channel) []string {
	return c.declared[place{"", ns, ch}]
}

// Locales lists those that there are templates for; the first is the default.
func (c *Composer) Locales() []string { return slices.Clone(c.locales) }

// places are where all messages are, in the order people look for them.
func (c *Composer) places() iter.Seq[place] {
	return func(yield func(place) bool) {
		for _, locale := range c.locales {
			for _, ns := range slices.Sorted(maps.Keys(c.namespaces)) {
				for _, ch := range c.namespaces[ns].Channels {
					if !yield(place{locale, ns, ch}) {
						return
					}
				}
			}
		}
	}
}

// Compose fills in the texts of the message that carries code.
func (c *Composer) Compose(ns otp.Namespace, l otp.Letter, code otp.Code, left time.Duration) (otp.Message, error) {
	_, i := language.MatchStrings(c.matcher, l.Locale)
	return c.write(place{c.locales[i], ns, l.To.Channel()}, l.Params, code, left)
}

func (c *Composer) write(at place, params map[string]string, code otp.Code, left time.Duration) (m otp.Message, err error) {
	parts, ok := c.parts[at]
	if !ok {
		return m, fmt.Errorf("message of %s by %s: there is no template for it", at.ns, at.channel)
	}
	data := content{Code: code.Reveal(), Minutes: minutes(left), Params: map[string]string{}}
	maps.Copy(data.Params, c.settings.Params)
	maps.Copy(data.Params, params)
	if data.Purpose, err = parts[purposeFile].fill(data); err != nil {
		return m, err
	}
	data.Purpose = strings.TrimSpace(data.Purpose)
	if at.channel == otp.SMS {
		text, err := parts[smsFile].fill(data)
		if err != nil {
			return m, err
		}
		m.Text = strings.TrimSpace(text) + c.settings.Ending[at.ns].line(code)
		return m, nil
	}
	return letter(parts, data)
}

// letter writes a mail. Its subject has no code: relays log subjects, and locked
// screens show them.
func letter(parts map[string]part, data content) (m otp.Message, err error) {
	if m.Subject, err = parts[subjectFile].fill(data); err != nil {
		return otp.Message{}, err
	}
	if m.Text, err = parts[textFile].fill(data); err != nil {
		return otp.Message{}, err
	}
	if m.HTML, err = parts[htmlFile].fill(data); err != nil {
		return otp.Message{}, err
	}
	m.Subject = strings.TrimSpace(oneLine.Replace(m.Subject))
	return m, nil
}

// oneLine makes one of what a template or a configured param breaks into several:
// a line's end would end the header.
var oneLine = strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ")

// minutes rounds up: a code that lives ten seconds more is not dead.
func minutes(left time.Duration) int { return int(math.Ceil(left.Minutes())) }
