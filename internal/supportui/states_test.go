package supportui_test

import (
	"regexp"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/address"
	"github.com/otpipe/otpipe/internal/otp"
)

// begin has a worker begin a hand-over of which no more is heard.
func (r *rig) begin(o otp.Order, provider string) {
	r.t.Helper()
	c, ok, err := r.store.Claim(r.t.Context(), o, "w")
	if err != nil || !ok {
		r.t.Fatalf("claim: %t, %v", ok, err)
	}
	_, err = r.store.Begin(r.t.Context(), c, len(c.Attempts)+1, provider)
	r.must(err)
}

// refuse has a provider say no in passing.
func (r *rig) refuse(o otp.Order, provider, reason string) {
	r.t.Helper()
	r.handOver(o, provider, otp.Outcome{State: otp.Failed, Class: otp.FaultProvider, Reason: reason})
	r.pass(time.Second)
}

// silence has a provider say nothing.
func (r *rig) silence(o otp.Order, provider string) {
	r.t.Helper()
	r.handOver(o, provider, otp.Outcome{State: otp.Unknown, Class: otp.FaultUnknown, Reason: "timeout"})
	r.pass(13 * time.Second)
}

// rest puts a send down that nobody may be given.
func (r *rig) rest(o otp.Order, reason string) {
	r.t.Helper()
	c, ok, err := r.store.Claim(r.t.Context(), o, "w")
	if err != nil || !ok {
		r.t.Fatalf("claim: %t, %v", ok, err)
	}
	_, _, err = r.store.Rest(r.t.Context(), c, time.Second, reason)
	r.must(err)
	r.pass(time.Second)
}

// expire has the code run out and the watch see it.
func (r *rig) expire(o otp.Order) {
	r.t.Helper()
	r.pass(16 * time.Minute)
	_, err := r.store.Settle(r.t.Context(), o.ID)
	r.must(err)
}

func (r *rig) unlock() {
	r.t.Helper()
	to, err := address.Parse(otp.SMS, phone)
	r.must(err)
	_, err = r.store.Unlock(r.t.Context(), r.keys.Owner(otp.PhoneAuth, to, "", 16), "oskar", "ticket")
	r.must(err)
}

// again is a resend, by the limits.
func (r *rig) again(a asked) otp.Order {
	r.t.Helper()
	r.pass(time.Minute)
	return r.start(a)
}

const (
	checkNumber = "Check the number with the person; if it is right, offer e-mail or another number."
	newCode     = "Ask the person to request a new code."
	operators   = "Tell an operator: the overview shows the providers. "
)

// Each of these was told wrongly once, or of no help.
func TestNoStateIsToldWrongly(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		asked      asked
		life       func(r *rig, o otp.Order)
		what, next string // patterns
	}{
		"a worker has died in the middle": {
			life: func(r *rig, o otp.Order) { r.begin(o, "twilio"); r.pass(40 * time.Second) },
			what: `^The worker that was handing it to twilio has not been heard of for 40 s\.$`, next: "Another worker takes it over by itself.",
		},
		"an answer did not come, and it goes on": {
			life: func(r *rig, o otp.Order) { r.silence(o, "smsc") },
			what: `^Nobody knows whether smsc has the message\. It is tried once more`, next: `^Wait half a minute\.$`,
		},
		"two answers did not come": {
			life: func(r *rig, o otp.Order) { r.silence(o, "smsc"); r.silence(o, "twilio") },
			what: `^Nobody can say whether it arrived: the provider did not answer in time\.$`, next: `^Ask the person whether a message came; if none did, send again\.$`,
		},
		"two answers did not come, and it is over": {
			life: func(r *rig, o otp.Order) { r.silence(o, "smsc"); r.silence(o, "twilio"); r.expire(o) },
			what: `^Nobody can say whether it arrived`, next: `; if none did, ask the person to request a new code\.$`,
		},
		"refused once": {
			life: func(r *rig, o otp.Order) { r.refuse(o, "twilio", "http_503") },
			what: `^twilio did not deliver it: the provider is not available at the moment\. It is tried again, elsewhere if possible\.$`, next: `^Wait half a minute\.$`,
		},
		"refused for a while": {
			life: func(r *rig, o otp.Order) {
				for range 3 {
					r.refuse(o, "twilio", "http_503")
					r.pass(15 * time.Second)
				}
			},
			what: `^Tried 3 times in 4\d s\. twilio did not deliver it`, next: "^" + operators,
		},
		"refused to the end": {
			life: func(r *rig, o otp.Order) { r.refuse(o, "twilio", "http_503"); r.expire(o) },
			what: `^twilio refused it: the provider is not available at the moment\.$`, next: "^" + operators + "Then ask the person to request a new code",
		},
		"refused when it expired a moment ago": {
			life: func(r *rig, o otp.Order) { r.refuse(o, "twilio", "http_503"); r.pass(6 * time.Minute) },
			what: `^It was still not sent when it expired at \d\d:\d\d UTC: twilio did not deliver it, as the provider is not available`, next: newCode + "$",
		},
		"held up, and a code was guessed": {
			life: func(r *rig, o otp.Order) { r.rest(o, "no_provider_open"); r.pass(40 * time.Second); r.guess("111111") },
			what: `^Not sent yet: every provider is drained, paused, busy or failing\..* 1 wrong code so far`, next: "^Tell an operator if this lasts",
		},
		"no message can be written": {
			life: func(r *rig, o otp.Order) { r.rest(o, "template") },
			what: `^Not sent yet: its message could not be written`, next: "^Tell an operator: this does not mend itself",
		},
		"no message could be written": {
			life: func(r *rig, o otp.Order) { r.rest(o, "template"); r.expire(o) },
			what: `^It could not be sent: its message could not be written\.$`, next: "^Tell an operator: the fault is on our side",
		},
		"one gave it up and another refused it": {
			life: func(r *rig, o otp.Order) {
				r.accept(o)
				r.receive(o, otp.Undelivered, "twilio_30008")
				r.refuse(o, "smsc", "http_503")
				r.expire(o)
			},
			what: `^twilio took it and could not deliver it: the carrier gave the text up and did not say why\.$`, next: "request a new code",
		},
		"it is our own fault": {
			life: func(r *rig, o otp.Order) {
				r.accept(o)
				r.pass(4*time.Minute + 50*time.Second)
				r.receive(o, otp.Undelivered, "twilio_30034")
			},
			what: `is not registered for texts to this country\.$`, next: "^Tell an operator: the fault is on our side",
		},
		"the person has opted out": {
			life: func(r *rig, o otp.Order) {
				r.handOver(o, "twilio", otp.Outcome{State: otp.Failed, Class: otp.FaultRecipient, Reason: "twilio_21610"})
			},
			what: `^twilio refused it: the person has replied STOP to our texts and must text START to get them again\.$`, next: "^" + checkNumber + "$",
		},
		"the carrier has it": {
			life: func(r *rig, o otp.Order) { r.accept(o); r.receive(o, otp.Sent, ""); r.pass(40 * time.Second) },
			what: `^Handed to the carrier 40 s ago, not yet confirmed\.`, next: `^Ask the person to wait two minutes\.$`,
		},
		"there is no time to wait two minutes": {
			life: func(r *rig, o otp.Order) { r.pass(4 * time.Minute); r.accept(o) },
			what: `^Taken by twilio a moment ago, not yet confirmed\. The code is valid for another 59 s\.$`, next: "request a new code if none has come when this one runs out",
		},
		"too late to be sent": {
			life: func(r *rig, o otp.Order) {
				r.pass(4*time.Minute + 50*time.Second)
				_, _, err := r.store.Claim(r.t.Context(), o, "w")
				r.must(err)
			},
			what: `^Nobody took it before the code ran out\.$`, next: newCode + "$",
		},
		"there are no sends left": {
			asked: asked{free: true},
			life: func(r *rig, o otp.Order) {
				for range 4 {
					o = r.start(asked{free: true})
				}
				r.accept(o)
				r.pass(150 * time.Second)
			},
			what: `never confirmed`, next: `, then ask the person to request a new code after \d\d:\d\d UTC, as this one has had all of its sends\.$`,
		},
		"one arrived before": {
			life: func(r *rig, o otp.Order) {
				r.accept(o)
				r.receive(o, otp.Delivered, "")
				r.fail(r.again(asked{}))
			},
			what: `^twilio refused it: .* An earlier message was delivered at \d\d:\d\d UTC\.$`, next: "^Ask the person to look for that one, its code may be good. Check the number",
		},
		"the other address has its limits": {
			asked: asked{others: true},
			life: func(r *rig, o otp.Order) {
				r.fail(o)
				c, ok, err := r.store.Claim(r.t.Context(), o, "w")
				if err != nil || !ok {
					r.t.Fatal(ok, err)
				}
				to, err := address.Parse(otp.Email, mailbox)
				r.must(err)
				_, _, _, err = r.store.Turn(r.t.Context(), c, r.keys.Owner(otp.PhoneAuth, to, "", 16), "cooldown")
				r.must(err)
			},
			what: `exists\. It did not go to another address: that address got a code a moment ago\.$`, next: "^" + checkNumber,
		},
		"a suppression has been cleared": {
			life: func(r *rig, o otp.Order) {
				r.fail(o)
				o = r.again(asked{})
				r.enter(operator)
				r.done(o, "unsuppress?channel=sms")
			},
			what: `told us before\. Its suppression has been cleared since\.$`, next: `^Send again\.$`,
		},
		"unlocked": {
			life: func(r *rig, o otp.Order) { r.accept(o); r.lock(); r.unlock() },
			what: `^Locked after 5 wrong codes; unlocked by oskar at \d\d:\d\d UTC\.$`, next: "^" + newCode + "$",
		},
		"unlocked before it was locked": {
			life: func(r *rig, o otp.Order) { r.accept(o); r.unlock(); r.lock() },
			what: `^Locked after 5 wrong codes until`, next: "^Ask the person to wait",
		},
		"locked by guesses at two codes": {
			life: func(r *rig, o otp.Order) {
				for range 3 {
					r.guess("999999")
				}
				r.must(r.store.Cancel(r.t.Context(), o.ID))
				r.again(asked{})
				r.guess("999999")
				r.guess("999999")
			},
			what: `^Locked after 2 wrong codes here, on top of those for earlier codes until`, next: "^Ask the person to wait",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			o := r.start(c.asked)
			c.life(r, o)
			what, next := r.verdict(r.newest(o))
			if !regexp.MustCompile(c.what).MatchString(what) {
				t.Errorf("what: %q", what)
			}
			if !regexp.MustCompile(c.next).MatchString(next) {
				t.Errorf("next: %q", next)
			}
		})
	}
}

// What stands against the advice may be of another verification's making.
func TestTheAdviceIsOneThatCanBeTaken(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		asked      asked
		life       func(r *rig)
		what, next string // patterns, of the first verification
	}{
		"replaced": {
			life: func(r *rig) {
				for range 3 { // as long as the code can be kept alive
					r.pass(3*time.Minute + 55*time.Second)
					r.start(asked{})
				}
				r.pass(2 * time.Minute)
				r.start(asked{})
			},
			what: `^A later request took its place before it was sent\.$`, next: `^Look at the recipient's newer verification\.$`,
		},
		"locked by now": {
			life: func(r *rig) { r.pass(6 * time.Minute); r.start(asked{}); r.lock() },
			what: `^It was still not sent`, next: newCode + ` But they are locked until \d\d:\d\d UTC and get no code before, unless an operator unlocks\.$`,
		},
		"all codes of the day are used up": {
			life: func(r *rig) {
				for range 9 {
					r.pass(6 * time.Minute)
					r.start(asked{})
				}
			},
			what: `^It was still not sent`, next: newCode + ` But they have had all of their codes for today and get another after \d\d:\d\d UTC\.$`,
		},
		"all codes of all namespaces are used up": {
			life: func(r *rig) {
				for _, ns := range []otp.Namespace{otp.AddPhone, otp.VerifyPhone} {
					for range 10 {
						r.pass(6 * time.Minute)
						_, err := r.tryStart(asked{ns: ns})
						if err != nil {
							break
						}
					}
				}
			},
			what: `^It was still not sent`, next: `all of their codes for today`,
		},
		"suppressed since": {
			life: func(r *rig) { r.pass(6 * time.Minute); r.fail(r.start(asked{})) },
			what: `^It was still not sent`, next: newCode + ` No texts go there before the suppression is cleared\.$`,
		},
		"nothing stands against it": {
			life: func(r *rig) { r.pass(6 * time.Minute) },
			what: `^It was still not sent`, next: newCode + "$",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			o := r.start(c.asked)
			c.life(r)
			what, next := r.verdict(o)
			if !regexp.MustCompile(c.what).MatchString(what) {
				t.Errorf("what: %q", what)
			}
			if !regexp.MustCompile(c.next).MatchString(next) {
				t.Errorf("next: %q", next)
			}
		})
	}
}
