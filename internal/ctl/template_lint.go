package ctl

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/otpipe/otpipe/internal/app"
	"github.com/otpipe/otpipe/internal/config"
	"github.com/otpipe/otpipe/internal/doctor"
	"github.com/otpipe/otpipe/internal/message"
)

// templateLint looks at all templates, the built-in ones under those of
// messages.directory.
type templateLint struct {
	settings
	Prices string `placeholder:"FILE" help:"A table of prices of a segment, by how a number begins: CSV of prefix,price, or TOML with currency and [prices]."`
	All    bool   `help:"Show the texts of every namespace, and not only the dearest of each locale."`
	Strict bool   `help:"End with 2 for warnings too."`
}

// Help says how it ends.
func (templateLint) Help() string {
	return `It ends with 2 if a template has to be changed: it does not say the code, has a field
that nothing fills in, or its text costs more than messages.sms_segments or
messages.unicode_segments allow.

	otpctl template lint --prices prices.csv`
}

// Run reads, measures and judges them.
func (t templateLint) Run(_ context.Context, s *screen) error {
	c, err := t.load()
	if err != nil {
		return err
	}
	table, err := readPrices(t.Prices)
	if err != nil {
		return err
	}
	l := lint{all: t.All, Prices: table}
	l.look(c)
	return errors.Join(s.show(l), l.end(t.Strict))
}

// lint is what was found, and what texts cost.
type lint struct {
	Worst    doctor.Grade  `json:"worst"`
	Findings []lintFinding `json:"findings"`
	Texts    []textCost    `json:"texts"`
	Prices   *prices       `json:"prices,omitempty"`
	all      bool
}

type lintFinding struct {
	Grade doctor.Grade `json:"grade"`
	File  string       `json:"file,omitempty"`
	Says  string       `json:"says"`
}

// textCost is what one text costs to send.
type textCost struct {
	Locale    string           `json:"locale"`
	Namespace string           `json:"namespace"`
	Encoding  message.Encoding `json:"encoding"`
	Units     int              `json:"units"`
	Segments  int              `json:"segments"`
	Longest   int              `json:"longest_segments"`
}

// look fills it in. Templates that cannot be read leave nothing to measure.
func (l *lint) look(c config.Config) {
	l.Worst, l.Findings, l.Texts = doctor.OK, []lintFinding{}, []textCost{}
	composer, err := app.ReadTemplates(c)
	if err != nil {
		l.fail(err, 1) // its first line says that there are some
		return
	}
	l.fail(composer.CheckTexts(app.TextLimits(c)), 0)
	for _, lack := range composer.Lint() {
		grade := doctor.Warn
		if lack.Serious {
			grade = doctor.Fail
		}
		l.add(lintFinding{grade, lack.File, lack.Says})
	}
	samples, err := composer.Samples()
	l.fail(err, 0)
	for _, s := range samples {
		l.Texts = append(l.Texts, textCost{s.Locale, string(s.Namespace), s.Cost.Encoding, s.Cost.Units, s.Cost.Segments, s.Longest.Segments})
	}
}

func (l *lint) fail(err error, skip int) {
	if err == nil {
		return
	}
	for _, line := range strings.Split(err.Error(), "\n")[skip:] {
		l.add(lintFinding{Grade: doctor.Fail, Says: line})
	}
}

func (l *lint) add(f lintFinding) {
	l.Findings = append(l.Findings, f)
	if l.Worst != doctor.Fail {
		l.Worst = f.Grade
	}
}

func (l lint) end(strict bool) error {
	if l.Worst == doctor.Fail || strict && l.Worst == doctor.Warn {
		return shown(exitFound)
	}
	return nil
}

func (l lint) text(p *paper) {
	if len(l.Findings) > 0 {
		var rows [][]cell
		for _, f := range l.Findings {
			says := f.Says
			if f.File != "" {
				says = f.File + " " + says
			}
			rows = append(rows, []cell{{string(f.Grade), gradeTints[f.Grade]}, {text: says}})
		}
		p.table([]string{"GRADE", "FINDING"}, rows)
		p.line("")
	}
	p.table([]string{"LOCALE", "NAMESPACE", "ENCODING", "UNITS", "SEGMENTS", "AT THE LONGEST"}, l.rows())
	if l.Prices != nil {
		p.line("")
		l.Prices.table(p, l.segments())
	}
	if len(l.Findings) == 0 {
		p.line("\nnothing is wrong with the templates")
	}
}

// rows are the texts, or the dearest of each locale.
func (l lint) rows() (rows [][]cell) {
	texts := l.Texts
	if !l.all {
		texts = dearest(texts)
	}
	for _, t := range texts {
		rows = append(rows, row(t.Locale, t.Namespace, string(t.Encoding), strconv.Itoa(t.Units), strconv.Itoa(t.Segments), strconv.Itoa(t.Longest)))
	}
	return rows
}

// dearest picks one text of each locale.
func dearest(texts []textCost) (all []textCost) {
	for _, t := range texts {
		i := slices.IndexFunc(all, func(a textCost) bool { return a.Locale == t.Locale })
		switch {
		case i < 0:
			all = append(all, t)
		case t.Longest > all[i].Longest || t.Longest == all[i].Longest && t.Units > all[i].Units:
			all[i] = t
		}
	}
	return all
}

// segments are the numbers of them that texts have.
func (l lint) segments() (all []int) {
	for _, t := range l.Texts {
		all = append(all, t.Segments, t.Longest)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
