package support_test

import (
	"context"
	"errors"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/support"
)

// noon is a quarter past twelve.
var noon = time.Date(2026, 3, 29, 12, 15, 0, 0, time.UTC)

// tallied is a store with these tallies. It counts how often it is read.
type tallied struct {
	all []otp.Tally
	err error

	mu    sync.Mutex
	reads int
}

func (s *tallied) Tallies(_ context.Context, _ int, from, to time.Time) (all []otp.Tally, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	for _, t := range s.all {
		if !t.Hour.Before(from.Truncate(time.Hour)) && !t.Hour.After(to) {
			all = append(all, t)
		}
	}
	return all, s.err
}

func (s *tallied) Standings(context.Context, []string) (map[string]otp.Standing, error) {
	return map[string]otp.Standing{"twilio": {Paused: time.Minute, PausedWhy: "twilio_20429"}}, nil
}

// half are queues of which one is out of reach.
type half struct{}

func (half) Read(queue string) (otp.QueueState, error) {
	if queue == "email" {
		return otp.QueueState{}, errors.New("away")
	}
	return otp.QueueState{Waiting: 3, Oldest: 2 * time.Second}, nil
}

func overview(s *tallied) *support.Overview {
	return &support.Overview{
		Tallies: s, Standings: s, Queues: half{}, Partitions: 16, Now: func() time.Time { return noon },
		Accounts: []support.Account{{Name: "twilio", Driver: "twilio", Channels: []otp.Channel{otp.SMS}}, {Name: "relay", Driver: "smtp", Channels: []otp.Channel{otp.Email}}},
	}
}

// texts were asked for some hours before noon, and stand all alike.
func texts(hoursAgo, n int, at otp.Standpoint) otp.Tally {
	return otp.Tally{
		Hour: noon.Truncate(time.Hour).Add(-time.Duration(hoursAgo) * time.Hour), Namespace: otp.PhoneAuth, Channel: otp.SMS,
		Opened: n, Stand: map[otp.Standpoint]int{at: n},
	}
}

func by(state otp.State, provider string) otp.Standpoint {
	return otp.Standpoint{State: state, Provider: provider}
}

func mustTell(t *testing.T, o *support.Overview, who otp.Staff) support.Day {
	t.Helper()
	d, err := o.Of(t.Context(), who)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestADayEndsWithTheHourThatIsNotOver(t *testing.T) {
	t.Parallel()
	taken := by(otp.Accepted, "twilio")
	d := mustTell(t, overview(&tallied{all: []otp.Tally{texts(0, 1, taken), texts(23, 2, taken), texts(24, 4, taken), texts(47, 8, taken), texts(48, 16, taken)}}), otp.Staff{})
	if len(d.Hours) != 24 || !d.Hours[23].Equal(noon.Truncate(time.Hour)) || !d.Hours[0].Equal(noon.Truncate(time.Hour).Add(-23*time.Hour)) {
		t.Fatalf("hours %v", d.Hours)
	}
	sms := d.Channels[0]
	if sms.Channel != otp.SMS || sms.Hours[23].Sends != 1 || sms.Hours[0].Sends != 2 || sms.Total.Sends != 3 || sms.Before.Sends != 12 {
		t.Errorf("%+v", sms)
	}
	if d.Total.Sends != 3 || d.Before.Sends != 12 {
		t.Errorf("total %+v, before %+v", d.Total, d.Before)
	}
}

func TestADayIsComparedWithAsMuchOfTheDayBefore(t *testing.T) {
	t.Parallel()
	taken := by(otp.Accepted, "twilio")
	var all []otp.Tally
	for h := range 48 {
		all = append(all, texts(h, 100, taken))
	}
	all[0] = texts(0, 25, taken) // a quarter of the hour has passed
	d := mustTell(t, overview(&tallied{all: all}), otp.Staff{})
	if growth, ok := d.Growth(); !ok || math.Abs(growth) > 1e-9 {
		t.Errorf("growth %g, %t; want none", growth, ok)
	}
	if growth, ok := mustTell(t, overview(&tallied{all: all[:24]}), otp.Staff{}).Growth(); ok {
		t.Errorf("growth %g on nothing", growth)
	}
}

func TestWhatBecameOfSendsIsToldByChannel(t *testing.T) {
	t.Parallel()
	text := otp.Tally{
		Hour: noon.Truncate(time.Hour), Namespace: otp.PhoneAuth, Channel: otp.SMS, Opened: 20, Approved: 15, Resent: 4,
		Refused: map[string]int{"twilio": 2},
		Stand: map[otp.Standpoint]int{
			by(otp.Accepted, "twilio"): 3, by(otp.Delivered, "twilio"): 9, by(otp.Undelivered, "twilio"): 2, by(otp.Unknown, "twilio"): 1,
			by(otp.Failed, "twilio"): 1, by(otp.SendSuperseded, ""): 5, by(otp.SendSuppressed, ""): 1,
		},
	}
	mail := text
	mail.Channel, mail.Opened, mail.Approved, mail.Resent, mail.Refused = otp.Email, 2, 2, 0, nil
	mail.Stand = map[otp.Standpoint]int{by(otp.Accepted, "relay"): 2}
	d := mustTell(t, overview(&tallied{all: []otp.Tally{text, mail}}), otp.Staff{})
	sms, email := d.Channels[0].Total, d.Channels[1].Total
	sms.Delays, email.Delays = nil, nil
	if want := (support.Sums{Opened: 20, Approved: 15, Sends: 24, Delivered: 9, Unconfirmed: 4, Lost: 3, Unsent: 6}); !equal(sms, want) || sms.Waiting() != 2 {
		t.Errorf("texts: %+v, %d waiting", sms, sms.Waiting())
	}
	if want := (support.Sums{Opened: 2, Approved: 2, Sends: 2, Delivered: 2}); !equal(email, want) || email.Waiting() != 0 {
		t.Errorf("mails: %+v", email)
	}
	if c, ok := d.Total.Conversion(); !ok || math.Abs(c-17./22) > 1e-9 {
		t.Errorf("conversion %g, %t", c, ok)
	}
	if want := (support.Deeds{Took: 14, Delivered: 9, GaveUp: 2, Refused: 2}); d.Accounts[0].Deeds != want || d.Accounts[0].Paused != time.Minute {
		t.Errorf("twilio: %+v", d.Accounts[0])
	}
}

func equal(a, b support.Sums) bool {
	return a.Opened == b.Opened && a.Approved == b.Approved && a.Sends == b.Sends && a.Delivered == b.Delivered &&
		a.Unconfirmed == b.Unconfirmed && a.Lost == b.Lost && a.Unsent == b.Unsent
}

func TestAPersonSeesTheNumbersOfTheirNamespacesOnly(t *testing.T) {
	t.Parallel()
	mine, theirs := texts(1, 3, by(otp.Delivered, "twilio")), texts(1, 40, by(otp.Delivered, "twilio"))
	mine.Namespace, theirs.Refused = otp.AddPhone, map[string]int{"twilio": 7}
	before := theirs
	before.Hour = before.Hour.Add(-24 * time.Hour)
	o := overview(&tallied{all: []otp.Tally{mine, theirs, before}})
	for range 2 { // also what was read for somebody else
		if d := mustTell(t, o, otp.Staff{}); d.Total.Sends != 43 {
			t.Errorf("all: %+v", d.Total)
		}
		d := mustTell(t, o, otp.Staff{Namespaces: []otp.Namespace{otp.AddPhone}})
		if d.Total.Sends != 3 || d.Before.Sends != 0 || d.Channels[0].Total.Sends != 3 || d.Accounts[0].Took != 3 || d.Accounts[0].Refused != 0 {
			t.Errorf("mine: %+v, %+v", d.Total, d.Accounts[0])
		}
	}
}

func TestManyWhoLookAtOnceReadTheTalliesOnce(t *testing.T) {
	t.Parallel()
	s := &tallied{}
	o := overview(s)
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() { mustTell(t, o, otp.Staff{}) })
	}
	all.Wait()
	if s.reads != 1 {
		t.Errorf("%d reads", s.reads)
	}
	o.Now = func() time.Time { return noon.Add(5 * time.Second) }
	mustTell(t, o, otp.Staff{})
	if s.reads != 2 {
		t.Errorf("%d reads, the last some seconds later", s.reads)
	}
}

func TestAQueueThatIsAwayHidesNothingElse(t *testing.T) {
	t.Parallel()
	d := mustTell(t, overview(&tallied{}), otp.Staff{})
	if q := d.Queues[0]; !q.Known || q.Waiting != 3 || q.Oldest != 2*time.Second {
		t.Errorf("%+v", q)
	}
	if q := d.Queues[1]; q.Known || q.Channel != otp.Email {
		t.Errorf("%+v", q)
	}
}

func TestWithoutTalliesThereIsNoOverview(t *testing.T) {
	t.Parallel()
	o := overview(&tallied{err: otp.ErrStoreUnavailable})
	for range 2 {
		if _, err := o.Of(t.Context(), otp.Staff{}); !errors.Is(err, otp.ErrStoreUnavailable) {
			t.Fatal(err)
		}
	}
}
