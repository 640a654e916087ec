package redisstore_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/redistest"
)

// text asks for a code to a number of a range, and types it in if somebody would.
func (r *rig) text(g otp.Guard, prefix string, used bool) (refused bool) {
	r.t.Helper()
	to := fmt.Sprintf("%s%04d", prefix, people.Add(1)%10_000)
	a := ask{to: to}.filled()
	o := r.opening(a)
	g.Ranges = []otp.Range{{Name: prefix, Least: 20}, {Name: "DE", Least: 500}}
	o.Guard = &g
	_, err := r.store.Start(r.t.Context(), o)
	if le := limited(err); le != nil {
		return le.Limit == otp.LimitRate && le.Bucket == otp.TollGuard
	}
	r.must(err)
	if used {
		r.mustCheck(ask{to: to}, "")
	}
	return false
}

var blocking = otp.Guard{Block: true, Counts: true, Ratio: 0.2, Window: 24 * time.Hour, Grace: 3 * time.Minute, Length: 12 * time.Hour}

func TestARangeWhereNobodyTypesACodeInIsBlockedAndProbedAgain(t *testing.T) {
	onServers(t, func(t *testing.T, r *rig) {
		sent := 0
		for range 60 {
			if !r.text(blocking, "+4915123", false) {
				sent++
			}
			r.pass(30 * time.Second)
		}
		const least, unseen = 20, 13 // what goes out within the grace and its slice of three minutes
		if sent < least || sent > least+unseen {
			t.Errorf("%d texts before it was blocked", sent)
		}
		if r.text(blocking, "+4915124", false) {
			t.Error("another range is blocked too")
		}
		r.pass(12 * time.Hour)
		for range 60 {
			if !r.text(blocking, "+4915123", false) {
				sent++
			}
			r.pass(30 * time.Second)
		}
		if sent > least+unseen+least/4+unseen {
			t.Errorf("%d texts in all", sent)
		}
		kinds := map[any]int{}
		for _, e := range r.stream(0) {
			kinds[e["type"]]++
		}
		if kinds["range.blocked"] != 2 {
			t.Errorf("told %v", kinds)
		}
	})
}

func TestARangeWherePeopleTypeTheirCodesInIsNotBlocked(t *testing.T) {
	onServers(t, func(t *testing.T, r *rig) {
		for i := range 200 {
			if r.text(blocking, "+4915125", i%3 == 0) {
				t.Fatalf("blocked at the %dth", i)
			}
			r.pass(15 * time.Second)
		}
	})
}

func TestInTheShadowARangeIsOnlyTold(t *testing.T) {
	onServers(t, func(t *testing.T, r *rig) {
		g := blocking
		g.Block = false
		suspected := 0
		for range 80 {
			to := fmt.Sprintf("+4915126%04d", people.Add(1)%10_000)
			o := r.opening(ask{to: to}.filled())
			g.Ranges = []otp.Range{{Name: "+4915126", Least: 20}}
			o.Guard = &g
			opened, err := r.store.Start(t.Context(), o)
			r.must(err)
			if opened.Suspect == "+4915126" {
				suspected++
			}
			r.pass(30 * time.Second)
		}
		told := 0
		for _, e := range r.stream(0) {
			if e["type"] == "range.suspected" {
				told++
			}
		}
		if suspected < 40 || told != 1 {
			t.Errorf("%d starts were suspected, and that was told %d times", suspected, told)
		}
	})
}

func TestAnOperatorUnblocksARange(t *testing.T) {
	onServers(t, func(t *testing.T, r *rig) {
		for range 40 {
			r.text(blocking, "+4915127", false)
			r.pass(30 * time.Second)
		}
		all, err := r.store.Ranges(t.Context())
		r.must(err)
		if len(all) != 2 || all[0].Name != "+4915127" || all[0].Blocked < 11*time.Hour || all[1].Name != "DE" || all[1].Sends < 20 || all[1].Used != 0 {
			t.Fatalf("%+v", all)
		}
		there, err := r.store.Unblock(t.Context(), "+4915127", "ada", "a campaign")
		r.must(err)
		if !there || r.text(blocking, "+4915127", true) {
			t.Error("it is still blocked")
		}
		told := slices.ContainsFunc(r.stream(0), func(e map[string]any) bool {
			return e["type"] == "range.unblocked" && e["actor"] == "ada" && e["reason"] == "+4915127: a campaign"
		})
		if !told {
			t.Error("it is not told")
		}
	})
}

func TestADecoyIsNoText(t *testing.T) {
	onServers(t, func(t *testing.T, r *rig) {
		g := blocking
		g.Counts = false
		for range 100 {
			if r.text(g, "+4915128", false) {
				t.Fatal("decoys have blocked a range")
			}
			r.pass(30 * time.Second)
		}
	})
}

// TestPumpingIsStoppedAndHonestPeopleAreNot simulates half a day of honest traffic, and
// attacks beside it: on a range of nobody's, on one of honest people, and a slow one
// over a hundred. The long form is twelve hours of it, two minutes here.
func TestPumpingIsStoppedAndHonestPeopleAreNot(t *testing.T) {
	t.Parallel()
	minutes := 60
	if os.Getenv("LONG") != "" {
		minutes = 12 * 60
	}
	func(r *rig) {
		random := rand.New(rand.NewPCG(1, 2))
		for _, c := range []struct {
			name   string
			attack func(minute int) (prefixes []string)
			most   int // texts that the attack gets out
		}{
			{"nobody attacks", func(int) []string { return nil }, 0},
			{"ten texts a minute to one range", func(int) (all []string) {
				for range 10 {
					all = append(all, "+4915200")
				}
				return all
			}, 80},
			{"ten texts a minute to a range of honest people", func(m int) (all []string) {
				if m > minutes/2 {
					all = []string{"+4916007", "+4916007", "+4916007", "+4916007", "+4916007", "+4916007", "+4916007", "+4916007", "+4916007", "+4916007"}
				}
				return all
			}, 800},
			{"a text each ten minutes to each of a hundred ranges", func(m int) (all []string) {
				for i := range 10 {
					all = append(all, fmt.Sprintf("+49153%02d", (m*10+i)%100))
				}
				return all
			}, 100 * 25},
		} {
			r.must(r.rdb.FlushDB(t.Context()).Err())
			asked, sent, honest, refused := 0, 0, 0, 0
			for m := range minutes {
				for range 5 {
					honest++
					if r.text(blocking, fmt.Sprintf("+49160%02d", random.IntN(20)), random.IntN(100) < 80) {
						refused++
					}
				}
				for _, prefix := range c.attack(m) {
					asked++
					if !r.text(blocking, prefix, false) {
						sent++
					}
				}
				r.pass(time.Minute)
			}
			t.Logf("| %s | %d | %d | %d of %d |", c.name, asked, sent, refused, honest)
			most := 0
			if c.name == "ten texts a minute to a range of honest people" {
				most = honest / 20 // those of the range
			}
			if refused > most || sent > c.most {
				t.Errorf("%s: %d texts of at most %d, and %d of %d honest people were refused", c.name, sent, c.most, refused, honest)
			}
		}
	}(newRig(t, redistest.Client(t)))
}

func TestCodesThatMayStillBeTypedInBlockNothing(t *testing.T) {
	onServers(t, func(t *testing.T, r *rig) {
		for i := range 100 { // a campaign: all ask within a minute
			if r.text(blocking, "+4915129", false) {
				t.Fatalf("blocked at the %dth", i)
			}
			r.pass(600 * time.Millisecond)
		}
	})
}

func TestAGoodPastHelpsNoAttack(t *testing.T) {
	onServers(t, func(t *testing.T, r *rig) {
		for range 300 {
			r.text(blocking, "+4915130", true)
			r.pass(3 * time.Minute)
		}
		r.pass(time.Hour)
		sent := 0
		for range 120 {
			if !r.text(blocking, "+4915130", false) {
				sent++
			}
			r.pass(20 * time.Second)
		}
		if sent > 45 {
			t.Errorf("%d of 120 texts went out", sent)
		}
	})
}
