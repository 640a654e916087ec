package ctl

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/otpipe/otpipe/internal/app"
	"github.com/otpipe/otpipe/internal/otp"
)

// send asks for a code and follows it: a smoke test of everything.
type send struct {
	api
	To        string            `required:"" help:"A phone number or mail address that is yours."`
	Namespace string            `required:"" help:"In which namespace."`
	Channel   string            `enum:",sms,email" default:"" help:"sms or email; without it by the address."`
	Locale    string            `help:"Of the message, such as de."`
	Params    map[string]string `name:"param" placeholder:"NAME=VALUE" help:"A param of the template; may be repeated."`
	Until     string            `enum:",accepted,sent,delivered" default:"" help:"How far it must come: accepted by a provider, sent on by it, or delivered. Without it delivered for sms, and sent for email, of which relays say no more."`
	Wait      time.Duration     `default:"60s" help:"How long to follow it."`
	Cancel    bool              `help:"Make the code useless at the end."`
}

// pollEvery is how often the api is asked.
const pollEvery = 300 * time.Millisecond

// Run starts, follows, and ends with 0 if it came far enough, with 2 if it never will,
// and with 75 if that is not known when the time is up.
func (k send) Run(ctx context.Context, s *screen) error {
	t, err := k.start(ctx, s)
	if err != nil {
		return err
	}
	first := t.Send
	t, end, err := k.follow(ctx, s, t)
	if k.Cancel {
		var canceled told
		clean, stop := context.WithTimeout(context.WithoutCancel(ctx), apiPatience)
		defer stop()
		if wrong := k.ask(clean, http.MethodPost, "/v1/verifications/"+t.ID+"/cancel", nil, &canceled); wrong == nil {
			t.Status = canceled.Status
		}
	}
	if err != nil {
		return err
	}
	out := sent{ID: t.ID, Send: first, Outcome: outcomes[end], Verification: t}
	if err := s.show(out); err != nil {
		return err
	}
	return shown(end)
}

func (k send) start(ctx context.Context, s *screen) (t told, err error) {
	body := map[string]any{"namespace": k.Namespace, "to": k.To}
	for name, value := range map[string]string{"channel": k.Channel, "locale": k.Locale} {
		if value != "" {
			body[name] = value
		}
	}
	if len(k.Params) > 0 {
		body["params"] = k.Params
	}
	done := s.waiting("asking the api")
	err = k.ask(ctx, http.MethodPost, "/v1/verifications", body, &t)
	done()
	if err == nil && !s.json {
		_, _ = fmt.Fprintf(s.out, "%s  send %d to %s by %s\n", t.ID, t.Send, t.ToMasked, t.Channel)
	}
	return t, err
}

// follow prints each step of this send until it has come far enough, or never will.
func (k send) follow(ctx context.Context, s *screen, t told) (told, int, error) {
	until, give := time.Now().Add(k.Wait), t.Send
	told, seen := t, 0
	for {
		done := s.waiting("waiting for the delivery")
		next, err := k.told(ctx, t.ID)
		for err == nil && len(next.Timeline) == seen && !k.over(next, give) && time.Now().Before(until) {
			if err = pause(ctx); err == nil {
				next, err = k.told(ctx, t.ID)
			}
		}
		done()
		if err != nil {
			return told, app.ExitFailure, err
		}
		told = next
		seen = k.steps(s, told, seen, give)
		if k.over(told, give) || !time.Now().Before(until) {
			return told, k.verdict(told, give), nil
		}
	}
}

func pause(ctx context.Context) error {
	select {
	case <-time.After(pollEvery):
		return nil
	case <-ctx.Done():
		return fmt.Errorf("follow: %w", ctx.Err())
	}
}

// steps prints those of a send that were not seen yet.
func (k send) steps(s *screen, t told, seen, give int) int {
	p := &paper{to: s.out, color: s.color}
	for _, one := range t.Timeline[min(seen, len(t.Timeline)):] {
		if one.Send == give && !s.json {
			p.line("  %s  %s%s", clock(one.At), stateCell(one.State).on(p), detail(one))
		}
	}
	return len(t.Timeline)
}

func detail(s step) string {
	text := by(s.Provider, "")
	if s.Reason != "" {
		text += ": " + s.Reason
	}
	return text
}

// lost are the states in which nothing more will come.
var lost = []otp.State{otp.Failed, otp.Undelivered, otp.SendExpired, otp.SendCanceled, otp.SendSuperseded, otp.SendSuppressed}

// over tells whether there is nothing more to wait for.
func (k send) over(t told, give int) bool { return k.verdict(t, give) != exitNotYet }

// verdict is how otpctl ends if this is the last that is heard.
func (k send) verdict(t told, give int) int {
	state := otp.State(t.Delivery.Status)
	switch {
	case t.Send != give: // somebody has asked again meanwhile
		return exitFound
	case slices.Contains(lost, state):
		return exitFound
	case state != otp.Unknown && state.Rank() >= k.goal(t).Rank():
		return app.ExitStopped
	}
	return exitNotYet
}

// goal is the state that is waited for.
func (k send) goal(t told) otp.State {
	switch {
	case k.Until != "":
		return otp.State(k.Until)
	case t.Channel == string(otp.Email):
		return otp.Sent
	}
	return otp.Delivered
}

var outcomes = map[int]string{app.ExitStopped: "arrived", exitFound: "lost", exitNotYet: "not_known"}

// sent is how a smoke test ended.
type sent struct {
	ID           string `json:"id"`
	Send         int    `json:"send"`
	Outcome      string `json:"outcome"` // arrived, lost or not_known
	Verification told   `json:"verification"`
}

func (s sent) text(p *paper) {
	switch s.Outcome {
	case "arrived":
		p.line("%s: %s", p.tinted("it came through", good), s.Verification.Delivery.Status)
	case "lost":
		p.line("%s: %s", p.tinted("it did not come through", bad), s.Verification.Delivery.Status)
	default:
		p.line("%s: still %s; otpctl show %s tells more later", p.tinted("not known yet", odd), s.Verification.Delivery.Status, s.ID)
	}
	if s.Outcome != "arrived" {
		s.Verification.Explanation.text(p)
	}
}
