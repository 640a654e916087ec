// Package message writes letters out by templates. It runs in the worker; the
// api asks it which params a template declares.
package message

import (
	"bytes"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"io"
	"io/fs"
	"maps"
	"math"
	"path"
	"regexp"
	"slices"
	"strings"
	"text/template"
	"time"

	"golang.org/x/text/language"

	"github.com/otpipe/otpipe/internal/otp"
)

const (
	fallback = "default" // stands in for a namespace without a part of its own
	purpose  = "purpose.txt"
	english  = "en"
)

// parts are the files that make up a message on a channel.
var parts = map[otp.Channel][]string{
	otp.SMS:   {"sms.txt"},
	otp.Email: {"email.subject.txt", "email.txt", "email.html"},
}

// Composer writes letters out. It may be used by many goroutines at once.
type Composer struct {
	defaults map[string]string
	locales  []string
	matcher  language.Matcher
	parts    map[string]part // by locale, namespace and file
}

type part struct {
	template interface {
		Execute(w io.Writer, data any) error
	}
	params []string
}

// content is what a template may say.
type content struct {
	Code    string
	Minutes int
	Purpose string
	Params  map[string]string
}

var paramForm = regexp.MustCompile(`\.Params\.([A-Za-z0-9_]+)`)

// New reads the templates of all namespaces. defaults gives params their value
// where the caller has none. A template that cannot be read, or that asks for
// what there is not, is an error at once.
func New(files fs.FS, namespaces map[otp.Namespace]otp.Policy, defaults map[string]string) (*Composer, error) {
	c := &Composer{defaults: defaults, parts: map[string]part{}}
	dirs, err := fs.ReadDir(files, ".")
	if err != nil {
		return nil, fmt.Errorf("read templates: %w", err)
	}
	// The first is what a locale that is not there gets.
	slices.SortStableFunc(dirs, func(a, b fs.DirEntry) int { return isEnglish(b) - isEnglish(a) })
	var tags []language.Tag
	var errs []error
	for _, d := range dirs {
		tag, err := language.Parse(d.Name())
		if !d.IsDir() || err != nil {
			continue
		}
		c.locales, tags = append(c.locales, d.Name()), append(tags, tag)
		for ns, policy := range namespaces {
			errs = append(errs, c.read(files, d.Name(), ns, policy))
		}
	}
	if len(tags) == 0 {
		return nil, errors.New("read templates: there is no locale")
	}
	c.matcher = language.NewMatcher(tags)
	return c, errors.Join(errs...)
}

func isEnglish(d fs.DirEntry) int {
	if d.Name() == english {
		return 1
	}
	return 0
}

// read takes in one namespace's messages in one locale and writes each once.
func (c *Composer) read(files fs.FS, locale string, ns otp.Namespace, policy otp.Policy) error {
	for _, ch := range policy.Channels {
		for _, name := range append([]string{purpose}, parts[ch]...) {
			text, file, err := find(files, locale, ns, name)
			if err != nil {
				return err
			}
			p, err := parse(file, text)
			if err != nil {
				return fmt.Errorf("template %s: %w", file, err)
			}
			c.parts[path.Join(locale, string(ns), name)] = p
		}
		sample := otp.NewCode(policy.Digits)
		if _, err := c.write(locale, ns, ch, nil, sample, policy.Life); err != nil {
			return err
		}
	}
	return nil
}

// find returns a namespace's own part, or the default one.
func find(files fs.FS, locale string, ns otp.Namespace, name string) (text, file string, err error) {
	for _, dir := range []string{string(ns), fallback} {
		file = path.Join(locale, dir, name)
		b, err := fs.ReadFile(files, file)
		if err == nil {
			return string(b), file, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", "", fmt.Errorf("read template: %w", err)
		}
	}
	return "", "", fmt.Errorf("template %s is missing, also in %s", path.Join(locale, string(ns), name), fallback)
}

func parse(file, text string) (p part, err error) {
	for _, m := range paramForm.FindAllStringSubmatch(text, -1) {
		p.params = append(p.params, m[1])
	}
	if strings.HasSuffix(file, ".html") {
		p.template, err = htmltemplate.New(file).Option("missingkey=error").Parse(text)
	} else {
		p.template, err = template.New(file).Option("missingkey=error").Parse(text)
	}
	return p, err
}

// Declares lists the params of a namespace's messages on a channel.
func (c *Composer) Declares(ns otp.Namespace, ch otp.Channel) []string {
	declared := map[string]bool{}
	for _, locale := range c.locales {
		for _, name := range append([]string{purpose}, parts[ch]...) {
			for _, p := range c.parts[path.Join(locale, string(ns), name)].params {
				declared[p] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(declared))
}

// Compose fills in the texts of the message that carries code.
func (c *Composer) Compose(ns otp.Namespace, l otp.Letter, code otp.Code, left time.Duration) (otp.Message, error) {
	_, i := language.MatchStrings(c.matcher, l.Locale)
	return c.write(c.locales[i], ns, l.To.Channel(), l.Params, code, left)
}

func (c *Composer) write(locale string, ns otp.Namespace, ch otp.Channel, params map[string]string, code otp.Code, left time.Duration) (m otp.Message, err error) {
	data := content{Code: code.Reveal(), Minutes: int(math.Ceil(left.Minutes())), Params: map[string]string{}}
	maps.Copy(data.Params, c.defaults)
	maps.Copy(data.Params, params)
	if data.Purpose, err = c.fill(locale, ns, purpose, data); err != nil {
		return m, err
	}
	if ch == otp.SMS {
		m.Text, err = c.fill(locale, ns, "sms.txt", data)
		return m, err
	}
	for name, text := range map[string]*string{"email.subject.txt": &m.Subject, "email.txt": &m.Text, "email.html": &m.HTML} {
		if *text, err = c.fill(locale, ns, name, data); err != nil {
			return m, err
		}
	}
	m.Subject = strings.TrimSpace(m.Subject)
	return m, nil
}

// fill never puts a template's error through: it may quote the code.
func (c *Composer) fill(locale string, ns otp.Namespace, name string, data content) (string, error) {
	file := path.Join(locale, string(ns), name)
	p, ok := c.parts[file]
	if !ok {
		return "", fmt.Errorf("template %s: there is none for this channel", file)
	}
	var b bytes.Buffer
	if err := p.template.Execute(&b, data); err != nil {
		return "", fmt.Errorf("template %s: asks for something that is neither a field nor a param with a default", file)
	}
	return b.String(), nil
}
