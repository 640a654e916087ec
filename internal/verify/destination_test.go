package verify_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/verify"
)

// with changes the policy of a namespace.
func (r *rig) with(ns otp.Namespace, change func(*otp.Policy)) {
	p := r.Namespaces[ns]
	change(&p)
	r.Namespaces[ns] = p
}

func TestATextGoesOnlyWhereItsNamespaceSendsTexts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*otp.Policy)
		to     string
		detail string // "": it goes
	}{
		"a country on the list":       {func(*otp.Policy) {}, phone, ""},
		"one that is not":             {func(*otp.Policy) {}, "+33612345678", "phone-auth sends no texts to the country of this number"},
		"one that shares its code":    {func(p *otp.Policy) { p.Countries = []string{"US"} }, "+14165550123", "phone-auth sends no texts to the country of this number"},
		"anywhere":                    {func(p *otp.Policy) { p.Countries = []string{"*"} }, "+33612345678", ""},
		"no country is set":           {func(p *otp.Policy) { p.Countries = nil }, phone, "phone-auth sends no texts to any country until its countries are set"},
		"internet telephony":          {func(*otp.Policy) {}, "+445612345678", ""},
		"internet telephony, refused": {func(p *otp.Policy) { p.RefuseVoIP = true }, "+445612345678", "a number of internet telephony gets no codes; use a mobile number"},
		"a mobile beside it":          {func(p *otp.Policy) { p.RefuseVoIP = true }, "+447400123456", ""},
		"a denied range":              {func(p *otp.Policy) { p.DenyPrefixes = []string{"+447", "+49151123"} }, phone, "this range of numbers gets no codes"},
		"another range":               {func(p *otp.Policy) { p.DenyPrefixes = []string{"+49151124"} }, phone, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.with(otp.PhoneAuth, c.change)
			q := toPhone()
			q.To = c.to
			_, err := r.Start(t.Context(), everybody, q)
			if c.detail == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			ie, _ := errors.AsType[*otp.InputError](err)
			if !errors.Is(err, otp.ErrDestination) || ie == nil || ie.Field != "to" || ie.Detail != c.detail {
				t.Fatalf("%v", err)
			}
			if len(r.openings) > 0 {
				t.Error("the store was asked")
			}
		})
	}
}

func TestAThrowAwayMailboxGetsNoCode(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for to, refused := range map[string]bool{"a@gone.example": true, "a@mail.Gone.Example": true, "a@notgone.example": false, "a@example.com": false} {
		_, err := r.Start(t.Context(), everybody, verify.StartRequest{Namespace: otp.VerifyEmail, To: to, Nonce: otp.NewNonce()})
		if errors.Is(err, otp.ErrDestination) != refused {
			t.Errorf("%s: %v", to, err)
		}
	}
}

func TestTheRulesHoldForOtherAddressesToo(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for to, field := range map[string]string{"+33612345678": "fallback/0/to", "a@gone.example": "fallback/0/to"} {
		_, err := r.Start(t.Context(), everybody, verify.StartRequest{
			Namespace: otp.ForgotPassword, To: "ada@example.com", Nonce: otp.NewNonce(), Fallbacks: []verify.Fallback{{To: to}},
		})
		if ie, _ := errors.AsType[*otp.InputError](err); !errors.Is(err, otp.ErrDestination) || ie.Field != field {
			t.Errorf("%s: %v", to, err)
		}
	}
}

// buckets are those that the last start was counted in, by name.
func (r *rig) buckets() map[string]otp.Bucket {
	all := map[string]otp.Bucket{}
	for _, b := range r.openings[len(r.openings)-1].Buckets {
		all[b.Name] = b
	}
	return all
}

func TestAStartIsCountedByWhatIsKnownOfIt(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	rate := func(name string, by ...otp.Dimension) otp.Rate {
		return otp.Rate{Name: name, By: by, Max: 1000, Interval: time.Hour, Digits: 7}
	}
	r.Rates = []otp.Rate{
		rate("ip", otp.ByIP), rate("device", otp.ByDevice), rate("account", otp.ByAccount), rate("caller", otp.ByCaller),
		rate("namespace", otp.ByNamespace), rate("country", otp.ByCountry), rate("prefix", otp.ByNamespace, otp.ByPrefix),
	}
	r.with(otp.PhoneAuth, func(p *otp.Policy) { p.Cooldown, p.AllCooldown = 0, 0 })
	of := func(to string, limits verify.Limits) map[string]otp.Bucket {
		t.Helper()
		q := toPhone()
		q.To, q.Limits = to, limits
		r.started(q)
		return r.buckets()
	}
	one := of(phone, verify.Limits{IP: "192.0.2.1", Device: "d", Account: "a"})
	if len(one) != 7 {
		t.Fatalf("%+v", one)
	}
	for what, c := range map[string]struct {
		to     string
		limits verify.Limits
		same   string // buckets that count both
	}{
		"the same":                  {phone, verify.Limits{IP: "192.0.2.1", Device: "d", Account: "a"}, "ip device account caller namespace country prefix"},
		"nothing known":             {phone, verify.Limits{}, "caller namespace country prefix"},
		"another person":            {"+4915112399999", verify.Limits{IP: "192.0.2.2", Device: "e", Account: "b"}, "caller namespace country prefix"},
		"another range":             {"+4915155512345", verify.Limits{IP: "192.0.2.1"}, "ip caller namespace country"},
		"another country":           {"+447400123456", verify.Limits{Device: "d"}, "device caller namespace"},
		"an IPv4 address in IPv6":   {phone, verify.Limits{IP: "::ffff:192.0.2.1"}, "ip caller namespace country prefix"},
		"an account like the other": {phone, verify.Limits{Device: "a", Account: "d"}, "caller namespace country prefix"},
	} {
		two := of(c.to, c.limits)
		for name, b := range one {
			if same, want := two[name].Key == b.Key, strings.Contains(" "+c.same+" ", " "+name+" "); same != want {
				t.Errorf("%s: %s counts both: %t", what, name, same)
			}
		}
	}
}

// Whoever has an IPv6 address has 2^64 of them.
func TestTheAddressesOfOneHouseholdCountAsOne(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.Rates = []otp.Rate{{Name: "ip", By: []otp.Dimension{otp.ByIP}, Max: 2, Interval: time.Hour}}
	var err error
	for i, ip := range []string{"2001:db8:1:2::1", "2001:db8:1:2:ffff::", "2001:DB8:1:2:0:0:0:3", "2001:db8:1:3::1"} {
		q := toPhone()
		q.To, q.Limits.IP = "+491511230000"+string(rune('0'+i)), ip
		_, err = r.Start(t.Context(), everybody, q)
		le, _ := errors.AsType[*otp.LimitError](err)
		if refused := le != nil && le.Limit == otp.LimitRate && le.Bucket == "ip"; refused != (i == 2) {
			t.Errorf("%s: %v", ip, err)
		}
	}
}

func TestARateIsAboutTheStartsThatItNames(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	by := []otp.Dimension{otp.ByCaller}
	r.Rates = []otp.Rate{
		{Name: "namespace", By: by, Max: 9, Interval: time.Hour, Namespaces: []otp.Namespace{otp.ForgotPassword}},
		{Name: "channel", By: by, Max: 9, Interval: time.Hour, Channels: []otp.Channel{otp.SMS}},
		{Name: "country", By: by, Max: 9, Interval: time.Hour, Countries: []string{"DE"}},
		{Name: "number", By: []otp.Dimension{otp.ByPrefix}, Digits: 5, Max: 9, Interval: time.Hour},
	}
	for _, c := range []struct {
		ns   otp.Namespace
		to   string
		want int
	}{{otp.PhoneAuth, phone, 3}, {otp.PhoneAuth, "+447400123456", 2}, {otp.ForgotPassword, "a@example.com", 1}, {otp.VerifyEmail, "b@example.com", 0}} {
		r.started(verify.StartRequest{Namespace: c.ns, To: c.to, Nonce: otp.NewNonce()})
		if got := r.buckets(); len(got) != c.want {
			t.Errorf("%s to %s: %v", c.ns, c.to, got)
		}
	}
}

func TestATextIsPaidOutOfItsCountrysBudget(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.Prices = otp.Prices{"DE": 75_000, otp.Anywhere: 100_000}
	r.with(otp.PhoneAuth, func(p *otp.Policy) {
		p.Countries = []string{otp.Anywhere}
		p.DailySpend = map[string]otp.Money{"DE": 150_000, otp.Anywhere: 200_000}
	})
	for i, c := range []struct {
		to      string
		refused bool
	}{
		{"+4915112300001", false},
		{"+4915112300002", false},
		{"+4915112300003", true},
		{"+33612345678", false},
		{"+447400123456", false},
		{"+33612345679", true}, // all countries that have no budget have one together
	} {
		q := toPhone()
		q.To = c.to
		_, err := r.Start(t.Context(), everybody, q)
		le, _ := errors.AsType[*otp.LimitError](err)
		if refused := le != nil && le.Bucket == otp.DailySpend; refused != c.refused {
			t.Errorf("%d: %v", i, err)
		}
	}
}

func TestWhatCannotBeCountedIsSaidWithItsField(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for field, l := range map[string]verify.Limits{
		"limits/ip":      {IP: "192.0.2.1:443"},
		"limits/device":  {Device: strings.Repeat("ü", 65)},
		"limits/account": {Account: strings.Repeat("a", 129)},
	} {
		q := toPhone()
		q.Limits = l
		_, err := r.Start(t.Context(), everybody, q)
		if ie, _ := errors.AsType[*otp.InputError](err); ie == nil || ie.Field != field || !errors.Is(err, otp.ErrInvalid) {
			t.Errorf("%s: %v", field, err)
		}
	}
	q := toPhone()
	q.Limits.IP = "fe80::1%eth0"
	if _, err := r.Start(t.Context(), everybody, q); !errors.Is(err, otp.ErrInvalid) {
		t.Errorf("a zone: %v", err)
	}
}

func TestADecoyDiffersInItsLetterAlone(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	real, decoy := toPhone(), toPhone()
	decoy.To, decoy.Decoy = "+4915112345679", true
	r.started(real)
	r.started(decoy)
	a, b := r.openings[0], r.openings[1]
	if r.letter(a).Decoy || !r.letter(b).Decoy || len(a.Letter) != len(b.Letter) || len(a.Code) != len(b.Code) || len(r.rung) != 2 {
		t.Errorf("%+v\n%+v", a, b)
	}
}
