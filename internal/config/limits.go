package config

import (
	"slices"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

// Destinations is where codes may go, in all namespaces that do not say otherwise.
// Premium-rate, shared-cost and satellite numbers are never sent to.
type Destinations struct {
	Countries    []string          `toml:"countries"`     // that texts may go to, as ISO codes such as DE; "*" is all, and without any no text is sent
	DenyPrefixes []string          `toml:"deny_prefixes"` // of numbers that no text goes to, such as +4915566
	RefuseVoIP   bool              `toml:"refuse_voip"`   // no texts to numbers of internet telephony
	DailySpend   map[string]string `toml:"daily_spend"`   // what a namespace's texts of 24 hours may cost, by country; "*" is all others together
	Prices       map[string]string `toml:"prices"`        // of a text, by country, in any currency; "*" is every other one
	// DisposableDomains is a file of mail domains that no code goes to, one a line:
	// those where anybody gets a mailbox for an hour.
	DisposableDomains string `toml:"disposable_domains"`
}

// Limit bounds how many starts there are, beside what holds for each recipient.
// Nothing is counted where another one is used up, or the recipient's own.
type Limit struct {
	Name string `toml:"name"` // in lower-case letters, digits and dashes; callers are told it
	// By is what has a count of its own, several for each combination of them: ip,
	// device or account, as callers pass them in limits; caller, namespace; of a
	// number its country or prefix. A start of which it is not known is not counted.
	By         []string `toml:"by"`
	Max        int      `toml:"max"`        // starts in any interval
	Interval   Duration `toml:"interval"`   // 1s to 720h
	Digits     int      `toml:"digits"`     // with prefix: how many of a number's first digits, its country code included
	Namespaces []string `toml:"namespaces"` // only starts in these; without it in all
	Channels   []string `toml:"channels"`   // only by sms or email; without it by both
	Countries  []string `toml:"countries"`  // only to numbers of these; without it to all, and to mailboxes
}

// maxInterval is as long as a limit may look back.
const maxInterval = 30 * 24 * time.Hour

// Rates are the limits as the service has them.
func (c Config) Rates() []otp.Rate {
	all := make([]otp.Rate, 0, len(c.Limits))
	for _, l := range c.Limits {
		all = append(all, otp.Rate{
			Name: l.Name, By: each[otp.Dimension](l.By), Max: int64(l.Max), Interval: time.Duration(l.Interval), Digits: l.Digits,
			Namespaces: each[otp.Namespace](l.Namespaces), Channels: each[otp.Channel](l.Channels), Countries: l.Countries,
		})
	}
	return all
}

func each[T ~string](names []string) (all []T) {
	for _, n := range names {
		all = append(all, T(n))
	}
	return all
}

// Prices are what a text costs.
func (c Config) Prices() otp.Prices { return money(c.Destinations.Prices) }

// money reads amounts; what is none is complained of by check.
func money(texts map[string]string) map[string]otp.Money {
	if len(texts) == 0 {
		return nil
	}
	all := make(map[string]otp.Money, len(texts))
	for country, text := range texts {
		all[country], _ = otp.ParseMoney(text)
	}
	return all
}

func checkMoney(cs *complaints, where string, texts map[string]string) {
	for country, text := range texts {
		_, err := otp.ParseMoney(text)
		cs.want(err == nil, where, "want amounts such as { DE = \"0.075\", \"*\" = \"0.10\" }")
		cs.want(country == otp.Anywhere || countryForm.MatchString(country), where, "want ISO codes such as DE, or \"*\" for every other country")
	}
}

func (c Config) checkDestinations(cs *complaints) {
	checkMoney(cs, "destinations.daily_spend", c.Destinations.DailySpend)
	checkMoney(cs, "destinations.prices", c.Destinations.Prices)
	for name, n := range c.Namespaces {
		checkMoney(cs, joined(joined("namespaces", name), "daily_spend"), n.DailySpend)
	}
	prices := c.Prices()
	for ns, p := range c.Policies() {
		for country := range p.DailySpend {
			_, priced := prices[country]
			_, other := prices[otp.Anywhere]
			cs.want(priced || other, "destinations.prices", "want a price for %s, whose daily spend in %s is limited", country, ns)
		}
	}
}

func (c Config) checkLimits(cs *complaints) {
	seen := map[string]bool{otp.DailySpend: true, otp.TollGuard: true}
	for i, l := range c.Limits {
		where := entry("limits", i)
		cs.want(nameForm.MatchString(l.Name) && !seen[l.Name], where+".name", "want a name of its own in lower-case letters, digits and dashes")
		seen[l.Name] = true
		l.check(cs, where)
		for _, ns := range l.Namespaces {
			_, known := c.Policies()[otp.Namespace(ns)]
			cs.want(known, where+".namespaces", "one of them is not a namespace")
		}
	}
	if state, err := c.Redis.State(); err == nil && state.IsClusterMode {
		const one = "in a cluster recipients are counted on many servers, and what they have in common on none: use one server, with sentinels if it must not fail"
		cs.want(len(c.Limits) == 0, "limits", one)
		for _, p := range c.Policies() {
			cs.want(len(p.DailySpend) == 0, "destinations.daily_spend", one)
		}
	}
}

func (l Limit) check(cs *complaints, where string) {
	cs.want(len(l.By) > 0, where+".by", "name at least one of %v", otp.Dimensions)
	for i, d := range l.By {
		cs.want(slices.Contains(otp.Dimensions, otp.Dimension(d)) && !slices.Contains(l.By[:i], d), where+".by", "want some of %v, each once", otp.Dimensions)
	}
	cs.want(l.Max >= 1, where+".max", "want 1 or more")
	cs.want(l.Interval >= Duration(time.Second) && l.Interval <= Duration(maxInterval), where+".interval", "want 1s to 720h")
	byPrefix := slices.Contains(l.By, string(otp.ByPrefix))
	cs.want(!byPrefix || l.Digits >= 2 && l.Digits <= 14, where+".digits", "want how many of a number's first digits count, 2 to 14, such as 7")
	cs.want(byPrefix || l.Digits == 0, where+".digits", "this is for limits by prefix")
	for _, ch := range l.Channels {
		cs.want(otp.Channel(ch).Valid(), where+".channels", "want sms or email")
	}
	for _, country := range l.Countries {
		cs.want(countryForm.MatchString(country), where+".countries", "want ISO codes such as DE")
	}
}
