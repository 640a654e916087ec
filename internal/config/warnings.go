package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/otpipe/otpipe/internal/otp"
)

// Warnings are what can be meant so, but hardly is. None quotes a secret.
func (c Config) Warnings() (all []string) {
	warn := func(unusual bool, setting, format string, args ...any) {
		if unusual {
			all = append(all, setting+": "+fmt.Sprintf(format, args...))
		}
	}
	warn(len(c.Callers) == 0, "callers", "there are none, so nobody may ask for a code")
	for _, r := range []struct {
		setting string
		channel otp.Channel
		route   []string
	}{{"routes.sms", otp.SMS, c.Routes.SMS}, {"routes.email", otp.Email, c.Routes.Email}} {
		users := c.using(r.channel)
		warn(len(r.route) == 0 && len(users) > 0, r.setting, "there is no provider, so codes of %s are not delivered", strings.Join(users, ", "))
	}
	nowhere := c.goingNowhere()
	warn(len(c.Routes.SMS) > 0 && len(nowhere) > 0, "destinations.countries", "it is not set, so texts of %s are refused", strings.Join(nowhere, ", "))
	for i, p := range c.Providers {
		warn(len(c.Routes.ChannelsOf(p.Name)) == 0, entry("providers", i), "no route names it, so it gets nothing to deliver")
		warn(p.Driver == "webhook" && insecure(p.Webhook.URL), entry("providers", i)+".webhook.url", "without https, codes travel in clear")
		warn(p.takesBounces() && c.Worker.Bounces == "", "worker.bounces", "it is not set, so nobody takes the bounces of %s and its bounce_domain", p.Name)
		warn(p.Driver == "twilio" && c.API.PublicURL == "", "api.public_url", "it is not set, so Twilio cannot report what became of a text")
	}
	warn(c.Worker.Bounces != "" && !c.takesBounces(), "worker.bounces", "no provider has a bounce_domain, so all mail there is refused")
	for i, e := range c.Events {
		warn(insecure(e.URL), entry("events", i)+".url", "without https, who asks for codes can be read on the way")
	}
	warn(strings.HasPrefix(c.API.PublicURL, "http:"), "api.public_url", "without https, receipts and the numbers in them travel in clear")
	behind := c.Support.On() && strings.HasPrefix(c.Support.PublicURL, "https:") // the pages themselves speak plain http
	warn(behind && len(c.Support.Proxies) == 0, "support.proxies", "it is not set, so all who sign in seem to be in one place, that of your proxy, and one who guesses slows them all")
	policies := c.Policies()
	for _, ns := range slices.Sorted(maps.Keys(policies)) {
		p, setting := policies[ns], "namespaces."+string(ns)
		warn(p.Guard == otp.NothingGuards, setting+".guard", "guesses are not counted, and a ticket is good as often as it comes while it lives: see docs/stores.md for the odds")
		warn(p.Fail == otp.FailOpen, setting+".fail", "while Redis is away each api allows max_checks guesses of its own, and the same ticket once")
	}
	return append(all, c.certificateDoubts()...)
}

// using are the namespaces that prefer a channel.
func (c Config) using(channel otp.Channel) (names []string) {
	policies := c.Policies()
	for _, ns := range slices.Sorted(maps.Keys(policies)) {
		if policies[ns].Channels[0] == channel {
			names = append(names, string(ns))
		}
	}
	return names
}

// goingNowhere are the namespaces that prefer texts and may send them to no country.
func (c Config) goingNowhere() []string {
	policies := c.Policies()
	return slices.DeleteFunc(c.using(otp.SMS), func(ns string) bool { return len(policies[otp.Namespace(ns)].Countries) > 0 })
}
