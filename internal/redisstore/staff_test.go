package redisstore_test

import (
	"bytes"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/otpipe/otpipe/internal/otp"
)

const (
	untouched = 30 * time.Minute
	longest   = 12 * time.Hour
)

var home = netip.MustParseAddr("192.0.2.1")

func ada() otp.Visit {
	return otp.Visit{Who: otp.Staff{Name: "ada", Role: otp.Operator, Namespaces: []otp.Namespace{otp.PhoneAuth, otp.AddEmail}}, Way: otp.ByPassword, Mark: "mark"}
}

func (r *rig) knock(name string, from netip.Addr) (wait time.Duration, limit string) {
	r.t.Helper()
	wait, limit, err := r.store.Knock(r.t.Context(), r.keys.KnockOf(name, from), name)
	r.must(err)
	return wait, limit
}

// knocks is how many of some tries may be made, one after the other.
func (r *rig) knocks(n int, name string, from netip.Addr) (admitted int) {
	r.t.Helper()
	for range n {
		if wait, _ := r.knock(name, from); wait == 0 {
			admitted++
		}
	}
	return admitted
}

func (r *rig) welcome(v otp.Visit, from netip.Addr, before otp.Pass) otp.Pass {
	r.t.Helper()
	p := otp.NewPass()
	r.must(r.store.Welcome(r.t.Context(), p, before, v, r.keys.KnockOf(v.Who.Name, from), longest, untouched))
	return p
}

func (r *rig) visit(p otp.Pass, click bool) (otp.Visit, error) {
	r.t.Helper()
	return r.store.Visit(r.t.Context(), p, untouched, click)
}

func (r *rig) inside(p otp.Pass) otp.Visit {
	r.t.Helper()
	v, err := r.visit(p, true)
	r.must(err)
	return v
}

func (r *rig) outside(p otp.Pass) {
	r.t.Helper()
	if v, err := r.visit(p, true); !errors.Is(err, otp.ErrNotFound) {
		r.t.Fatalf("%s is in: %v", v.Who.Name, err)
	}
}

func TestAPassOpensTheVisitItWasMadeFor(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		p, other := r.welcome(ada(), home, otp.Pass{}), r.welcome(otp.Visit{Who: otp.Staff{Name: "bob", Role: otp.Viewer}, Way: otp.ByOIDC}, home, otp.Pass{})
		got := r.inside(p)
		if left := time.Until(got.Until); left > longest || left < longest-time.Minute {
			t.Errorf("until %s", got.Until)
		}
		got.Until = time.Time{}
		if d := cmp.Diff(ada(), got); d != "" {
			t.Error(d)
		}
		if v := r.inside(other); v.Who.Name != "bob" || v.Who.Namespaces != nil {
			t.Errorf("%+v", v)
		}
		r.outside(otp.NewPass())
		r.outside(otp.Pass{})
	})
}

func TestAVisitEndsWithoutClicks(t *testing.T) {
	each(t, func(_ *testing.T, r *rig) {
		p := r.welcome(ada(), home, otp.Pass{})
		for range 3 {
			r.pass(untouched - time.Minute)
			r.inside(p)
		}
		r.pass(untouched)
		r.outside(p)
		r.pass(-untouched) // it does not come back either
		r.outside(p)
	})
}

func TestALookIsNoClick(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		p := r.welcome(ada(), home, otp.Pass{})
		for range 3 {
			r.pass(untouched/3 - time.Second)
			if _, err := r.visit(p, false); err != nil {
				t.Fatal(err)
			}
		}
		r.pass(4 * time.Second)
		r.outside(p)
	})
}

func TestAVisitEndsAfterTheLongestTimeWhateverIsClicked(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		p := r.welcome(ada(), home, otp.Pass{})
		for range int(longest/untouched)*2 - 1 {
			r.pass(untouched / 2)
			r.inside(p)
		}
		if ttl := r.rdb.PTTL(t.Context(), "staff:visit:{00}"+p.Hash()).Val(); ttl > untouched {
			t.Errorf("the key stays for %s", ttl)
		}
		r.pass(untouched / 2)
		r.outside(p)
	})
}

func TestASignInEndsWhatTheBrowserHadBefore(t *testing.T) {
	each(t, func(_ *testing.T, r *rig) {
		first, elsewhere := r.welcome(ada(), home, otp.Pass{}), r.welcome(ada(), home, otp.Pass{})
		second := r.welcome(ada(), home, first)
		r.outside(first)
		r.inside(second)
		r.inside(elsewhere)
	})
}

func TestWhoLeavesIsOut(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		p := r.welcome(ada(), home, otp.Pass{})
		if who, way, err := r.store.Leave(t.Context(), p, ""); who != "ada" || way != otp.ByPassword || err != nil {
			t.Fatal(who, way, err)
		}
		r.outside(p)
		if _, _, err := r.store.Leave(t.Context(), p, ""); !errors.Is(err, otp.ErrNotFound) {
			t.Error(err)
		}
	})
}

func TestWhatRedisHoldsOfAVisitIsNoPass(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		p, on := r.welcome(ada(), home, otp.Pass{}), otp.NewPass()
		r.must(r.store.Refer(t.Context(), on, otp.NewReferral("/")))
		dump := dumpOf(t, r.rdb)
		for _, secret := range []string{p.Reveal(), on.Reveal(), home.String(), "192.0.2"} {
			if bytes.Contains(dump, []byte(secret)) {
				t.Errorf("Redis holds %s", secret)
			}
		}
		for _, key := range stored(t, r.rdb, "staff:visit:*") {
			stolen, err := otp.ParsePass(strings.TrimPrefix(key, "staff:visit:{00}"))
			if err != nil {
				continue // not even of a pass' form
			}
			r.outside(stolen)
		}
	})
}

func TestAHundredTriesAtOnceAreCountedOneByOne(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		var admitted atomic.Int32
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				wait, _, err := r.store.Knock(t.Context(), r.keys.KnockOf("ada", home), "ada")
				if err != nil {
					t.Error(err)
				}
				if wait == 0 {
					admitted.Add(1)
				}
			})
		}
		wg.Wait()
		if n := admitted.Load(); n != 5 {
			t.Errorf("%d of a hundred may be compared, want 5", n)
		}
	})
}

func TestLocksOfANameFromAPlaceGrow(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		if n := r.knocks(8, "ada", home); n != 5 {
			t.Fatalf("%d tries at first", n)
		}
		for _, lock := range []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, 15 * time.Minute} {
			wait, limit := r.knock("ada", home)
			if wait > lock || wait < lock-5*time.Second || limit != "pair" {
				t.Fatalf("wait %s for the %s, want %s", wait, limit, lock)
			}
			r.pass(wait + time.Millisecond)
			if n := r.knocks(3, "ada", home); n != 1 {
				t.Fatalf("%d tries after %s", n, lock)
			}
		}
		r.pass(24 * time.Hour)
		if n := r.knocks(8, "ada", home); n != 5 {
			t.Errorf("%d tries a day later", n)
		}
	})
}

func TestARightPasswordForgetsWrongOnes(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		for range 20 {
			if n := r.knocks(4, "ada", home); n != 4 {
				t.Fatal(n)
			}
			r.welcome(ada(), home, otp.Pass{})
			r.pass(time.Minute)
		}
	})
}

// Whoever tries a colleague's name from many places must not keep them from
// working where they do.
func TestACrowdDoesNotLockAPersonOutOfTheirOwnPlace(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.knock("ada", home)
		r.welcome(ada(), home, otp.Pass{})
		crowd := netip.MustParseAddr("198.51.100.1")
		compared := 0
		for range 40 {
			compared += r.knocks(4, "ada", crowd)
			crowd = crowd.Next()
		}
		if compared < 19 || compared > 25 { // 20, and one for each minute that passed
			t.Errorf("%d tries of 160 from 40 places are compared", compared)
		}
		if wait, limit := r.knock("ada", crowd); wait == 0 || wait > 2*time.Minute || limit != "name" {
			t.Errorf("from yet another place: wait %s for the %s", wait, limit)
		}
		if wait, limit := r.knock("ada", home); wait > 0 {
			t.Errorf("ada has to wait %s for the %s", wait, limit)
		}
		r.pass(31 * 24 * time.Hour) // their place is forgotten, and so is the crowd
		if wait, _ := r.knock("ada", crowd); wait > 0 {
			t.Errorf("after a month: wait %s", wait)
		}
	})
}

func TestOnePlaceMayNotTryManyNames(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		admitted := 0
		for i := range 60 {
			admitted += r.knocks(1, strings.Repeat("x", i+1), home)
		}
		if admitted < 30 || admitted > 40 {
			t.Errorf("%d of 60 names may be tried from one place", admitted)
		}
		wait, limit := r.knock("ada", home)
		if wait == 0 || wait > 11*time.Second || limit != "place" {
			t.Errorf("wait %s for the %s", wait, limit)
		}
		if wait, _ := r.knock("ada", home.Next()); wait > 0 {
			t.Error("another place has to wait too")
		}
		if wait, _ := r.knock("", home); wait == 0 {
			t.Error("the place may go to the identity provider all the same")
		}
	})
}

// An office is one place, and so is everybody behind a proxy that the
// configuration forgot.
func TestSomebodyWhoGuessesDoesNotLockOutThoseWhoAreAtHomeInThePlace(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.knock("ada", home)
		r.welcome(ada(), home, otp.Pass{})
		for i := range 60 {
			r.knock(strings.Repeat("x", i+1), home)
		}
		if wait, limit := r.knock("bob", home); limit != "place" {
			t.Fatalf("the place is not used up: wait %s for the %s", wait, limit)
		}
		if wait, limit := r.knock("ada", home); wait > 0 {
			t.Errorf("ada has to wait %s for the %s", wait, limit)
		}
		for range 5 { // who is at home gives nothing back that they did not take
			r.knock("ada", home)
			r.welcome(ada(), home, otp.Pass{})
		}
		if n := r.knocks(6, "bob", home); n > 3 { // one in ten seconds
			t.Errorf("%d more tries for whoever is not, after ada's sign-ins", n)
		}
		if n := r.knocks(8, "ada", home); n != 5 {
			t.Errorf("%d wrong passwords of ada's are compared, want 5", n)
		}
	})
}

func TestANetworkOfIPv6IsOnePlace(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		admitted, from := 0, netip.MustParseAddr("2001:db8::1")
		for range 8 {
			admitted += r.knocks(1, "ada", from)
			from = from.Next()
		}
		if admitted != 5 {
			t.Errorf("%d tries from eight addresses of one network", admitted)
		}
		if n := r.knocks(8, "ada", netip.MustParseAddr("2001:db8:0:1::1")); n != 5 {
			t.Errorf("%d tries from the next network", n)
		}
		r.knocks(5, "bob", home)
		if wait, _ := r.knock("bob", netip.MustParseAddr("::ffff:192.0.2.1")); wait == 0 {
			t.Error("an address is another place in another spelling")
		}
	})
}

func TestAReferralIsGoodOnceInItsOwnBrowserWithItsOwnState(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		p, ref := otp.NewPass(), otp.NewReferral("/overview")
		r.must(r.store.Refer(t.Context(), p, ref))
		for what, c := range map[string]struct {
			pass  otp.Pass
			state string
		}{"another browser": {otp.NewPass(), ref.State}, "another state": {p, otp.NewReferral("").State}, "no browser": {otp.Pass{}, ref.State}, "no state": {p, ""}} {
			if _, err := r.store.Return(t.Context(), c.pass, c.state); !errors.Is(err, otp.ErrNotFound) {
				t.Errorf("%s: %v", what, err)
			}
		}
		got, err := r.store.Return(t.Context(), p, ref.State)
		if err != nil || got != ref {
			t.Errorf("%v, %v", got, err)
		}
		if _, err := r.store.Return(t.Context(), p, ref.State); !errors.Is(err, otp.ErrNotFound) {
			t.Errorf("again: %v", err)
		}
	})
}

func TestEveryKeyOfTheStaffHasATTL(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.knocks(8, "ada", home)
		r.welcome(ada(), home, otp.Pass{})
		r.knocks(8, "bob", home)
		r.must(r.store.Refer(t.Context(), otp.NewPass(), otp.NewReferral("/")))
		longest := map[string]time.Duration{
			"visit": untouched, "referral": 10 * time.Minute, "told": time.Minute,
			"tries:place": 10 * time.Minute, "tries:name": time.Hour, "tries:pair": 31 * 24 * time.Hour,
		}
		seen := map[string]bool{}
		for _, key := range stored(t, r.rdb, "staff:*") {
			kind, _, _ := strings.Cut(strings.TrimPrefix(key, "staff:"), ":{")
			seen[kind] = true
			if ttl := r.rdb.PTTL(t.Context(), key).Val(); ttl <= 0 || ttl > longest[kind]+time.Minute {
				t.Errorf("%s stays for %s", key, ttl)
			}
		}
		if len(seen) != len(longest) {
			t.Errorf("the test wrote %v only", seen)
		}
	})
}

func TestWhoComesAndGoesIsToldOnTheStream(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		p := r.welcome(ada(), home, otp.Pass{})
		if _, _, err := r.store.Leave(t.Context(), p, ""); err != nil {
			t.Fatal(err)
		}
		r.must(r.store.TurnedAway(t.Context(), "bob", otp.ByOIDC, "no_role"))
		r.knocks(20, "bob", home) // told once, however often it is tried
		got := r.stream(0)
		want := []map[string]any{
			{"type": "staff.signed_in", "actor": "ada", "way": "password"},
			{"type": "staff.signed_out", "actor": "ada", "way": "password", "reason": ""},
			{"type": "staff.refused", "actor": "bob", "way": "oidc", "reason": "no_role"},
			{"type": "staff.throttled", "actor": "bob", "reason": "pair"},
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
	})
}
