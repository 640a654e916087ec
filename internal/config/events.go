package config

import (
	"slices"

	"github.com/otpipe/otpipe/internal/notify"
	"github.com/otpipe/otpipe/internal/otp"
)

// Endpoint is told what happens, by signed JSON: see docs/events.md.
type Endpoint struct {
	Name         string   `toml:"name"`          // in lower-case letters, digits and dashes; part of each notice's id
	URL          Secret   `toml:"url"`           // where notices are posted; what it holds is kept secret
	Secrets      []Secret `toml:"secrets"`       // sign the notices; two while one replaces the other
	Namespaces   []string `toml:"namespaces"`    // of which it is told; without it of all
	Types        []string `toml:"types"`         // of notices it gets; without it all
	AllowPrivate bool     `toml:"allow_private"` // its address may be a private one, such as 10.0.0.1
}

func (c Config) checkEvents(cs *complaints) {
	seen := map[string]bool{}
	for i, e := range c.Events {
		where := entry("events", i)
		cs.want(nameForm.MatchString(e.Name) && !seen[e.Name], where+".name", "want a name of its own in lower-case letters, digits and dashes")
		seen[e.Name] = true
		cs.want(postable(e.URL), where+".url", "want https://host/path, to which notices are posted")
		cs.want(e.AllowPrivate || !privateHost(e.URL), where+".url", "this is a private address, which is refused: want a public one, or allow_private = true")
		checkSigning(cs, where+".secrets", e.Secrets)
		for _, ns := range e.Namespaces {
			_, known := c.Policies()[otp.Namespace(ns)]
			cs.want(known, where+".namespaces", "one of them is not a namespace")
		}
		for _, t := range e.Types {
			cs.want(slices.Contains(notify.Types(), t), where+".types", "want some of %v", notify.Types())
		}
	}
}
