package smtpmail_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/otpipe/otpipe/internal/deliver"
	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/redisstore"
	"github.com/otpipe/otpipe/internal/redistest"
	"github.com/otpipe/otpipe/internal/smtpmail"
)

// journal is the real store that bounces are written to, with a clock of its own.
type journal struct {
	*redisstore.Store
	t     *testing.T
	keys  otp.Keys
	ahead atomic.Int64
}

func newJournal(t *testing.T) *journal {
	t.Helper()
	j := &journal{t: t, keys: returnPath(t, "a").Keys}
	j.Store = &redisstore.Store{
		Redis: redistest.Client(t), Retention: 72 * time.Hour, EventsKept: 10_000,
		Offset: func() time.Duration { return time.Duration(j.ahead.Load()) },
	}
	return j
}

func (j *journal) desk() *deliver.Desk { return &deliver.Desk{Receipts: j, Ringer: nobody{}} }

// nobody works on what is rung for.
type nobody struct{}

func (nobody) Ring(context.Context, otp.Due) {}

func (j *journal) pass(d time.Duration) { j.ahead.Add(int64(d)) }

// open asks for a code as the api does.
func (j *journal) open(address string) otp.Opened {
	j.t.Helper()
	to := otp.NewRecipient(otp.Email, address, address, "a•••")
	owner := j.keys.Owner(otp.VerifyEmail, to, "", 16)
	code, err := otp.ParseCode("481516", 6)
	if err != nil {
		j.t.Fatal(err)
	}
	letter, err := j.keys.SealLetter(owner, otp.Letter{To: to, Locale: "en"})
	if err != nil {
		j.t.Fatal(err)
	}
	opened, err := j.Start(j.t.Context(), otp.Opening{
		Owner: owner, ID: otp.NewID(owner.Partition), Policy: otp.DefaultPolicy(), Channel: otp.Email, Masked: "a•••",
		Nonce: otp.NewNonce(), Digest: j.keys.DigestOf(owner, code), Code: j.keys.SealCode(owner, code), Letter: letter,
	})
	if err != nil {
		j.t.Fatal(err)
	}
	return opened
}

// hand hands an order over as a worker does, by a provider or by a made-up one.
func (j *journal) hand(o otp.Order, address string, p *smtpmail.Provider) {
	j.t.Helper()
	c, ok, err := j.Claim(j.t.Context(), o, "worker")
	if err != nil || !ok {
		j.t.Fatalf("claim: %v, %v", ok, err)
	}
	if _, err := j.Begin(j.t.Context(), c, 1, "smtp-test"); err != nil {
		j.t.Fatal(err)
	}
	a := otp.Acceptance{Ref: "4XyZ1", State: otp.Sent}
	if p != nil {
		m := messageTo(address)
		m.Order = o
		a = mustSend(j.t, p, m)
	}
	done := otp.Outcome{Order: o, Attempt: 1, State: a.State, Ref: a.Ref}
	if _, err := j.Finish(j.t.Context(), done); err != nil {
		j.t.Fatal(err)
	}
}

// sent is an order that a made-up relay has taken.
func (j *journal) sent(address string) otp.Order {
	j.t.Helper()
	o := j.open(address).Order
	j.hand(o, address, nil)
	return o
}

// lines are what the journal says of the attempts of a send.
func (j *journal) lines(o otp.Order) (all []string) {
	j.t.Helper()
	h, err := j.Find(j.t.Context(), o.ID)
	if err != nil {
		j.t.Fatal(err)
	}
	for _, s := range h.Steps {
		if s.Send == o.Send && s.Attempt > 0 {
			all = append(all, fmt.Sprintf("%s %s %s", s.State, s.Ref, s.Reason))
		}
	}
	return append(all, string(h.Sends[o.Send-1].Status()))
}

// wrote wants these lines, and the status of the send at the end.
func (j *journal) wrote(o otp.Order, want ...string) {
	j.t.Helper()
	if diff := cmp.Diff(want, j.lines(o)); diff != "" {
		j.t.Error(diff)
	}
}

var (
	yes     = notification("Action: delivered", "Status: 2.1.5")
	expired = notification("Action: failed", "Status: 4.4.7")
)

func TestABounceIsWrittenDownOnceWithTheRelaysOwnName(t *testing.T) {
	t.Parallel()
	j := newJournal(t)
	m := openMailroom(t, j.desk(), nil)
	o := j.sent("ann@next.test")
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() { m.enter(t).bring("", m.path.Of(o, 1), gone511, 250) })
	}
	all.Wait()
	j.wrote(o, "sending  ", "sent 4XyZ1 ", "undelivered 4XyZ1 dsn_5.1.1", "undelivered")
	m.counted(t, smtpmail.BounceMoved, 1)
	m.counted(t, smtpmail.BounceStale, 99)
}

func TestBouncesInAnyOrderEndTheSame(t *testing.T) {
	t.Parallel()
	j := newJournal(t)
	m := openMailroom(t, j.desk(), nil)
	for i := range 20 {
		o := j.sent(fmt.Sprintf("ann%d@next.test", i))
		all := []string{gone511, yes, expired, notification("Action: delayed", "Status: 4.4.1"), "who knows", yes, gone511}
		rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		c := m.enter(t)
		for _, text := range all {
			c.bring("", m.path.Of(o, 1), text, 250)
		}
		lines := j.lines(o)
		if lines[len(lines)-1] != "delivered" || len(lines) > 5 || slices.Contains(lines[:2], "delivered") {
			t.Fatalf("%v", lines)
		}
	}
}

func TestABounceThatIsLateForgedOrForeignChangesNothing(t *testing.T) {
	t.Parallel()
	j := newJournal(t)
	m := openMailroom(t, j.desk(), nil)
	o := j.sent("ann@next.test")
	before := j.lines(o)
	another := otp.Order{ID: otp.NewID(o.ID.Partition()), Send: 1}
	c := m.enter(t)
	for name, to := range map[string]string{
		"of an attempt never had":      m.path.Of(o, 2),
		"of a send never had":          m.path.Of(otp.Order{ID: o.ID, Send: 2}, 1),
		"of a verification never had":  m.path.Of(another, 1),
		"of one in a partition beyond": m.path.Of(otp.Order{ID: verification, Send: 1}, 1),
	} {
		c.bring("", to, gone511, 250)
		if diff := cmp.Diff(before, j.lines(o)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	c.say("MAIL FROM:<>", 250)
	c.say("RCPT TO:<"+returnPath(t, "b").Of(o, 1)+">", 550) // the keys of somebody else
	c.say("RSET", 250)

	foreign := openMailroom(t, j.desk(), func(b *smtpmail.Bounces) {
		b.ReturnPaths = only(map[string]smtpmail.ReturnPath{"another": b.ReturnPaths()["smtp-test"]})
	})
	foreign.enter(t).bring("", m.path.Of(o, 1), gone511, 250)
	foreign.counted(t, smtpmail.BounceStale, 1)
	j.wrote(o, before...)

	c.bring("", m.path.Of(o, 1), yes, 250)
	delivered := j.lines(o)
	c.bring("", m.path.Of(o, 1), gone511, 250) // it has arrived: too late
	j.wrote(o, delivered...)

	j.pass(80 * time.Hour)
	c.bring("", m.path.Of(o, 1), gone511, 250) // forgotten
	m.counted(t, smtpmail.BounceStale, 6)
}

// A bounce days later is news about that send, and no reason to let the next one out
// any sooner.
func TestALateBounceDoesNotClearANewerCooldown(t *testing.T) {
	t.Parallel()
	j := newJournal(t)
	m := openMailroom(t, j.desk(), nil)
	first := j.sent("ann@next.test")
	j.pass(61 * time.Second)
	second := j.open("ann@next.test").Order
	m.enter(t).bring("", m.path.Of(first, 1), expired, 250)
	j.wrote(first, "sending  ", "sent 4XyZ1 ", "undelivered 4XyZ1 dsn_4.4.7", "undelivered")
	h, err := j.Find(t.Context(), second.ID)
	if err != nil || h.Newest().Refunded || h.Newest().Status() != otp.Queued {
		t.Errorf("%+v, %v", h.Newest(), err)
	}
}

// Only what is said of the mailbox itself, for good, keeps later mails from it.
func TestAMailboxIsSuppressedOnlyForWhatIsPermanent(t *testing.T) {
	t.Parallel()
	for status, want := range map[string]otp.State{
		"5.1.1": otp.SendSuppressed, "5.1.2": otp.SendSuppressed,
		"5.1.0": otp.Queued, "5.2.2": otp.Queued, "5.7.1": otp.Queued, "4.4.7": otp.Queued, "5.0.0": otp.Queued,
	} {
		j := newJournal(t)
		m := openMailroom(t, j.desk(), nil)
		o := j.sent("ann@next.test")
		m.enter(t).bring("", m.path.Of(o, 1), notification("Action: failed", "Status: "+status), 250)
		j.pass(61 * time.Second)
		if got := j.open("ann@next.test").State; got != want {
			t.Errorf("%s: the next send is %s, want %s", status, got, want)
		}
	}
}
