package config

import (
	"regexp"
	"slices"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

// Routes name the providers of each channel in order of preference.
type Routes struct {
	SMS   []string `toml:"sms"`   // names of providers for texts, the preferred first
	Email []string `toml:"email"` // names of providers for mails, the preferred first
	Rules []Rule   `toml:"rules"` // for some messages another route; the one that says most about a message counts
}

// Rule is another route for some messages. One for their namespace goes before
// one that is not, then the longest prefix counts.
type Rule struct {
	Channel    string   `toml:"channel"`    // sms or email
	Namespaces []string `toml:"namespaces"` // of these namespaces; without it of all
	Countries  []string `toml:"countries"`  // to these countries, as ISO codes such as DE; sms only
	Prefixes   []string `toml:"prefixes"`   // to numbers that begin so, such as +49 or +4930; sms only
	Providers  []string `toml:"providers"`  // names of providers, the preferred first
}

// Breaker says when a worker stops using a provider that fails. Only what is the
// provider's fault counts, and answers that never came.
type Breaker struct {
	Failures int      `toml:"failures"` // in a row that open it
	Ratio    float64  `toml:"ratio"`    // of failures among the outcomes in the window that opens it, above 0 to 1
	Least    int      `toml:"least"`    // outcomes in the window before the ratio counts
	Window   Duration `toml:"window"`   // how long an outcome counts
	Open     Duration `toml:"open"`     // how long it stays open before a hand-over may find out whether the provider works again
	Probes   int      `toml:"probes"`   // such hand-overs at a time, and in a row that close it
}

// drivers are the channels that each can serve.
var drivers = map[string][]otp.Channel{
	"twilio":  {otp.SMS},
	"smtp":    {otp.Email},
	"webhook": {otp.SMS, otp.Email},
}

var (
	countryForm = regexp.MustCompile(`^[A-Z]{2}$`)
	prefixForm  = regexp.MustCompile(`^\+[1-9][0-9]{0,14}$`)
)

func (c Config) checkRoutes(cs *complaints) {
	c.checkRoute(cs, "routes.sms", otp.SMS, c.Routes.SMS)
	c.checkRoute(cs, "routes.email", otp.Email, c.Routes.Email)
	for i, r := range c.Routes.Rules {
		where := entry("routes.rules", i)
		channel := otp.Channel(r.Channel)
		if !channel.Valid() {
			cs.add(where+".channel", "want sms or email")
			continue
		}
		cs.want(len(r.Providers) > 0, where+".providers", "name at least one provider")
		c.checkRoute(cs, where+".providers", channel, r.Providers)
		cs.want(len(r.Namespaces)+len(r.Countries)+len(r.Prefixes) > 0, where, "want namespaces, countries or prefixes: for all messages there is routes.%s", channel)
		r.checkPlaces(cs, where)
		for _, ns := range r.Namespaces {
			_, known := c.Policies()[otp.Namespace(ns)]
			cs.want(known, where+".namespaces", "one of them is not a namespace")
		}
	}
}

func (c Config) checkRoute(cs *complaints, where string, channel otp.Channel, names []string) {
	for _, name := range names {
		i := slices.IndexFunc(c.Providers, func(p Provider) bool { return p.Name == name })
		cs.want(i >= 0 && slices.Contains(drivers[c.Providers[i].Driver], channel), where, "names a provider that is not there, or not of this channel")
	}
	for i, name := range names {
		cs.want(!slices.Contains(names[:i], name), where, "names a provider twice")
	}
}

func (r Rule) checkPlaces(cs *complaints, where string) {
	sms := r.Channel == string(otp.SMS)
	for _, c := range r.Countries {
		cs.want(sms && countryForm.MatchString(c), where+".countries", "want ISO 3166 codes of two capital letters, such as DE, for sms only")
	}
	for _, p := range r.Prefixes {
		cs.want(sms && prefixForm.MatchString(p), where+".prefixes", "want beginnings of numbers such as +49, for sms only")
	}
}

func (b Breaker) check(cs *complaints) {
	cs.want(b.Failures >= 1 && b.Failures <= 1000, "breaker.failures", "want 1 to 1000")
	cs.want(b.Ratio > 0 && b.Ratio <= 1, "breaker.ratio", "want more than 0, and at most 1")
	cs.want(b.Least >= 1, "breaker.least", "want 1 or more")
	cs.want(b.Window >= Duration(time.Second), "breaker.window", "want at least 1s")
	cs.want(b.Open >= Duration(time.Second) && b.Open <= Duration(5*time.Minute), "breaker.open", "want 1s to 5m: a code lives no longer than 15m")
	cs.want(b.Probes >= 1 && b.Probes <= 100, "breaker.probes", "want 1 to 100")
}

// RoutesOf are the routes in our own words; country says where a number is.
func (r Routes) RoutesOf(country func(otp.Recipient) string) otp.Routes {
	out := otp.Routes{Default: map[otp.Channel][]string{otp.SMS: r.SMS, otp.Email: r.Email}, Country: country}
	for _, rule := range r.Rules {
		one := otp.Rule{Channel: otp.Channel(rule.Channel), Prefixes: rule.Prefixes, Countries: rule.Countries, Providers: rule.Providers}
		for _, ns := range rule.Namespaces {
			one.Namespaces = append(one.Namespaces, otp.Namespace(ns))
		}
		out.Rules = append(out.Rules, one)
	}
	return out
}

// ChannelsOf are the channels on whose routes a provider is.
func (r Routes) ChannelsOf(provider string) (all []otp.Channel) {
	for _, ch := range otp.Channels {
		for _, names := range r.on(ch) {
			if slices.Contains(names, provider) {
				all = append(all, ch)
				break
			}
		}
	}
	return all
}

// on are the routes of a channel.
func (r Routes) on(ch otp.Channel) [][]string {
	all := [][]string{r.SMS}
	if ch == otp.Email {
		all = [][]string{r.Email}
	}
	for _, rule := range r.Rules {
		if rule.Channel == string(ch) {
			all = append(all, rule.Providers)
		}
	}
	return all
}
