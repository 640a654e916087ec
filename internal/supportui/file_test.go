package supportui_test

import (
	"html"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

var verdictForm = regexp.MustCompile(`(?s)<h1 id="what"[^>]*>(.*?)</h1>(?:\s*<p class="next"><b>Next:</b> (.*?)</p>)?`)

// verdict is the sentence on a verification's page, and what to do next.
func (r *rig) verdict(o otp.Order) (what, next string) {
	r.t.Helper()
	m := verdictForm.FindStringSubmatch(r.page(path(o)))
	if m == nil {
		r.t.Fatal("no verdict")
	}
	return html.UnescapeString(m[1]), html.UnescapeString(m[2])
}

func TestThePageSaysWhatHappenedAndWhatToDo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		asked asked
		life  func(r *rig, o otp.Order)
		what  string // a pattern
		next  string
	}{
		"just asked for": {life: func(*rig, otp.Order) {}, what: `^Asked for a moment ago`, next: "Wait a few seconds."},
		"no worker":      {life: func(r *rig, _ otp.Order) { r.pass(40 * time.Second) }, what: `^Waiting for a worker for 40 s\.$`, next: "Tell an operator: workers are stopped or far behind."},
		"being sent": {life: func(r *rig, o otp.Order) {
			c, _, err := r.store.Claim(r.t.Context(), o, "w")
			r.must(err)
			_, err = r.store.Begin(r.t.Context(), c, 1, "twilio")
			r.must(err)
		}, what: `^Being handed to twilio right now\.$`, next: "Wait a few seconds."},
		"accepted":   {life: func(r *rig, o otp.Order) { r.accept(o); r.pass(40 * time.Second) }, what: `^Taken by twilio 40 s ago, not yet confirmed\. The code is valid for another 4 min\.$`, next: "Ask the person to wait two minutes."},
		"no receipt": {life: func(r *rig, o otp.Order) { r.accept(o); r.pass(3 * time.Minute) }, what: `^Taken by twilio 3 min ago and never confirmed`, next: "Ask whether the phone has signal and the number is right, then send again."},
		"delivered": {life: func(r *rig, o otp.Order) {
			r.accept(o)
			r.receive(o, otp.Delivered, "")
			r.guess("111111")
		}, what: `^Delivered a moment ago\..* 1 wrong code so far, of 5 that are allowed\.$`, next: "Ask the person to type the code of the newest message."},
		"bad number":    {life: func(r *rig, o otp.Order) { r.fail(o) }, what: `^twilio refused it: this is not a phone number that exists\.$`, next: "Check the number with the person; if it is right, offer e-mail or another number. No texts go there before the suppression is cleared."},
		"suppressed":    {life: func(r *rig, o otp.Order) { r.fail(o); r.pass(time.Minute); r.start(asked{}) }, what: `^Nothing was sent: this address takes no texts`, next: "If the person says it does, clear the suppression and send again. Check the number with the person; if it is right, offer e-mail or another number."},
		"other address": {asked: asked{others: true}, life: func(r *rig, o otp.Order) { r.fail(o) }, what: `^twilio did not deliver it: this is not a phone number that exists\. It goes to the other address that the product named\.$`, next: "Wait half a minute."},
		"approved":      {life: func(r *rig, o otp.Order) { r.accept(o); r.guess(code) }, what: `^The right code was typed at \d\d:\d\d UTC\.$`, next: "Nothing. If the person still cannot get in, the cause lies in the product."},
		"locked":        {life: func(r *rig, o otp.Order) { r.accept(o); r.lock() }, what: `^Locked after 5 wrong codes until \d\d:\d\d UTC, another 1[45] min\.$`, next: "Ask the person to wait. Unlock only if you know who they are: somebody guessed."},
		"lock over":     {life: func(r *rig, o otp.Order) { r.accept(o); r.lock(); r.pass(16 * time.Minute) }, what: `^Locked after 5 wrong codes; the lock ended at`, next: "Ask the person to request a new code."},
		"canceled":      {life: func(r *rig, o otp.Order) { r.must(r.store.Cancel(r.t.Context(), o.ID)) }, what: `^Canceled by the product at`, next: "Ask the person to request a new code if they still need one."},
		"canceled by us": {life: func(r *rig, o otp.Order) {
			r.must(r.store.CancelFor(r.t.Context(), o.ID, otp.Act{Actor: "oskar", Reason: "x"}))
		}, what: `^Canceled by oskar of the support staff at`, next: "Ask the person to request a new code if they still need one."},
		"expired":              {life: func(r *rig, o otp.Order) { r.accept(o); r.receive(o, otp.Delivered, ""); r.pass(6 * time.Minute) }, what: `^Delivered\. No code was typed before it expired at`, next: "Ask the person to request a new code."},
		"expired, wrong codes": {life: func(r *rig, o otp.Order) { r.accept(o); r.guess("111111"); r.guess("222222"); r.pass(6 * time.Minute) }, what: `^Taken by twilio, and never confirmed\. 2 wrong codes and no right one were typed before it expired`, next: "Ask the person to request a new code."},
		"expired in the queue": {life: func(r *rig, _ otp.Order) { r.pass(6 * time.Minute) }, what: `^It was still not sent when it expired at`, next: "Tell an operator: the overview shows providers and workers. Ask the person to request a new code."},
		"given up by the carrier": {life: func(r *rig, o otp.Order) {
			r.accept(o)
			r.pass(4*time.Minute + 50*time.Second)
			r.receive(o, otp.Undelivered, "twilio_30003")
		}, what: `^twilio took it and could not deliver it: the phone is switched off or out of reach\.$`, next: "Ask whether the phone has signal and the number is right, then send again. If that fails too, offer e-mail or another number."},
		"nobody open": {life: func(r *rig, o otp.Order) {
			c, _, err := r.store.Claim(r.t.Context(), o, "w")
			r.must(err)
			_, _, err = r.store.Rest(r.t.Context(), c, time.Second, "no_provider_open")
			r.must(err)
		}, what: `^Not sent yet: every provider is drained, paused, busy or failing\. It is tried again`, next: "Tell an operator if this lasts; the overview shows the providers."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			o := r.start(c.asked)
			c.life(r, o)
			newest := r.newest(o)
			what, next := r.verdict(newest)
			if !regexp.MustCompile(c.what).MatchString(what) {
				t.Errorf("what: %q", what)
			}
			if next != c.next {
				t.Errorf("next: %q", next)
			}
		})
	}
}

// newest is the recipient's newest verification, which may be another by now.
func (r *rig) newest(o otp.Order) otp.Order {
	r.t.Helper()
	at := r.post("/search", map[string][]string{"q": {phone}}).header.Get("Location")
	m := regexp.MustCompile(`/verifications/(VE[0-9a-f]{32})`).FindStringSubmatch(r.page(at))
	if m == nil {
		return o
	}
	return otp.Order{ID: otp.ID(m[1])}
}

var momentForm = regexp.MustCompile(`<p><b>(.*?)</b>`)

func TestTheTimeLineTellsALifeInOrder(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	o := r.start(asked{others: true})
	r.handOver(o, "smsc", otp.Outcome{State: otp.Failed, Class: otp.FaultProvider, Reason: "twilio_500"})
	r.pass(time.Second)
	c, ok, err := r.store.Claim(t.Context(), o, "w")
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	_, err = r.store.Begin(t.Context(), c, 2, "twilio")
	r.must(err)
	r.pass(230 * time.Millisecond)
	_, err = r.store.Finish(t.Context(), otp.Outcome{Order: o, Attempt: 2, Channel: otp.SMS, State: otp.Accepted, Ref: "SM1"})
	r.must(err)
	_, err = r.store.Receive(t.Context(), otp.Receipt{Order: o, Attempt: 2, Provider: "twilio", Ref: "SM1", State: otp.Delivered})
	r.must(err)
	r.guess("111111")
	r.guess(code)

	body := html.UnescapeString(r.page(path(o)))
	var titles []string
	for _, m := range momentForm.FindAllStringSubmatch(body, -1) {
		titles = append(titles, html.UnescapeString(m[1]))
	}
	want := "Asked for, by text message|Refused by smsc|Taken by twilio|Delivered, says twilio|A wrong code was typed, 1 of 5|The right code was typed"
	if got := strings.Join(titles, "|"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for _, text := range []string{"in 23", "SM1", "twilio_500", phoneMask, "phone-auth"} {
		if !strings.Contains(body, text) {
			t.Errorf("no %q", text)
		}
	}
}

func TestASummaryIsPlainTextForTheTicket(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	o := r.start(asked{})
	r.fail(o)
	a := r.get(path(o) + "/summary.txt")
	if a.status != 200 || a.header.Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Fatalf("%d %s", a.status, a.header)
	}
	for _, text := range []string{string(o.ID), phoneMask, "Next: Check the number", "Refused by twilio (12", "This is not a phone number that exists."} {
		if !strings.Contains(a.body, text) {
			t.Errorf("no %q in\n%s", text, a.body)
		}
	}
}
