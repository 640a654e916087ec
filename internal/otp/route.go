package otp

import (
	"slices"
	"strings"
)

// Rule sends some messages by other providers than the channel's own: those to
// the countries or number prefixes that it names, or of the namespaces.
type Rule struct {
	Channel    Channel
	Namespaces []Namespace // empty: all
	Prefixes   []string    // of numbers, such as "+49" or "+4930"; empty, with Countries: all
	Countries  []string    // ISO 3166-1 alpha-2, such as "DE"
	Providers  []string    // in order of preference
}

// Routes say which providers get a message, by their names.
type Routes struct {
	Default map[Channel][]string // in order of preference
	Rules   []Rule
	// Country is where a recipient is reached, as ISO 3166-1 alpha-2; "" if that
	// cannot be said.
	Country func(Recipient) string
}

// For is the route of a message: that of the rule which says most about it. A
// rule for its namespace goes before one that is not, then the longest prefix
// counts; a country is longer than the calling code it shares with others, and
// shorter than the code with another digit.
func (r Routes) For(ns Namespace, to Recipient) []string {
	best, most := r.Default[to.Channel()], 0
	for _, rule := range r.Rules {
		if fit := rule.fit(ns, to, r.Country); fit > most {
			best, most = rule.Providers, fit
		}
	}
	return best
}

// namespaceFit outweighs every prefix: numbers have at most 15 digits.
const namespaceFit = 1000

// fit is how much a rule says about a message; 0 if it is about others.
func (r Rule) fit(ns Namespace, to Recipient, country func(Recipient) string) int {
	if r.Channel != to.Channel() || len(r.Namespaces) > 0 && !slices.Contains(r.Namespaces, ns) {
		return 0
	}
	place := r.place(to, country)
	if place == 0 {
		return 0
	}
	if len(r.Namespaces) > 0 {
		place += namespaceFit
	}
	return place
}

// place is how much a rule says about where a message goes: 1 if nothing, 0 if
// it is about other places.
func (r Rule) place(to Recipient, country func(Recipient) string) int {
	if len(r.Prefixes) == 0 && len(r.Countries) == 0 {
		return 1
	}
	longest := 0
	for _, p := range r.Prefixes {
		if strings.HasPrefix(to.Reveal(), p) {
			longest = max(longest, 2*len(p))
		}
	}
	if len(r.Countries) > 0 && country != nil && slices.Contains(r.Countries, country(to)) {
		longest = max(longest, 2*callingCode(to.Reveal())+1)
	}
	return longest
}

// callingCode is the length of the calling code that a number in E.164 begins
// with, and of the + before it (ITU-T E.164 Annex: +1 and +7 are whole zones,
// of the others these two-digit ones are countries' own).
func callingCode(number string) int {
	const two = "20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86 90 91 92 93 94 95 98"
	switch {
	case len(number) < 4:
		return len(number)
	case number[1] == '1' || number[1] == '7':
		return 2
	case slices.Contains(strings.Fields(two), number[1:3]):
		return 3
	default:
		return 4
	}
}
