package verify

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/otpipe/otpipe/internal/otp"
)

// Limits is what a caller knows of the person who asks, for the rules that count
// by it. "" is not known.
type Limits struct {
	IP      string
	Device  string
	Account string
}

const maxLimit = 128 // bytes of a device or an account

// destination tells whether a namespace sends to an address at all. field is
// where the request has it. No detail quotes it.
func destination(ns otp.Namespace, p otp.Policy, to otp.Recipient, at otp.Place, field string) error {
	refuse := func(format string, args ...any) error {
		return &otp.InputError{Field: field, Detail: fmt.Sprintf(format, args...), Err: otp.ErrDestination}
	}
	if to.Channel() == otp.Email {
		if at.Disposable {
			return refuse("a mailbox of a throw-away domain gets no codes; use a lasting one")
		}
		return nil
	}
	switch {
	case len(p.Countries) == 0:
		return refuse("%s sends no texts to any country until its countries are set", ns)
	case !slices.Contains(p.Countries, otp.Anywhere) && !slices.Contains(p.Countries, at.Country):
		return refuse("%s sends no texts to the country of this number", ns)
	case p.RefuseVoIP && at.VoIP:
		return refuse("a number of internet telephony gets no codes; use a mobile number")
	case slices.ContainsFunc(p.DenyPrefixes, func(prefix string) bool { return strings.HasPrefix(to.Reveal(), prefix) }):
		return refuse("this range of numbers gets no codes")
	}
	return nil
}

// subject is what the rules see of a start.
func subject(who otp.Caller, r StartRequest, to otp.Recipient, at otp.Place) (otp.Subject, error) {
	s := otp.Subject{
		Namespace: r.Namespace, Channel: to.Channel(), Country: at.Country, Caller: who.Name,
		Device: r.Limits.Device, Account: r.Limits.Account,
	}
	if to.Channel() == otp.SMS {
		s.Number = to.Reveal()
	}
	for field, value := range map[string]string{"limits/device": s.Device, "limits/account": s.Account} {
		if len(value) > maxLimit {
			return s, &otp.InputError{Field: field, Detail: fmt.Sprintf("longer than %d bytes; send a hash", maxLimit), Err: otp.ErrInvalid}
		}
	}
	if r.Limits.IP == "" {
		return s, nil
	}
	ip, err := netip.ParseAddr(r.Limits.IP)
	if err != nil || ip.Zone() != "" {
		return s, &otp.InputError{Field: "limits/ip", Detail: "want the person's IP address, such as 192.0.2.1 or 2001:db8::1, without a port", Err: otp.ErrInvalid}
	}
	s.IP = household(ip)
	return s, nil
}

// household is the part of an address that one customer of a provider has: an
// IPv4 address, or the first half of an IPv6 one, of which they may take any.
func household(ip netip.Addr) string {
	ip = ip.Unmap()
	if ip.Is4() {
		return ip.String()
	}
	half, err := ip.Prefix(64)
	if err != nil {
		return ip.String()
	}
	return half.String()
}

// buckets are those that count a start.
func (s *Service) buckets(p otp.Policy, of otp.Subject) (all []otp.Bucket) {
	for _, r := range s.Rates {
		if b, ok := s.Keys.Bucket(r, of); ok {
			all = append(all, b)
		}
	}
	if b, ok := s.Keys.Spend(p, s.Prices, of); ok {
		all = append(all, b)
	}
	return all
}

// Toll is how the guard of ranges is set; the zero Toll is none.
type Toll struct {
	otp.Guard
	Digits       int // of a range's prefix, the country code included
	Least        int // sends to a range that are enough to decide
	CountryLeast int // sends to a country; 0: countries are not looked at
}

// lastDigits of a number are never part of a range: it would be the number.
const lastDigits = 3

// guard watches a start's text; nil if there is nothing to watch.
func (t Toll) guard(of otp.Subject, decoy bool) *otp.Guard {
	if t.Digits == 0 || of.Channel != otp.SMS {
		return nil
	}
	g := t.Guard
	g.Counts = !decoy
	g.Ranges = []otp.Range{{Name: of.Number[:min(1+t.Digits, len(of.Number)-lastDigits)], Least: t.Least}}
	if t.CountryLeast > 0 && of.Country != "" {
		g.Ranges = append(g.Ranges, otp.Range{Name: of.Country, Least: t.CountryLeast})
	}
	return &g
}
