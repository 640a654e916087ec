package message

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/otpipe/otpipe/internal/otp"
)

// AnyLocale stands for all of them in Limits.Unicode.
const AnyLocale = "*"

// Limits says what a text may cost.
type Limits struct {
	Segments        int      // of a text in GSM-7
	Unicode         []string // the locales whose texts may be in UCS-2
	UnicodeSegments int      // of such a text
}

// CheckTexts says which texts would cost more than they may, with the longest
// code and params, at any minute of a code's life. A param is counted as GSM-7:
// what a request brings in other characters makes its text dearer all the same.
func (c *Composer) CheckTexts(l Limits) error {
	ch := textCheck{composer: c, limits: l, odd: map[string]finding{}, long: map[string]finding{}}
	for _, locale := range l.Unicode {
		if locale != AnyLocale && !slices.Contains(c.locales, locale) {
			ch.complain("messages.unicode_locales: there are no templates for %s", locale)
		}
	}
	for at := range c.places() {
		if at.channel == otp.SMS {
			ch.check(at)
		}
	}
	ch.conclude()
	return errors.Join(ch.errs...)
}

// textCheck collects what it finds: one finding for each character in a file,
// and one for the texts of a file that are too long.
type textCheck struct {
	composer *Composer
	limits   Limits
	odd      map[string]finding // by where the character is
	long     map[string]finding // by file
	errs     complaints
}

// finding is the dearest text that something was found in.
type finding struct {
	at      place
	cost    Cost
	locales []string // all it was found in
}

func found(in map[string]finding, where string, at place, cost Cost) {
	f := in[where]
	if cost.Units > f.cost.Units {
		f.at, f.cost = at, cost
	}
	if !slices.Contains(f.locales, at.locale) {
		f.locales = append(f.locales, at.locale)
	}
	in[where] = f
}

func (ch *textCheck) complain(format string, args ...any) {
	ch.errs.add(fmt.Errorf(format, args...))
}

// check judges the text of one place.
func (ch *textCheck) check(at place) {
	for text, err := range ch.composer.variants(at) {
		if err != nil {
			ch.complain("%w", err)
			return
		}
		ch.judge(at, Measure(text))
	}
}

// variants are a text at every minute of a code's life, as it is by default and as
// long as it gets.
func (c *Composer) variants(at place) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		policy := c.namespaces[at.ns]
		code, err := otp.ParseCode(strings.Repeat("0", policy.Digits), policy.Digits)
		if err != nil {
			yield("", err)
			return
		}
		for left := minutes(policy.Life); left > 0; left-- {
			for _, params := range []map[string]string{nil, c.longest(at)} {
				m, err := c.write(at, params, code, time.Duration(left)*time.Minute)
				if !yield(m.Text, err) || err != nil {
					return
				}
			}
		}
	}
}

// longest gives every param as many characters as a request may, or its default
// where that is longer.
func (c *Composer) longest(at place) map[string]string {
	params := map[string]string{}
	for _, name := range c.Declares(at.ns, at.channel) {
		if utf8.RuneCountInString(c.settings.Params[name]) < otp.MaxParam {
			params[name] = gsmFiller(otp.MaxParam)
		}
	}
	return params
}

func (ch *textCheck) judge(at place, cost Cost) {
	allowed := ch.limits.Segments
	if cost.Encoding == UCS2 {
		if !slices.Contains(ch.limits.Unicode, at.locale) && !slices.Contains(ch.limits.Unicode, AnyLocale) {
			found(ch.odd, ch.composer.whereIs(cost, at), at, cost)
			return
		}
		allowed = ch.limits.UnicodeSegments
	}
	if cost.Segments > allowed {
		found(ch.long, ch.composer.parts[at][smsFile].file, at, cost)
	}
}

// whereIs finds a character: in a template by line and column, in the default
// of a param, or else in the text as it is written out.
func (c *Composer) whereIs(cost Cost, at place) string {
	parts := c.parts[at]
	for _, name := range []string{smsFile, purposeFile} {
		p := parts[name]
		if before, _, found := strings.Cut(p.source, string(cost.Odd)); found {
			line, column := position(before)
			return fmt.Sprintf("template %s:%d:%d: %#U", p.file, line, column, cost.Odd)
		}
	}
	for name, value := range c.settings.Params {
		if before, _, found := strings.Cut(value, string(cost.Odd)); found {
			_, column := position(before)
			return fmt.Sprintf("param %s: character %d of its default, %#U", name, column, cost.Odd)
		}
	}
	return fmt.Sprintf("template %s: character %d of its text, %#U", parts[smsFile].file, cost.Position, cost.Odd)
}

// position is where the next character after a text stands, both from 1.
func position(before string) (line, column int) {
	line = strings.Count(before, "\n") + 1
	return line, utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
}

func (ch *textCheck) conclude() {
	for _, where := range slices.Sorted(maps.Keys(ch.odd)) {
		f := ch.odd[where]
		ch.complain("%s is not in the GSM-7 alphabet; with it the text of %s is %s: write it otherwise, or name %s in messages.unicode_locales",
			where, f.at.ns, f.cost, strings.Join(f.locales, ", "))
	}
	for _, file := range slices.Sorted(maps.Keys(ch.long)) {
		f := ch.long[file]
		setting := "messages.sms_segments"
		if f.cost.Encoding == UCS2 {
			setting = "messages.unicode_segments"
		}
		ch.complain("template %s: the longest text, that of %s, is %s: shorten it, its purpose or its origin, or allow more in %s",
			file, f.at.ns, f.cost, setting)
	}
}
