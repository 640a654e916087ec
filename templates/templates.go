// Package templates holds the built-in message templates:
//
//	<locale>/<namespace>/<part>
//
// where part is sms.txt, email.subject.txt, email.txt, email.html or
// purpose.txt, the words that say what a code is for. What a namespace does not
// have it takes from default, and what a region does not have, such as pt-PT,
// from its language.
//
// A template may say .Code, .Purpose, .Minutes (that the code still lives),
// .Params.name of a request, and
//
//	{{plural .Minutes "one" "# minute" "other" "# minutes"}}
//
// by the plural forms of its language (CLDR). Texts keep to the GSM-7 alphabet
// where the language allows it; words were chosen for that.
package templates

import "embed"

// FS is the templates.
//
//go:embed */*/*.txt */*/*.html
var FS embed.FS
