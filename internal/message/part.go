package message

import (
	"bytes"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"io"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"text/template"

	"golang.org/x/text/language"

	"github.com/otpipe/otpipe/internal/otp"
)

// The files of a message. Templates lie at <locale>/<namespace>/<file>, and
// what a namespace does not have at <locale>/default/<file>.
const (
	fallback    = "default"
	purposeFile = "purpose.txt" // what a code is for, in a few words
	smsFile     = "sms.txt"
	subjectFile = "email.subject.txt"
	textFile    = "email.txt"
	htmlFile    = "email.html"
)

// filesOf are what makes up a message on a channel.
var filesOf = map[otp.Channel][]string{
	otp.SMS:   {purposeFile, smsFile},
	otp.Email: {purposeFile, subjectFile, textFile, htmlFile},
}

// part is one file, parsed.
type part struct {
	file     string
	source   string
	params   []string
	template interface {
		Execute(w io.Writer, data any) error
	}
}

// content is what a template may say.
type content struct {
	Code    string
	Minutes int
	Purpose string
	Params  map[string]string
}

var paramForm = regexp.MustCompile(`\.Params\.([A-Za-z0-9_]+)`)

// fill writes a part out. It never puts a template's error through: it may
// quote the code.
func (p part) fill(data content) (string, error) {
	var b bytes.Buffer
	err := p.template.Execute(&b, data)
	if own, ok := errors.AsType[pluralError](err); ok {
		return "", fmt.Errorf("template %s: %w", p.file, own)
	}
	if err != nil {
		return "", fmt.Errorf("template %s: asks for something that is neither a field nor a param with a default", p.file)
	}
	return b.String(), nil
}

// reader reads the templates of one locale, each file once.
type reader struct {
	files  fs.FS
	locale language.Tag
	seen   map[string]part // by file
}

// parts reads all that make up a message.
func (r reader) parts(ns otp.Namespace, ch otp.Channel) (map[string]part, error) {
	all := map[string]part{}
	for _, name := range filesOf[ch] {
		p, err := r.find(ns, name)
		if err != nil {
			return nil, err
		}
		all[name] = p
	}
	return all, nil
}

// find returns a namespace's own part or the default one, and what a region
// does not have from its language: pt-PT may differ from pt in one file.
func (r reader) find(ns otp.Namespace, name string) (part, error) {
	for tag := r.locale; tag != language.Und; tag = tag.Parent() {
		for _, dir := range []string{string(ns), fallback} {
			p, err := r.read(path.Join(tag.String(), dir, name))
			if !errors.Is(err, fs.ErrNotExist) {
				return p, err
			}
		}
	}
	return part{}, fmt.Errorf("template %s is missing, also in %s", path.Join(r.locale.String(), string(ns), name), fallback)
}

func (r reader) read(file string) (part, error) {
	if p, ok := r.seen[file]; ok {
		return p, nil
	}
	b, err := fs.ReadFile(r.files, file)
	if err != nil {
		return part{}, fmt.Errorf("read template: %w", err)
	}
	p, err := r.parse(file, string(b))
	if err != nil {
		return part{}, fmt.Errorf("template %s: %w", file, err)
	}
	r.seen[file] = p
	return p, nil
}

func (r reader) parse(file, text string) (part, error) {
	p := part{file: file, source: text}
	for _, m := range paramForm.FindAllStringSubmatch(text, -1) {
		p.params = append(p.params, m[1])
	}
	words := map[string]any{"plural": pluralIn(r.locale)}
	var err error
	if strings.HasSuffix(file, ".html") {
		p.template, err = htmltemplate.New(file).Option("missingkey=error").Funcs(words).Parse(text)
	} else {
		p.template, err = template.New(file).Option("missingkey=error").Funcs(words).Parse(text)
	}
	return p, err
}
