package message

import (
	"strconv"
	"strings"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

// pluralError is our own complaint about a template: it quotes nothing.
type pluralError string

func (e pluralError) Error() string { return string(e) }

// pluralForms are CLDR's names of what languages count by.
var pluralForms = map[string]plural.Form{
	"zero": plural.Zero, "one": plural.One, "two": plural.Two, "few": plural.Few, "many": plural.Many, "other": plural.Other,
}

// pluralIn is the function plural of templates in a language: it takes a number
// and pairs of form and words, and writes the number in place of #, as in
//
//	{{plural .Minutes "one" "# minute" "other" "# minutes"}}
//
// A form that is not given is written as other.
func pluralIn(tag language.Tag) func(n int, pairs ...string) (string, error) {
	return func(n int, pairs ...string) (string, error) {
		words, err := wordsByForm(pairs)
		if err != nil {
			return "", err
		}
		form, ok := words[plural.Cardinal.MatchPlural(tag, n, 0, 0, 0, 0)]
		if !ok {
			form = words[plural.Other]
		}
		return strings.ReplaceAll(form, "#", strconv.Itoa(n)), nil
	}
}

func wordsByForm(pairs []string) (map[plural.Form]string, error) {
	if len(pairs)%2 != 0 {
		return nil, pluralError("plural wants a number and then pairs of form and words")
	}
	words := map[plural.Form]string{}
	for i := 0; i < len(pairs); i += 2 {
		form, ok := pluralForms[pairs[i]]
		if !ok {
			return nil, pluralError("plural has the forms zero, one, two, few, many and other")
		}
		words[form] = pairs[i+1]
	}
	if _, ok := words[plural.Other]; !ok {
		return nil, pluralError("plural wants the form other, for all numbers that no other form is for")
	}
	return words, nil
}
