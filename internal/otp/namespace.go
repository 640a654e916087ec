package otp

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"
)

// Namespace says what a proof is for. All callers of a namespace share its state.
type Namespace string

// The namespaces that are built in.
const (
	VerifyEmail    Namespace = "verify-email"
	VerifyPhone    Namespace = "verify-phone"
	ForgotPassword Namespace = "forgot-password"
	PhoneAuth      Namespace = "phone-auth"
	AddPhone       Namespace = "add-phone"
	AddEmail       Namespace = "add-email"
)

var (
	countryForm = regexp.MustCompile(`^[A-Z]{2}$`)
	prefixForm  = regexp.MustCompile(`^\+[1-9][0-9]{0,14}$`)
)

var namespaceForm = regexp.MustCompile(`^[a-z][a-z0-9-]{1,31}$`)

// Valid tells whether n has the form of a namespace. "all" is not one: it
// stands in key names for the limits that all namespaces share.
func (n Namespace) Valid() bool { return namespaceForm.MatchString(string(n)) && n != "all" }

// Resend says what a second send within a code's life carries.
type Resend string

const (
	// Reuse sends the same code again: texts arrive late and out of order, and
	// a stranger's request must not kill the code in its owner's hand.
	Reuse Resend = "reuse"
	// Rotate draws a new code for every send.
	Rotate Resend = "rotate"
)

// Policy holds the numbers of one namespace.
type Policy struct {
	Channels []Channel // on which a code may be sent, in order of preference

	Digits     int           // of a code, 4 to 10
	Life       time.Duration // of a code
	MaxLife    time.Duration // of a verification from its first code, however often that is rotated
	MinLeft    time.Duration // a code with less life left is rotated at a resend
	Resend     Resend
	MaxChecks  int // guesses compared per verification, resends and rotations included
	MaxSends   int // per verification
	LockAfter  int // failed guesses within FailWindow, across verifications
	FailWindow time.Duration
	Locks      []time.Duration // the first, second and every later lock
	StrikeLife time.Duration   // how long an earlier lock makes the next one longer

	Cooldown    time.Duration // between two sends to a recipient in this namespace
	AllCooldown time.Duration // between two sends to a recipient in any namespace
	Daily       int           // sends to a recipient in this namespace within 24 h from the first
	AllDaily    int           // sends to a recipient in all namespaces, likewise

	SessionLife time.Duration
	Session     SessionForm // of a right check

	Codes CodesAt
	Guard TicketGuard // of codes in tickets
	Fail  WhenDown    // likewise

	// FallbackAfter is how long a receipt may keep a text from going to the other
	// address that its caller has named.
	FallbackAfter time.Duration

	// Where texts may go: to which countries, or Anywhere; nowhere if there are
	// none. DenyPrefixes are of numbers in E.164. DailySpend is what the texts of 24
	// hours to a country may cost; Anywhere is all that have no entry together.
	Countries    []string
	DenyPrefixes []string
	RefuseVoIP   bool
	DailySpend   map[string]Money
}

// DefaultPolicy is the policy of a namespace of which nothing else is said. Its
// limits keep below what NIST SP 800-63B and OWASP ASVS 5.0 §6.5 allow: a code
// of 20 bits or more, valid for ten minutes or less, accepted once.
func DefaultPolicy() Policy {
	return Policy{
		Channels:  []Channel{SMS, Email},
		Digits:    6,
		Life:      5 * time.Minute,
		MaxLife:   15 * time.Minute,
		MinLeft:   2 * time.Minute,
		Resend:    Reuse,
		MaxChecks: 5, MaxSends: 5,
		LockAfter: 5, FailWindow: 24 * time.Hour,
		Locks:      []time.Duration{15 * time.Minute, time.Hour, 24 * time.Hour},
		StrikeLife: 48 * time.Hour,
		Cooldown:   time.Minute, AllCooldown: 10 * time.Second,
		Daily: 10, AllDaily: 20,
		SessionLife: time.Hour,
		Session:     OpaqueSession,
		Codes:       CodesInStore, Guard: StoreGuards, Fail: FailClosed,
		FallbackAfter: 30 * time.Second,
	}
}

// BuiltIn lists the six namespaces with the default policy.
func BuiltIn() map[Namespace]Policy {
	channels := map[Namespace][]Channel{
		VerifyEmail: {Email}, AddEmail: {Email},
		VerifyPhone: {SMS}, PhoneAuth: {SMS}, AddPhone: {SMS},
		ForgotPassword: {Email, SMS},
	}
	all := make(map[Namespace]Policy, len(channels))
	for ns, ch := range channels {
		p := DefaultPolicy()
		p.Channels = ch
		all[ns] = p
	}
	return all
}

// Allows tells whether a code may be sent on a channel.
func (p Policy) Allows(c Channel) bool { return slices.Contains(p.Channels, c) }

// Check says everything that is wrong with a policy, joined, without quoting it.
func (p Policy) Check() error {
	var errs []error
	want := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	want(len(p.Channels) > 0, "channels: name at least one")
	for _, c := range p.Channels {
		want(c.Valid(), "channels: want sms or email")
	}
	want(p.Digits >= 4 && p.Digits <= 10, "digits: want 4 to 10")
	want(p.Life >= 30*time.Second, "life: want at least 30s")
	want(p.MaxLife >= p.Life && p.MaxLife <= 15*time.Minute, "max_life: want at least life and at most 15m")
	want(p.MinLeft >= 0 && p.MinLeft < p.Life, "min_left: want less than life")
	want(p.Resend == Reuse || p.Resend == Rotate, "resend: want %q or %q", Reuse, Rotate)
	want(p.MaxChecks >= 1 && p.MaxChecks <= 20, "max_checks: want 1 to 20")
	want(p.MaxSends >= 1 && p.MaxSends <= 20, "max_sends: want 1 to 20")
	want(p.LockAfter >= 1 && p.LockAfter <= 20, "lock_after: want 1 to 20")
	want(p.FailWindow >= time.Minute, "fail_window: want at least 1m")
	want(len(p.Locks) > 0, "locks: name at least one duration")
	for _, l := range p.Locks {
		want(l > 0, "locks: want durations above zero")
	}
	want(p.StrikeLife >= 0, "strike_life: want zero or more")
	want(p.Cooldown >= 0 && p.AllCooldown >= 0, "cooldown, all_cooldown: want zero or more")
	want(p.Daily >= 1 && p.AllDaily >= 1, "daily, all_daily: want at least 1")
	want(p.SessionLife >= time.Minute && p.SessionLife <= 24*time.Hour, "session_life: want 1m to 24h")
	want(p.Session == OpaqueSession || p.Session == SignedSession, "session: want %q or %q", OpaqueSession, SignedSession)
	want(p.Session != SignedSession || p.SessionLife <= LongestSigned, "session_life: want at most 1h of a jwt, which nobody can end")
	p.checkCodes(want)
	want(p.FallbackAfter >= 5*time.Second, "fallback_after: want at least 5s")
	for _, c := range p.Countries {
		want(c == Anywhere || countryForm.MatchString(c), `countries: want ISO 3166 codes such as "DE", or "*" for all`)
	}
	for _, prefix := range p.DenyPrefixes {
		want(prefixForm.MatchString(prefix), `deny_prefixes: want beginnings of numbers such as "+4930"`)
	}
	for c := range p.DailySpend {
		want(c == Anywhere || countryForm.MatchString(c), `daily_spend: want amounts by ISO 3166 code, such as { DE = "50", "*" = "20" }`)
	}
	return errors.Join(errs...)
}

func (p Policy) checkCodes(want func(ok bool, format string, args ...any)) {
	places := []CodesAt{CodesInStore, CodesInSQL, CodesInToken}
	want(slices.Contains(places, p.Codes), "codes: want %q, %q or %q", CodesInStore, CodesInSQL, CodesInToken)
	want(p.Guard == StoreGuards || p.Guard == NothingGuards, "guard: want %q or %q", StoreGuards, NothingGuards)
	want(p.Fail == FailClosed || p.Fail == FailOpen, "fail: want %q or %q", FailClosed, FailOpen)
	loose := p.Guard == NothingGuards || p.Fail == FailOpen
	want(!loose || p.Codes == CodesInToken, "guard, fail: another value than the default is for codes = %q only", CodesInToken)
	want(!loose || p.Session == SignedSession, "session: want %q, for a check without the store cannot open another", SignedSession)
}
