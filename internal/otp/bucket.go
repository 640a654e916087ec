package otp

import (
	"slices"
	"strings"
	"time"
)

// Dimension is something that starts are counted by.
type Dimension string

// The dimensions. What the caller passes is counted only where it does.
const (
	ByIP        Dimension = "ip"      // as the caller passes it
	ByDevice    Dimension = "device"  // likewise
	ByAccount   Dimension = "account" // likewise
	ByCaller    Dimension = "caller"  // the API key's name
	ByNamespace Dimension = "namespace"
	ByCountry   Dimension = "country" // of a number
	ByPrefix    Dimension = "prefix"  // its first digits
)

// Dimensions lists every dimension.
var Dimensions = []Dimension{ByIP, ByDevice, ByAccount, ByCaller, ByNamespace, ByCountry, ByPrefix}

// Rate bounds how many starts there are, beside what holds for their recipients. Each
// combination of what they are counted by has a bucket of its own.
type Rate struct {
	Name     string
	By       []Dimension
	Max      int64         // starts
	Interval time.Duration // any, not those that begin at a full hour
	Digits   int           // of a number that ByPrefix looks at, its country code included

	// Which starts it is about; empty: all.
	Namespaces []Namespace
	Channels   []Channel
	Countries  []string
}

// DailySpend is the name that a day's budget has, as that of a rate.
const DailySpend = "daily-spend"

// Subject is what is known of a start.
type Subject struct {
	Namespace Namespace
	Channel   Channel
	Country   string // ISO 3166-1 alpha-2
	Number    string // in E.164
	Caller    string
	IP        string // in one form for each that is to be one
	Device    string
	Account   string
}

// Bucket holds what there was within an interval.
type Bucket struct {
	Name     string
	Key      Fingerprint // of what it counts by
	Max      int64
	Interval time.Duration
	Cost     int64 // of this start
}

// Bucket is where a rule counts a start; ok is false if it does not.
func (k Keys) Bucket(r Rate, s Subject) (b Bucket, ok bool) {
	if !r.about(s) {
		return b, false
	}
	values := make([]string, 0, len(r.By))
	for _, d := range r.By {
		v := s.value(d, r.Digits)
		if v == "" {
			return b, false
		}
		values = append(values, v)
	}
	return Bucket{Name: r.Name, Key: k.BucketOf(r.Name, values...), Max: r.Max, Interval: r.Interval, Cost: 1}, true
}

// Spend is the day's budget that a text comes out of: of its country where the policy
// has one for that, else of all countries that have none. ok is false if there is none.
func (k Keys) Spend(p Policy, prices Prices, s Subject) (b Bucket, ok bool) {
	if s.Channel != SMS {
		return b, false
	}
	whose := s.Country
	most, ok := p.DailySpend[whose]
	if !ok {
		whose = Anywhere
		most, ok = p.DailySpend[whose]
	}
	return Bucket{
		Name: DailySpend, Key: k.BucketOf(DailySpend, string(s.Namespace), whose),
		Max: int64(most), Interval: 24 * time.Hour, Cost: int64(prices.Of(s.Country)),
	}, ok
}

// BucketOf names a bucket so that nobody can read what it counts by.
func (k Keys) BucketOf(name string, values ...string) Fingerprint {
	return Fingerprint(k.Anchor.mac(fingerprintBytes, append([]string{"bucket", name}, values...)...))
}

// OfNumbers tells whether a rule is about where texts go, and so about every address
// that a code goes to, whoever asked for it.
func (r Rate) OfNumbers() bool {
	return slices.Contains(r.By, ByCountry) || slices.Contains(r.By, ByPrefix)
}

func (r Rate) about(s Subject) bool {
	return amongst(r.Namespaces, s.Namespace) && amongst(r.Channels, s.Channel) && amongst(r.Countries, s.Country)
}

func amongst[T comparable](all []T, v T) bool { return len(all) == 0 || slices.Contains(all, v) }

// value is what a start is counted by; "" if that is not known.
func (s Subject) value(d Dimension, digits int) string {
	switch d {
	case ByIP:
		return s.IP
	case ByDevice:
		return s.Device
	case ByAccount:
		return s.Account
	case ByCaller:
		return s.Caller
	case ByNamespace:
		return string(s.Namespace)
	case ByCountry:
		return s.Country
	case ByPrefix:
		return prefix(s.Number, digits)
	}
	return ""
}

// prefix is the beginning of a number, with its +.
func prefix(number string, digits int) string {
	if !strings.HasPrefix(number, "+") {
		return ""
	}
	return number[:min(len(number), 1+digits)]
}
