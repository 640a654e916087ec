package deliver_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/otpipe/otpipe/internal/deliver"
	"github.com/otpipe/otpipe/internal/otp"
)

// fork makes a rig whose texts go by sms and whose mails go by mail.
func fork(t *testing.T, sms, mail *provider) *rig {
	t.Helper()
	r := newRig(t, sms, mail)
	r.courier.Routes.Default = map[otp.Channel][]string{otp.SMS: {sms.name}, otp.Email: {mail.name}}
	return r
}

// either stages a text whose code may go by mail too.
func (r *rig) either() otp.Order {
	r.t.Helper()
	return r.startIn(phone(number), 16, email()).Order
}

// turned delivers an order, and then the one that it was turned into.
func (r *rig) turned(o otp.Order) otp.Order {
	r.t.Helper()
	r.done(o)
	r.bell.mu.Lock()
	rang := r.bell.rang
	r.bell.mu.Unlock()
	if len(rang) != 1 || rang[0].Order != (otp.Order{ID: o.ID, Send: o.Send + 1}) || rang[0].Channel != otp.Email {
		r.t.Fatalf("rang for %v", rang)
	}
	r.done(rang[0].Order)
	return rang[0].Order
}

// reached wants the code at the mailbox, and the same one.
func (r *rig) reached(mail *provider, o otp.Order) {
	r.t.Helper()
	mail.given(r.t, 1)
	m := mail.got[0].message
	if m.To.Reveal() != mailbox || !strings.Contains(m.Text, digits) || m.Subject == "" {
		r.t.Errorf("%s to %s", m, m.To)
	}
	s := r.history(o).Sends[o.Send-1]
	if s.Channel != otp.Email || s.Masked != "a•••" {
		r.t.Errorf("%+v", s)
	}
}

func TestARouteThatIsSpentHasTheCodeGoToTheOtherAddress(t *testing.T) {
	for name, c := range map[string]struct {
		sms  answer
		want otp.State
	}{
		"nobody takes it":           {refuses(otp.FaultProvider), otp.Failed},
		"the recipient is at fault": {refuses(otp.FaultRecipient), otp.Failed},
		"our own fault":             {refuses(otp.FaultUs), otp.Failed},
	} {
		t.Run(name, func(t *testing.T) {
			sms, mail := vendor("sms", c.sms), vendor("mail", takes(otp.Sent))
			r := fork(t, sms, mail)
			o := r.either()
			next := r.turned(o)
			r.reached(mail, next)
			r.wrote(o, c.want, "sms failed")
			r.wrote(next, otp.Sent, "mail sent")
			for range 3 { // and that is all
				r.pass(20 * time.Second)
				r.done(o)
				r.done(next)
			}
			sms.given(t, 1)
			mail.given(t, 1)
		})
	}
}

func TestWithoutAProviderThatIsOpenTheCodeGoesToTheOtherAddress(t *testing.T) {
	sms, mail := vendor("sms", takes(otp.Accepted)), vendor("mail", takes(otp.Sent))
	r := fork(t, sms, mail)
	if err := r.store.Drain(t.Context(), "sms", "ops", "maintenance"); err != nil {
		t.Fatal(err)
	}
	r.news()
	o := r.either()
	r.reached(mail, r.turned(o))
	r.wrote(o, otp.Failed)
	if reason := r.reason(o, 0); reason != "no_provider_open" {
		t.Errorf("reason %q", reason)
	}
}

func TestTwoAnswersThatNeverCameHaveTheCodeGoToTheOtherAddress(t *testing.T) {
	sms, mail := vendor("sms", refuses(otp.FaultUnknown)), vendor("mail", takes(otp.Sent))
	r := fork(t, sms, mail)
	o := r.either()
	r.again(o, 4*time.Second)
	r.pass(4 * time.Second)
	r.reached(mail, r.turned(o))
	r.wrote(o, otp.Unknown, "sms unknown", "sms unknown")
}

func TestASuppressedRecipientsCodeGoesToTheOtherAddress(t *testing.T) {
	gone := func(context.Context, otp.Message) (otp.Acceptance, error) {
		return otp.Acceptance{}, &otp.Fault{Class: otp.FaultRecipient, Provider: "sms", Code: "opted_out", Permanent: true}
	}
	sms, mail := vendor("sms", gone), vendor("mail", takes(otp.Sent))
	r := fork(t, sms, mail)
	r.done(r.sms())
	r.pass(2 * time.Minute)
	o := r.either()
	r.reached(mail, r.turned(o))
	sms.given(t, 1)
	r.wrote(o, otp.SendSuppressed)
}

func TestATextWithoutAReceiptGoesToTheOtherAddressInTime(t *testing.T) {
	for name, c := range map[string]struct {
		receipt otp.State
		turns   bool
	}{"no receipt": {"", true}, "sent only": {otp.Sent, true}, "delivered": {otp.Delivered, false}} {
		t.Run(name, func(t *testing.T) {
			sms, mail := vendor("sms", takes(otp.Accepted)), vendor("mail", takes(otp.Sent))
			r := fork(t, sms, mail)
			o := r.either()
			r.done(o)
			if c.receipt != "" {
				r.report(otp.Receipt{Order: o, Attempt: 1, Provider: "sms", Ref: "ref-1", State: c.receipt})
			}
			r.pass(29 * time.Second)
			r.done(o)
			mail.given(t)
			r.pass(2 * time.Second)
			if !c.turns {
				r.done(o)
				mail.given(t)
				return
			}
			dues, err := r.store.Due(t.Context(), o.ID.Partition(), 10)
			if err != nil || len(dues) != 1 || dues[0].Order != o {
				t.Fatal(dues, err)
			}
			r.reached(mail, r.turned(o))
			r.report(otp.Receipt{Order: o, Attempt: 1, Provider: "sms", Ref: "ref-1", State: otp.Delivered})
			r.wrote(o, otp.Delivered, "sms delivered") // late: both have it
			sms.given(t, 1)
		})
	}
}

func TestWhatTheLastProviderGaveUpGoesToTheOtherAddress(t *testing.T) {
	for _, class := range []otp.Class{otp.FaultProvider, otp.FaultRecipient} {
		t.Run(string(class), func(t *testing.T) {
			sms, mail := vendor("sms", takes(otp.Accepted)), vendor("mail", takes(otp.Sent))
			r := fork(t, sms, mail)
			o := r.either()
			r.done(o)
			rc := gaveUp(o, "sms", 1, otp.Undelivered)
			rc.Class = class
			if rang := r.report(rc); len(rang) != 1 {
				t.Fatal(rang)
			}
			r.reached(mail, r.turned(o))
			r.wrote(o, otp.Undelivered, "sms undelivered")
			sms.given(t, 1)
		})
	}
}

func TestTheOtherAddressHasLimitsOfItsOwn(t *testing.T) {
	sms, mail := vendor("sms", refuses(otp.FaultProvider)), vendor("mail", takes(otp.Sent))
	r := fork(t, sms, mail)
	r.start(email()) // its cooldown runs
	o := r.either()
	r.again(o, time.Second) // as without another address
	mail.given(t)
	r.wrote(o, otp.Queued, "sms failed")
	r.pass(time.Second)
	r.again(o, 2*time.Second)
	var said []string
	for _, s := range r.history(o).Steps {
		if s.State == "fallback_refused" {
			said = append(said, s.Reason)
		}
	}
	if d := cmp.Diff([]string{"cooldown"}, said); d != "" {
		t.Error(d)
	}
	if n := len(r.history(o).Sends); n != 1 {
		t.Errorf("%d sends", n)
	}
}

func TestOfTwoOtherAddressesTheSecondIsUsedIfTheFirstMayNot(t *testing.T) {
	sms, mail := vendor("sms", refuses(otp.FaultProvider)), vendor("mail", takes(otp.Sent))
	r := fork(t, sms, mail)
	busy := otp.NewRecipient(otp.Email, "eva@example.com", "eva@example.com", "e•••")
	r.start(busy)
	o := r.startIn(phone(number), 16, busy, email()).Order
	r.reached(mail, r.turned(o))
}

func TestTheOtherAddressIsChargedOnceThoughItsWorkerDies(t *testing.T) {
	sms, mail := vendor("sms", refuses(otp.FaultProvider)), vendor("mail", takes(otp.Sent))
	r := fork(t, sms, mail)
	o := r.either()
	r.courier.Sends = &dying{r.store}
	if err := r.courier.Deliver(t.Context(), o); err == nil {
		t.Fatal("it did not die")
	}
	mail.given(t)
	r.courier.Sends = r.store
	r.pass(13 * time.Second)
	r.reached(mail, r.turned(o))
	r.pass(2 * time.Minute)
	if left := r.start(email()).DailyLeft; left != 8 {
		t.Errorf("%d of the day left", left)
	}
}

// dying is a worker's store that is gone after the other address was admitted.
type dying struct{ deliver.Sends }

func (dying) Turn(context.Context, otp.Claim, otp.Owner, string) (*otp.Due, *otp.Fallback, otp.State, error) {
	return nil, nil, "", otp.ErrStoreUnavailable
}

func TestAResendTakesBackTheOtherAddress(t *testing.T) {
	sms, mail := vendor("sms", takes(otp.Accepted)), vendor("mail", takes(otp.Sent))
	r := fork(t, sms, mail)
	o := r.either()
	r.done(o)
	r.pass(61 * time.Second)
	again := r.sms()
	if again.ID != o.ID {
		t.Fatal("another verification")
	}
	r.done(again)
	for range 4 {
		r.pass(40 * time.Second)
		r.done(o)
		r.done(again)
	}
	if n := len(r.history(o).Sends); n != 2 {
		t.Errorf("%d sends", n)
	}
}

func TestOfTwoSendsOnlyTheLaterGoesToTheOtherAddress(t *testing.T) {
	sms, mail := vendor("sms", takes(otp.Accepted)), vendor("mail", takes(otp.Sent))
	r := fork(t, sms, mail)
	o := r.either()
	r.done(o)
	r.pass(61 * time.Second)
	again := r.either()
	r.done(again)
	r.done(o) // without a receipt for long
	if n := len(r.history(o).Sends); n != 2 {
		t.Fatalf("%d sends: the earlier one was turned", n)
	}
	if s := r.history(o).Sends[0]; s.State != otp.Accepted {
		t.Fatalf("the earlier send is %s", s.State)
	}
	r.pass(31 * time.Second)
	r.done(o)
	r.turned(again)
	mail.given(t, 1)
}

func TestWhenTheCodeWasRightNothingGoesToTheOtherAddress(t *testing.T) {
	sms, mail := vendor("sms", takes(otp.Accepted)), vendor("mail", takes(otp.Sent))
	r := fork(t, sms, mail)
	o := r.either()
	r.done(o)
	if err := r.store.Cancel(t.Context(), o.ID); err != nil {
		t.Fatal(err)
	}
	r.pass(31 * time.Second)
	r.done(o)
	mail.given(t)
}

func TestAPermanentFaultOfTheOtherAddressShutsItsChannelAndNotTheFirsts(t *testing.T) {
	gone := func(context.Context, otp.Message) (otp.Acceptance, error) {
		return otp.Acceptance{}, &otp.Fault{Class: otp.FaultRecipient, Provider: "mail", Code: "smtp_550", Permanent: true}
	}
	sms, mail := vendor("sms", refuses(otp.FaultProvider)), vendor("mail", gone)
	r := fork(t, sms, mail)
	r.turned(r.either())
	r.pass(2 * time.Minute)
	if s := r.start(email()).State; s != otp.SendSuppressed {
		t.Errorf("the other address: %s", s)
	}
	if s := r.sms(); r.history(s).Sends[s.Send-1].State != otp.Queued {
		t.Errorf("the first: %s", r.history(s).Sends[s.Send-1].State)
	}
}

// A provider that has its second's hand-overs is no reason to write to somebody.
func TestAProviderThatIsOnlyBusyKeepsTheCodeAtItsAddressForAWhile(t *testing.T) {
	sms, mail := vendor("sms", takes(otp.Accepted)), vendor("mail", takes(otp.Sent))
	r := fork(t, sms, mail)
	r.courier.Gate.Limits["sms"] = deliver.Limit{PerSecond: 0.001}
	r.done(r.start(phone("+4915112345679")).Order) // has it for a long time
	o := r.either()
	for range 3 {
		r.again(o, 15*time.Second)
		mail.given(t)
		r.pass(time.Second)
	}
	r.reached(mail, r.turned(o))
}

// TestATextToTheOtherAddressIsPaidFromTheSameBudget starts by mail, and has the day's
// budget for texts used up by one.
func TestATextToTheOtherAddressIsPaidFromTheSameBudget(t *testing.T) {
	for name, set := range map[string]func(*rig){
		otp.DailySpend: func(r *rig) {
			p := otp.DefaultPolicy()
			p.DailySpend = map[string]otp.Money{"DE": 100}
			r.courier.Policies = map[otp.Namespace]otp.Policy{otp.ForgotPassword: p}
			r.courier.Prices = otp.Prices{"DE": 60}
		},
		"range": func(r *rig) {
			r.courier.Rates = []otp.Rate{
				{Name: "range", By: []otp.Dimension{otp.ByPrefix}, Digits: 5, Max: 1, Interval: time.Hour},
				{Name: "all", By: []otp.Dimension{otp.ByNamespace}, Max: 0, Interval: time.Hour}, // of starts, and this is none
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			sms, mail := vendor("sms", takes(otp.Accepted)), vendor("mail", refuses(otp.FaultRecipient))
			r := fork(t, sms, mail)
			set(r)
			for i := range 2 {
				from := otp.NewRecipient(otp.Email, fmt.Sprintf("a%d@example.com", i), fmt.Sprintf("a%d@example.com", i), "a•••")
				o := r.startIn(from, 16, phone(fmt.Sprintf("+491511234567%d", i))).Order
				r.done(o)
				for len(r.bell.rang) > 0 {
					next := r.bell.rang[0].Order
					r.bell.rang = r.bell.rang[1:]
					r.done(next)
				}
				sms.given(t, 1) // in all
				if i == 1 {
					steps := r.history(o).Steps
					if last := steps[slices.IndexFunc(steps, func(s otp.Step) bool { return s.State == "fallback_refused" })]; last.Reason != name {
						t.Errorf("refused for %q", last.Reason)
					}
				}
			}
		})
	}
}
