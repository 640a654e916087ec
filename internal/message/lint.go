package message

import (
	"maps"
	"slices"
	"strings"

	"github.com/otpipe/otpipe/internal/otp"
)

// Sample is one text, and what it costs.
type Sample struct {
	Locale    string
	Namespace otp.Namespace
	Cost      Cost // as a request without params gets it
	Longest   Cost // with its longest code and params, at the dearest minute
}

// Samples are all texts, by locale and namespace.
func (c *Composer) Samples() (all []Sample, err error) {
	for at := range c.places() {
		if at.channel != otp.SMS {
			continue
		}
		s := Sample{Locale: at.locale, Namespace: at.ns}
		for text, err := range c.variants(at) {
			if err != nil {
				return nil, err
			}
			cost := Measure(text)
			if s.Cost.Segments == 0 { // the first is the plain one
				s.Cost = cost
			}
			if cost.Segments > s.Longest.Segments || cost.Segments == s.Longest.Segments && cost.Units > s.Longest.Units {
				s.Longest = cost
			}
		}
		all = append(all, s)
	}
	return all, nil
}

// Lack is something that a message ought to say, or not to.
type Lack struct {
	File    string // of the template
	Says    string // what is wrong
	Serious bool   // it is of no use so, or tells the code to others
}

// Lint says what is wrong with messages that can be written: a template may leave
// out what a person needs, and say what nobody else may read.
func (c *Composer) Lint() (all []Lack) {
	for at := range c.places() {
		for _, l := range c.lacks(at) {
			if !slices.Contains(all, l) {
				all = append(all, l)
			}
		}
	}
	return all
}

// lacks are those of one message.
func (c *Composer) lacks(at place) (all []Lack) {
	parts := c.parts[at]
	for _, rule := range rules {
		p, ok := parts[rule.part]
		if ok && rule.broken(p.source) {
			all = append(all, Lack{p.file, rule.says, rule.serious})
		}
	}
	for _, name := range c.Declares(at.ns, at.channel) {
		if name == brand {
			continue // which has a rule of its own
		}
		if !slices.ContainsFunc(slices.Collect(maps.Values(parts)), func(p part) bool { return slices.Contains(p.params, name) }) {
			all = append(all, Lack{parts[filesOf[at.channel][1]].file, "does not say the param " + name + ", which other locales say", false})
		}
	}
	return all
}

// rule is what holds for a part of every message.
type rule struct {
	part    string
	broken  func(source string) bool
	says    string
	serious bool
}

// brand is the param that says who sends a code.
const brand = "brand"

var rules = []rule{
	{smsFile, without(".Code"), "does not say the code", true},
	{smsFile, without(".Params.brand"), "does not say whose code it is: a stranger's request looks the same", false},
	{smsFile, without(".Purpose"), "does not say what the code is for, which is how people notice that they are being tricked", false},
	{smsFile, without(".Minutes"), "does not say how long the code lives", false},
	{smsFile, link, "has a link: carriers filter such texts, and people learn to follow them", false},
	{subjectFile, with(".Code"), "has the code: relays log subjects, and locked screens show them", true},
	{textFile, without(".Code"), "does not say the code", true},
	{htmlFile, without(".Code"), "does not say the code", true},
	{textFile, without(".Params.brand"), "does not say whose code it is: a stranger's request looks the same", false},
	{htmlFile, without(".Params.brand"), "does not say whose code it is: a stranger's request looks the same", false},
	{textFile, without(".Minutes"), "does not say how long the code lives", false},
	{htmlFile, without(".Minutes"), "does not say how long the code lives", false},
	{htmlFile, without(" lang="), "does not name its language, by which it is read out", false},
}

func without(word string) func(string) bool {
	return func(source string) bool { return !strings.Contains(source, word) }
}

func with(word string) func(string) bool {
	return func(source string) bool { return strings.Contains(source, word) }
}

func link(source string) bool {
	return strings.Contains(source, "http://") || strings.Contains(source, "https://") || strings.Contains(source, "www.")
}
