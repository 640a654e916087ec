package supportui_test

import (
	"errors"
	"html"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/redisstore"
	"github.com/otpipe/otpipe/internal/support"
)

var ticket = url.Values{"reason": {"ticket 4711"}}

// events are what the staff did beside looking, "kind actor reason".
func (r *rig) events(o otp.Order) (all []string) {
	r.t.Helper()
	g := redisstore.Group{Store: r.store, Name: "test"}
	events, _, err := g.Listen(r.t.Context(), o.ID.Partition(), 1000, time.Minute)
	r.must(err)
	for _, e := range events {
		if e.Kind == "verification.viewed" {
			continue
		}
		if e.Actor != "" {
			all = append(all, e.Kind+" "+e.Actor+" "+e.Reason)
		}
	}
	return all
}

// done posts an action that must succeed, and is what the page says then.
func (r *rig) done(o otp.Order, what string) string {
	r.t.Helper()
	a := r.post(path(o)+"/"+what, ticket)
	name, _, _ := strings.Cut(what, "?")
	if a.status != http.StatusSeeOther || a.header.Get("Location") != path(o)+"?did="+name {
		r.t.Fatalf("%s: %d %s\n%s", what, a.status, a.header.Get("Location"), a.body)
	}
	return html.UnescapeString(r.page(a.header.Get("Location")))
}

func (r *rig) rings() (all []string) {
	for {
		select {
		case d := <-r.rung:
			all = append(all, d.Order.String()+" "+string(d.Channel))
		default:
			return all
		}
	}
}

func TestAnOperatorSendsAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.enter(operator)
	o := r.start(asked{others: true, binding: "this browser"})
	r.accept(o)
	r.receive(o, otp.Delivered, "")
	if a := r.post(path(o)+"/send", ticket); a.status != http.StatusUnprocessableEntity || !strings.Contains(a.body, "too fresh") {
		t.Errorf("within the cooldown: %d\n%s", a.status, a.body)
	}
	r.pass(time.Minute)
	body := r.done(o, "send")
	if !strings.Contains(body, "The code is being sent again.") || !strings.Contains(body, "Sent again by oskar") {
		t.Error("the page does not say so")
	}
	if got := r.rings(); !slices.Equal(got, []string{string(o.ID) + "/2 sms"}) {
		t.Errorf("rung %q", got)
	}
	c, ok, err := r.store.Claim(t.Context(), otp.Order{ID: o.ID, Send: 2}, "w")
	if err != nil || !ok || c.Fallback == nil {
		t.Fatalf("%t, %v: the other address is lost", ok, err)
	}
	if sent, err := r.keys.OpenCode(c.Owner, c.Code); err != nil || sent.Reveal() != code {
		t.Errorf("another code goes out: %v", err)
	}
	if l, err := r.keys.OpenLetter(c.Owner, c.Letter); err != nil || l.To.Reveal() != phone {
		t.Errorf("to %v, %v", l.To, err)
	}
	if got := r.events(o); !slices.Equal(got, []string{"verification.sent_again oskar ticket 4711"}) {
		t.Errorf("%q", got)
	}
}

func TestAnOperatorSendsToTheOtherAddress(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.enter(operator)
	o := r.start(asked{others: true})
	r.accept(o)
	to := "divert?" + url.Values{"channel": {"email"}, "to": {mailMask}}.Encode()
	if body := html.UnescapeString(r.page(path(o))); !strings.Contains(body, "Send to "+mailMask+" by e-mail") || !strings.Contains(body, path(o)+"/"+to) {
		t.Fatal("it is not offered")
	}
	body := r.done(o, to)
	if !strings.Contains(body, "Sent to another address by oskar") {
		t.Error("the page does not say so")
	}
	if got := r.rings(); !slices.Equal(got, []string{o.String() + " sms"}) {
		t.Errorf("rung %q", got)
	}
	if c, ok, err := r.store.Claim(t.Context(), o, "w"); err != nil || !ok || !c.Turn {
		t.Errorf("the worker is not told: %+v, %t, %v", c, ok, err)
	}
	if a := r.post(path(o)+"/divert?channel=sms&to=x", ticket); a.status != http.StatusNotFound && a.status != http.StatusConflict {
		t.Errorf("to nobody: %d", a.status)
	}
}

func TestAnOperatorUnlocks(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.enter(operator)
	o := r.start(asked{})
	r.accept(o)
	if a := r.get(path(o) + "/unlock"); a.status != http.StatusConflict {
		t.Errorf("without a lock: %d", a.status)
	}
	r.lock()
	if body := r.page(path(o)); !strings.Contains(body, path(o)+"/unlock") || !strings.Contains(body, "Locked</dt>") {
		t.Fatal("it is not offered")
	}
	if body := r.page(path(o) + "/unlock"); !strings.Contains(body, "somebody guessed") {
		t.Error("the page does not warn")
	}
	body := r.done(o, "unlock")
	if !strings.Contains(body, "Unlocked by oskar") || strings.Contains(body, "Locked</dt>") {
		t.Error("the page does not say so")
	}
	r.pass(time.Minute)
	r.start(asked{}) // is admitted
	if got := r.events(o); !slices.Equal(got, []string{"recipient.unlocked oskar ticket 4711"}) {
		t.Errorf("%q", got)
	}
}

func TestALockUnderABindingIsUnlockedToo(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.enter(operator)
	bound := asked{binding: "this browser"}
	o := r.start(bound)
	r.accept(o)
	c, err := r.store.Case(t.Context(), o.ID)
	r.must(err)
	owner := c.Owner
	for range 5 {
		n := otp.NewNonce()
		wrong, err := otp.ParseCode("999999", 6)
		r.must(err)
		_, err = r.store.Check(t.Context(), otp.Guess{Owner: owner, ID: o.ID, Digests: r.keys.DigestsOf(owner, wrong), Policy: otp.DefaultPolicy(), Nonce: n, Sessions: r.keys.SessionsOf(owner, wrong, n)})
		r.must(err)
	}
	if body := r.page(path(o)); !strings.Contains(body, "Locked</dt>") {
		t.Fatal("the lock is not seen")
	}
	r.done(o, "unlock")
	r.pass(time.Minute)
	r.start(bound)
}

func TestAnOperatorClearsASuppression(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.enter(operator)
	o := r.start(asked{})
	r.fail(o)
	body := r.page(path(o))
	if !strings.Contains(body, "/unsuppress?channel=sms") || strings.Contains(body, path(o)+"/send") {
		t.Fatal("not offered, or a send that would be suppressed is")
	}
	body = r.done(o, "unsuppress?channel=sms")
	if !strings.Contains(body, "Suppression cleared by oskar") || !strings.Contains(body, path(o)+"/send") {
		t.Error("the page does not say so")
	}
	r.pass(time.Minute)
	r.done(o, "send")
}

func TestAnOperatorCancels(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.enter(operator)
	o := r.start(asked{})
	body := r.done(o, "cancel")
	if !strings.Contains(body, "Canceled by oskar of the support staff") || strings.Contains(body, path(o)+"/cancel") {
		t.Error("the page does not say so")
	}
	if v := r.guess(code); v.Reason != otp.WasCanceled {
		t.Errorf("the code is %s", v.Reason)
	}
}

func TestAnAdminSeesAnAddressAndThatIsKept(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	o := r.start(asked{})
	r.must(r.store.Cancel(t.Context(), o.ID))
	if body := r.page(path(o) + "/reveal"); strings.Contains(body, phone[3:]) {
		t.Error("shown before it was asked for")
	}
	a := r.post(path(o)+"/reveal", ticket)
	if a.status != http.StatusOK || !strings.Contains(html.UnescapeString(a.body), phone) {
		t.Fatalf("%d\n%s", a.status, a.body)
	}
	if got := r.events(o); !slices.Equal(got, []string{"verification.revealed ada ticket 4711"}) {
		t.Errorf("%q", got)
	}
	if strings.Contains(r.log.String(), phone[3:]) {
		t.Error("it is in the log")
	}
}

func TestNothingIsDoneWithoutAReason(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	o := r.start(asked{others: true})
	r.fail(o)
	for _, what := range []string{"send", "divert?channel=email&to=" + url.QueryEscape(mailMask), "unlock", "unsuppress?channel=sms", "cancel", "reveal"} {
		for _, reason := range []string{"", strings.Repeat("x", 2000), "the number is " + phone} {
			a := r.post(path(o)+"/"+what, url.Values{"reason": {reason}})
			if a.status != http.StatusUnprocessableEntity && a.status != http.StatusConflict {
				t.Errorf("%s because %.20q: %d", what, reason, a.status)
			}
		}
	}
	if got := r.events(o); len(got) > 0 {
		t.Errorf("done all the same: %q", got)
	}
}

func TestWhatIsNotForAPersonIsNotDone(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	o := r.start(asked{others: true})
	r.fail(o)
	elsewhere := []otp.Namespace{otp.AddEmail}
	acts := []string{"send", "divert?channel=email&to=" + url.QueryEscape(mailMask), "unlock", "unsuppress?channel=sms", "cancel", "reveal"}
	for _, who := range []otp.Staff{
		{}, viewer, {Name: "nina", Role: otp.Admin, Namespaces: elsewhere}, {Name: "root", Role: "root"}, {Name: "nobody", Role: ""},
	} {
		r.enter(who)
		for _, what := range acts {
			for _, a := range []answer{r.post(path(o)+"/"+what, ticket), r.get(path(o) + "/" + what)} {
				if a.status == http.StatusOK || a.status == http.StatusSeeOther && a.header.Get("Location") != "/login" {
					t.Errorf("%s (%s): %s: %d", who.Name, who.Role, what, a.status)
				}
			}
		}
		for _, what := range []string{"", "/live", "/summary.txt"} {
			if a := r.peek(path(o) + what); (who.Name != viewer.Name) == (a.status == http.StatusOK) {
				t.Errorf("%s: %q: %d", who.Name, what, a.status)
			}
		}
	}
	r.enter(operator)
	if a := r.post(path(o)+"/reveal", ticket); a.status != http.StatusForbidden || strings.Contains(a.body, phone[3:]) {
		t.Errorf("an operator sees an address: %d", a.status)
	}
	if body := r.page(path(o)); strings.Contains(body, "/reveal") {
		t.Error("it is offered to an operator")
	}
	r.enter(viewer)
	if body := r.page(path(o)); strings.Contains(body, `aria-label="Actions"`) {
		t.Error("a viewer is offered actions")
	}
	r.enter(admin)
	if got := r.events(o); len(got) > 0 {
		t.Errorf("done all the same: %q", got)
	}
}

func TestTheServiceItselfKnowsTheRoles(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	o := r.start(asked{others: true})
	r.fail(o)
	ctx, id, why := t.Context(), o.ID, "ticket 4711"
	for who, acts := range map[*otp.Staff]map[string]func() error{
		&viewer: {
			"send again": func() error { return r.support.SendAgain(ctx, viewer, id, why) },
			"divert":     func() error { return r.support.Divert(ctx, viewer, id, otp.Email, mailMask, why) },
			"cancel":     func() error { return r.support.Cancel(ctx, viewer, id, why) },
			"unlock":     func() error { _, err := r.support.Unlock(ctx, viewer, id, why); return err },
			"unsuppress": func() error { _, err := r.support.Unsuppress(ctx, viewer, id, otp.SMS, why); return err },
			"reveal":     func() error { _, err := r.support.Reveal(ctx, viewer, id, why); return err },
		},
		&operator: {
			"reveal": func() error { _, err := r.support.Reveal(ctx, operator, id, why); return err },
		},
	} {
		for what, act := range acts {
			if err := act(); !errors.Is(err, support.ErrRole) {
				t.Errorf("%s: %s: %v", who.Role, what, err)
			}
		}
	}
	if got := r.events(o); len(got) > 0 {
		t.Errorf("done all the same: %q", got)
	}
}
