package otp_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/otpipe/otpipe/internal/otp"
)

func TestANamespaceIsShortAndLowerCaseAndNotAll(t *testing.T) {
	t.Parallel()
	for _, good := range []otp.Namespace{"ab", "a1", "a-", "verify-email", "alls", otp.Namespace("a" + strings.Repeat("b", 31))} {
		if !good.Valid() {
			t.Errorf("%q is refused", good)
		}
	}
	for _, bad := range []otp.Namespace{
		"", "a", "all", "1a", "-a", "A1", "aB", "a_b", "a:b", "a{b", "a b", "ab\n", "äb",
		otp.Namespace("a" + strings.Repeat("b", 32)),
	} {
		if bad.Valid() {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestTheDefaultPolicyIsWhatTheDesignSays(t *testing.T) {
	t.Parallel()
	want := otp.Policy{
		Channels: []otp.Channel{otp.SMS, otp.Email},
		Digits:   6, Life: 5 * time.Minute, MaxLife: 15 * time.Minute, MinLeft: 2 * time.Minute, Resend: otp.Reuse,
		MaxChecks: 5, MaxSends: 5,
		LockAfter: 5, FailWindow: 24 * time.Hour,
		Locks: []time.Duration{15 * time.Minute, time.Hour, 24 * time.Hour}, StrikeLife: 48 * time.Hour,
		Cooldown: 60 * time.Second, AllCooldown: 10 * time.Second, Daily: 10, AllDaily: 20,
		SessionLife: time.Hour, Session: otp.OpaqueSession, Codes: otp.CodesInStore, Guard: otp.StoreGuards, Fail: otp.FailClosed, FallbackAfter: 30 * time.Second,
	}
	if d := cmp.Diff(want, otp.DefaultPolicy()); d != "" {
		t.Fatal(d)
	}
}

func TestTheSixNamespacesHaveTheDefaultPolicyOnTheirChannels(t *testing.T) {
	t.Parallel()
	want := map[otp.Namespace]otp.Policy{}
	for ns, channels := range map[otp.Namespace][]otp.Channel{
		"verify-email": {otp.Email}, "add-email": {otp.Email},
		"verify-phone": {otp.SMS}, "phone-auth": {otp.SMS}, "add-phone": {otp.SMS},
		"forgot-password": {otp.Email, otp.SMS},
	} {
		p := otp.DefaultPolicy()
		p.Channels = channels
		want[ns] = p
	}
	got := otp.BuiltIn()
	if d := cmp.Diff(want, got); d != "" {
		t.Fatal(d)
	}
	for ns, p := range got {
		if err := p.Check(); err != nil || !ns.Valid() {
			t.Errorf("%s: %v", ns, err)
		}
	}
}

func TestAPolicyAllowsItsChannelsOnly(t *testing.T) {
	t.Parallel()
	p := otp.Policy{Channels: []otp.Channel{otp.SMS}}
	if !p.Allows(otp.SMS) || p.Allows(otp.Email) || p.Allows("") {
		t.Fatal("allows something else")
	}
}

// rule is a change of the default policy and the setting that is then wrong; ""
// if all is well.
type rule struct {
	name   string
	change func(p *otp.Policy)
	wrong  string
}

var rules = []rule{
	{"nothing changed", func(*otp.Policy) {}, ""},
	{"no channels", func(p *otp.Policy) { p.Channels = nil }, "channels"},
	{"a channel there is not", func(p *otp.Policy) { p.Channels = []otp.Channel{otp.SMS, "voice"} }, "channels"},
	{"3 digits", func(p *otp.Policy) { p.Digits = 3 }, "digits"},
	{"4 digits", func(p *otp.Policy) { p.Digits = 4 }, ""},
	{"10 digits", func(p *otp.Policy) { p.Digits = 10 }, ""},
	{"11 digits", func(p *otp.Policy) { p.Digits = 11 }, "digits"},
	{"a life below 30s", func(p *otp.Policy) { p.Life, p.MinLeft = 30*time.Second-1, 0 }, "life"},
	{"a life of 30s", func(p *otp.Policy) { p.Life, p.MinLeft = 30*time.Second, 0 }, ""},
	{"a life as long as max_life", func(p *otp.Policy) { p.Life = 15 * time.Minute }, ""},
	{"max_life below life", func(p *otp.Policy) { p.MaxLife = p.Life - 1 }, "max_life"},
	{"max_life above 15m", func(p *otp.Policy) { p.MaxLife = 15*time.Minute + 1 }, "max_life"},
	{"min_left below zero", func(p *otp.Policy) { p.MinLeft = -1 }, "min_left"},
	{"min_left of zero", func(p *otp.Policy) { p.MinLeft = 0 }, ""},
	{"min_left as long as life", func(p *otp.Policy) { p.MinLeft = p.Life }, "min_left"},
	{"rotate", func(p *otp.Policy) { p.Resend = otp.Rotate }, ""},
	{"no resend", func(p *otp.Policy) { p.Resend = "" }, "resend"},
	{"another resend", func(p *otp.Policy) { p.Resend = "never" }, "resend"},
	{"no checks", func(p *otp.Policy) { p.MaxChecks = 0 }, "max_checks"},
	{"1 check", func(p *otp.Policy) { p.MaxChecks = 1 }, ""},
	{"20 checks", func(p *otp.Policy) { p.MaxChecks = 20 }, ""},
	{"21 checks", func(p *otp.Policy) { p.MaxChecks = 21 }, "max_checks"},
	{"no sends", func(p *otp.Policy) { p.MaxSends = 0 }, "max_sends"},
	{"1 send", func(p *otp.Policy) { p.MaxSends = 1 }, ""},
	{"20 sends", func(p *otp.Policy) { p.MaxSends = 20 }, ""},
	{"21 sends", func(p *otp.Policy) { p.MaxSends = 21 }, "max_sends"},
	{"never a lock", func(p *otp.Policy) { p.LockAfter = 0 }, "lock_after"},
	{"a lock after 1", func(p *otp.Policy) { p.LockAfter = 1 }, ""},
	{"a lock after 20", func(p *otp.Policy) { p.LockAfter = 20 }, ""},
	{"a lock after 21", func(p *otp.Policy) { p.LockAfter = 21 }, "lock_after"},
	{"fails forgotten within a minute", func(p *otp.Policy) { p.FailWindow = time.Minute - 1 }, "fail_window"},
	{"fails forgotten after a minute", func(p *otp.Policy) { p.FailWindow = time.Minute }, ""},
	{"no locks", func(p *otp.Policy) { p.Locks = nil }, "locks"},
	{"a lock of no length", func(p *otp.Policy) { p.Locks = []time.Duration{time.Hour, 0} }, "locks"},
	{"strikes of no length", func(p *otp.Policy) { p.StrikeLife = 0 }, ""},
	{"strikes below zero", func(p *otp.Policy) { p.StrikeLife = -1 }, "strike_life"},
	{"no cooldowns", func(p *otp.Policy) { p.Cooldown, p.AllCooldown = 0, 0 }, ""},
	{"a cooldown below zero", func(p *otp.Policy) { p.Cooldown = -1 }, "cooldown"},
	{"a common cooldown below zero", func(p *otp.Policy) { p.AllCooldown = -1 }, "all_cooldown"},
	{"none a day", func(p *otp.Policy) { p.Daily = 0 }, "daily"},
	{"none a day in all", func(p *otp.Policy) { p.AllDaily = 0 }, "all_daily"},
	{"one a day", func(p *otp.Policy) { p.Daily, p.AllDaily = 1, 1 }, ""},
	{"a session below a minute", func(p *otp.Policy) { p.SessionLife = time.Minute - 1 }, "session_life"},
	{"a session of a minute", func(p *otp.Policy) { p.SessionLife = time.Minute }, ""},
	{"a session of a day", func(p *otp.Policy) { p.SessionLife = 24 * time.Hour }, ""},
	{"a session above a day", func(p *otp.Policy) { p.SessionLife = 24*time.Hour + 1 }, "session_life"},
	{"a jwt of an hour", func(p *otp.Policy) { p.Session = otp.SignedSession }, ""},
	{"a jwt above an hour", func(p *otp.Policy) { p.Session, p.SessionLife = otp.SignedSession, time.Hour+1 }, "session_life"},
	{"a session of another form", func(p *otp.Policy) { p.Session = "cookie" }, "session"},
}

func TestAPolicyIsCheckedByEveryRule(t *testing.T) {
	t.Parallel()
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			p := otp.DefaultPolicy()
			r.change(&p)
			err := p.Check()
			switch {
			case r.wrong == "" && err != nil:
				t.Fatalf("refused: %v", err)
			case r.wrong != "" && (err == nil || !strings.Contains(err.Error(), r.wrong+":") || strings.Contains(err.Error(), "\n")):
				t.Fatalf("got %v, want one complaint about %s", err, r.wrong)
			}
		})
	}
}

func TestAPolicyWithManyFaultsNamesThemAll(t *testing.T) {
	t.Parallel()
	err := (otp.Policy{StrikeLife: -1, Cooldown: -1, MinLeft: -1}).Check()
	if err == nil {
		t.Fatal("an empty policy passes")
	}
	for _, r := range rules {
		// max_life of zero is as long as a life of zero: no complaint of its own.
		if r.wrong != "" && r.wrong != "max_life" && !strings.Contains(err.Error(), r.wrong) {
			t.Errorf("nothing about %s in %v", r.wrong, err)
		}
	}
}
