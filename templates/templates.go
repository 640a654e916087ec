// Package templates holds the built-in message templates:
//
//	<locale>/<namespace>/<part>
//
// where part is sms.txt, email.subject.txt, email.txt, email.html or
// purpose.txt, the words that say what a code is for. What a namespace does not
// have it takes from default.
package templates

import "embed"

// FS is the templates.
//
//go:embed */*/*.txt */*/*.html
var FS embed.FS
