package deliver_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/breaker"
	"github.com/otpipe/otpipe/internal/deliver"
	"github.com/otpipe/otpipe/internal/otp"
)

// news has the gate hear what is said of the providers.
func (r *rig) news() { r.courier.Gate.Learn(r.t.Context()) }

func TestADrainedProviderIsSkippedUntilItIsResumed(t *testing.T) {
	a, b := vendor("a", takes(otp.Accepted)), vendor("b", takes(otp.Accepted))
	r := newRig(t, a, b)
	if err := r.store.Drain(t.Context(), "a", "ops", "maintenance"); err != nil {
		t.Fatal(err)
	}
	r.news()
	o := r.sms()
	r.done(o)
	r.wrote(o, otp.Accepted, "b accepted") // no attempt of a's: it was not asked
	if err := r.store.Resume(t.Context(), "a", "ops", "over"); err != nil {
		t.Fatal(err)
	}
	r.news()
	r.pass(2 * time.Minute)
	o = r.sms()
	r.done(o)
	r.wrote(o, otp.Accepted, "a accepted")
}

func TestWithAllProvidersDrainedTheSendWaitsAndItsJournalSaysWhy(t *testing.T) {
	a := vendor("a", takes(otp.Accepted))
	r := newRig(t, a)
	if err := r.store.Drain(t.Context(), "a", "ops", "maintenance"); err != nil {
		t.Fatal(err)
	}
	r.news()
	o := r.sms()
	for _, seconds := range []time.Duration{1, 2, 4, 8, 15, 15} {
		r.again(o, seconds*time.Second)
		r.pass(seconds * time.Second)
	}
	r.wrote(o, otp.Queued)
	said := 0
	for _, s := range r.history(o).Steps {
		if s.State == "waiting" && s.Reason == "no_provider_open" {
			said++
		}
	}
	if said != 1 {
		t.Errorf("said %d times", said)
	}
	r.pass(4 * time.Minute)
	r.done(o)
	r.wrote(o, otp.Failed)
	if reason := r.reason(o, 0); reason != "no_provider_open" {
		t.Errorf("reason %q", reason)
	}
	if !r.history(o).Newest().Refunded {
		t.Error("what nobody was given is not refunded")
	}
}

func TestAProviderThatAsksForAPauseHasItFromAllWorkers(t *testing.T) {
	busy := func(context.Context, otp.Message) (otp.Acceptance, error) {
		return otp.Acceptance{}, &otp.Fault{Class: otp.FaultThrottled, Provider: "a", Code: "vendor_429", RetryAfter: 40 * time.Second}
	}
	a, b := vendor("a", busy, takes(otp.Accepted)), vendor("b", takes(otp.Accepted))
	r := newRig(t, a, b)
	o := r.sms()
	r.done(o)
	r.wrote(o, otp.Accepted, "a failed", "b accepted")
	o = r.start(phone("+4915100000001")).Order
	r.done(o)
	r.wrote(o, otp.Accepted, "b accepted")

	other := newRigOn(t, r, a, b) // another worker, which has heard of it
	other.news()
	o = other.start(phone("+4915100000002")).Order
	other.done(o)
	other.wrote(o, otp.Accepted, "b accepted")
	r.pass(41 * time.Second)
	other.news()
	o = other.start(phone("+4915100000003")).Order
	other.done(o)
	other.wrote(o, otp.Accepted, "a accepted")
}

func TestAnOpenBreakerIsSkippedAtOnceAndOtherWorkersAreAdvised(t *testing.T) {
	a, b := vendor("a", refuses(otp.FaultProvider)), vendor("b", takes(otp.Accepted))
	r := newRig(t, a, b)
	line := deliver.Line{Provider: "a", Channel: otp.SMS}
	told := make(chan struct{})
	r.courier.Gate.Breakers[line] = breaker.New(
		breaker.Settings{Failures: 3, Ratio: 1, Least: 100, Window: time.Minute, Open: time.Minute, Probes: 1}, deliver.HandOver,
		func(state string) { r.courier.Gate.Tell(line, state, time.Minute); close(told) })
	for i := range 6 {
		o := r.start(phone("+491510000001" + string(rune('0'+i)))).Order
		r.done(o)
		if i < 3 {
			r.wrote(o, otp.Accepted, "a failed", "b accepted")
		} else {
			r.wrote(o, otp.Accepted, "b accepted")
		}
	}
	<-told
	other := newRigOn(t, r, a, b)
	for tries := 0; ; tries++ { // Tell does not wait for the store
		other.news()
		if len(other.courier.Gate.Known("a").Tripped) > 0 {
			break
		}
		if tries > 1000 {
			t.Fatal("the other worker never heard of it")
		}
	}
	o := other.start(phone("+4915100000020")).Order
	other.done(o)
	other.wrote(o, otp.Accepted, "b accepted")
	if mail := other.start(email()).Order; true { // the other channel is not touched
		other.done(mail)
		other.wrote(mail, otp.Accepted, "a failed", "b accepted")
	}
	a.given(t, 1, 1, 1, 1)
}

func TestWhatIsMoreThanAProviderMayHaveGoesByTheNext(t *testing.T) {
	for name, limit := range map[string]deliver.Limit{"in a second": {PerSecond: 2}, "at a time": {Concurrency: 2}} {
		t.Run(name, func(t *testing.T) {
			held := make(chan struct{})
			slow := func(ctx context.Context, m otp.Message) (otp.Acceptance, error) {
				if limit.Concurrency > 0 {
					<-held
				}
				return takes(otp.Accepted)(ctx, m)
			}
			a, b := vendor("a", slow), vendor("b", takes(otp.Accepted))
			r := newRig(t, a, b)
			r.courier.Gate.Limits["a"] = limit
			var orders []otp.Order
			for i := range 10 {
				orders = append(orders, r.start(phone("+491510000003"+string(rune('0'+i)))).Order)
			}
			done := make(chan error, len(orders))
			for _, o := range orders {
				go func() { done <- r.courier.Deliver(t.Context(), o) }()
			}
			for range 8 {
				if err := <-done; err != nil {
					t.Fatal(err)
				}
			}
			close(held)
			for range 2 {
				if err := <-done; err != nil {
					t.Fatal(err)
				}
			}
			a.given(t, 1, 1)
			b.given(t, 1, 1, 1, 1, 1, 1, 1, 1)
		})
	}
}

func TestASendThatFindsNoRoomComesBackWhenThereIsSome(t *testing.T) {
	a := vendor("a", takes(otp.Accepted))
	r := newRig(t, a)
	r.courier.Gate.Limits["a"] = deliver.Limit{PerSecond: 0.25} // one in four seconds
	first, second := r.start(phone("+4915100000041")).Order, r.start(phone("+4915100000042")).Order
	r.done(first)
	err := r.courier.Deliver(t.Context(), second)
	again, ok := err.(*deliver.RetryError) //nolint:errorlint // it is not wrapped
	if !ok || again.After < 3*time.Second || again.After > 5*time.Second {
		t.Fatalf("%v, want another try in about four seconds", err)
	}
	r.pass(again.After)
	r.done(second)
	a.given(t, 1, 1)
}

func TestWithoutNewsTheLastIsBelieved(t *testing.T) {
	a, b := vendor("a", takes(otp.Accepted)), vendor("b", takes(otp.Accepted))
	r := newRig(t, a, b)
	if err := r.store.Drain(t.Context(), "a", "ops", "maintenance"); err != nil {
		t.Fatal(err)
	}
	r.news()
	r.courier.Gate.Standings = deaf{r.store}
	r.news()
	o := r.sms()
	r.done(o)
	r.wrote(o, otp.Accepted, "b accepted")
}

// deaf is a store that is away.
type deaf struct{ store }

type store = deliver.Standings

func (deaf) Standings(context.Context, []string) (map[string]otp.Standing, error) {
	return nil, otp.ErrStoreUnavailable
}

func TestTheGateSaysWhatChangesAndNoSecret(t *testing.T) {
	r := newRig(t, vendor("a", takes(otp.Accepted)))
	r.courier.Gate.Log = slog.New(slog.NewJSONHandler(r.log, nil))
	if err := r.store.Drain(t.Context(), "a", "ops", "maintenance"); err != nil {
		t.Fatal(err)
	}
	r.news()
	r.news()
	if n := strings.Count(r.log.String(), `"msg":"provider drained or resumed"`); n != 1 {
		t.Errorf("said %d times:\n%s", n, r.log)
	}
}

func TestAdviceIsForThoseWhoHaveNotFoundOutThemselves(t *testing.T) {
	a, b := vendor("a", takes(otp.Accepted)), vendor("b", takes(otp.Accepted))
	r := newRig(t, a, b)
	line := deliver.Line{Provider: "a", Channel: otp.SMS}
	if err := r.store.Trip(t.Context(), "a", otp.SMS, time.Minute); err != nil {
		t.Fatal(err)
	}
	r.news()
	for i, c := range []struct {
		state string
		want  string
	}{{"closed", "b accepted"}, {"half_open", "a accepted"}} {
		r.courier.Gate.Breakers[line] = fuse(c.state)
		o := r.start(phone("+491510000005" + string(rune('0'+i)))).Order
		r.done(o)
		r.wrote(o, otp.Accepted, c.want)
	}
	r.courier.Gate.Tell(line, "closed", time.Minute) // what its own hand-over has shown
	r.courier.Gate.Breakers[line] = fuse("closed")
	o := r.start(phone("+4915100000059")).Order
	r.done(o)
	r.wrote(o, otp.Accepted, "a accepted")
}

// fuse is a breaker that says it is in a state, and admits all.
type fuse string

func (f fuse) Allow() (func(error), time.Duration) { return func(error) {}, 0 }
func (f fuse) State() string                       { return string(f) }

func TestASendWaitsForTheProbeAndNotForTheAdvice(t *testing.T) {
	a := vendor("a", takes(otp.Accepted))
	r := newRig(t, a)
	if err := r.store.Trip(t.Context(), "a", otp.SMS, 18*time.Second); err != nil {
		t.Fatal(err)
	}
	r.news()
	err := r.courier.Deliver(t.Context(), r.sms())
	again, ok := err.(*deliver.RetryError) //nolint:errorlint // it is not wrapped
	if !ok || again.After > 11*time.Second || again.After < 9*time.Second {
		t.Fatalf("%v, want another try in ten seconds", err)
	}
}

func TestAProviderWhoseBreakerIsOpenKeepsItsPace(t *testing.T) {
	a, b := vendor("a", takes(otp.Accepted)), vendor("b", takes(otp.Accepted))
	r := newRig(t, a, b)
	line := deliver.Line{Provider: "a", Channel: otp.SMS}
	working := r.courier.Gate.Breakers[line]
	r.courier.Gate.Limits["a"] = deliver.Limit{PerSecond: 0.01}
	r.courier.Gate.Breakers[line] = blown{}
	r.done(r.start(phone("+4915100000061")).Order)
	r.courier.Gate.Breakers[line] = working
	o := r.start(phone("+4915100000062")).Order
	r.done(o)
	r.wrote(o, otp.Accepted, "a accepted")
}

// blown is a breaker that admits nothing.
type blown struct{}

func (blown) Allow() (func(error), time.Duration) { return nil, time.Second }
func (blown) State() string                       { return "open" }
