package ctl

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/otpipe/otpipe/client"
	"github.com/otpipe/otpipe/internal/app"
	"github.com/otpipe/otpipe/internal/otp"
)

// send asks for a code and follows it: a smoke test of everything.
type send struct {
	api
	To        string            `required:"" placeholder:"RECIPIENT" help:"A phone number or mail address that is yours."`
	Namespace string            `required:"" placeholder:"NAME" help:"In which namespace."`
	Channel   string            `enum:",sms,email" default:"" placeholder:"CHANNEL" help:"sms or email; without it by the address."`
	Locale    string            `placeholder:"TAG" help:"Of the message, such as de."`
	Params    map[string]string `name:"param" placeholder:"NAME=VALUE" help:"A param of the template; may be repeated."`
	Until     string            `enum:",accepted,sent,delivered" default:"" placeholder:"STATE" help:"How far it must come: accepted by a provider, sent on by it, or delivered. Without it delivered for sms, and sent for email, of which relays say no more."`
	Wait      time.Duration     `default:"60s" help:"How long to follow it."`
	Cancel    bool              `help:"Make the code useless at the end."`
}

// Help says how it ends.
func (send) Help() string {
	return `It is a real code to a real recipient, with all limits. It ends with 0 if it came through,
with 2 if it will not, and with 75 if nobody knew when the time was up. The key needs the
scopes send and read.

	otpctl send --to +4915123456789 --namespace phone-auth --cancel
	otpctl send --to kim@example.com --namespace verify-email --until accepted --wait 10s`
}

// pollEvery is how often the api is asked.
const pollEvery = 300 * time.Millisecond

// Run starts, follows, and ends with 0 if it came far enough, with 2 if it never will,
// and with 75 if that is not known when the time is up.
func (k send) Run(ctx context.Context, s *screen) error {
	begun, err := ask(s, k.api, func(c *client.Client) (client.Started, error) { return c.Start(ctx, k.request()) })
	if err != nil {
		return err
	}
	c, err := k.client()
	if err != nil {
		return err
	}
	if !s.json {
		(&paper{to: s.out}).line("%s  send %d to %s by %s", begun.ID, begun.Send, begun.ToMasked, string(begun.Channel))
	}
	f := following{send: k, client: c, number: begun.Send, now: told{client.Told{Record: client.Record{Verification: begun.Verification}}}}
	end, err := f.follow(ctx, s)
	if k.Cancel {
		f.cancel(ctx)
	}
	if err != nil {
		return refusal(err)
	}
	return errors.Join(s.show(sent{f.now.ID, begun.Send, outcomes[end], f.now}), shown(end))
}

func (k send) request() client.StartRequest {
	return client.StartRequest{Namespace: k.Namespace, To: k.To, Channel: client.Channel(k.Channel), Locale: k.Locale, Params: k.Params}
}

// following is one send that is followed.
type following struct {
	send
	client *client.Client
	number int // of the send
	now    told
}

// follow prints each step of the send until it has come far enough, or never will.
func (f *following) follow(ctx context.Context, s *screen) (end int, err error) {
	until := time.Now().Add(f.Wait)
	for seen := 0; ; {
		done := s.waiting("waiting for the delivery")
		err := f.next(ctx, seen, until)
		done()
		if err != nil {
			return exitNotYet, err
		}
		seen = f.steps(s, seen)
		if f.verdict() != exitNotYet || !time.Now().Before(until) {
			return f.verdict(), nil
		}
	}
}

// next asks until there is something new to tell, or nothing to wait for.
func (f *following) next(ctx context.Context, seen int, until time.Time) error {
	for {
		now, err := f.client.Get(ctx, f.now.ID)
		if err != nil {
			return err
		}
		f.now = told{now}
		if len(now.Timeline) > seen || f.verdict() != exitNotYet || !time.Now().Before(until) {
			return nil
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
}

// cancel makes the code useless, also when somebody does not want to wait any more.
func (f *following) cancel(ctx context.Context) {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), apiPatience)
	defer stop()
	if canceled, err := f.client.Cancel(ctx, f.now.ID); err == nil {
		f.now.Status = canceled.Status
	}
}

func pause(ctx context.Context) error {
	select {
	case <-time.After(pollEvery):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// steps prints those of the send that were not seen yet.
func (f *following) steps(s *screen, seen int) int {
	p := &paper{to: s.out, color: s.color}
	for _, one := range f.now.Timeline[min(seen, len(f.now.Timeline)):] {
		if one.Send == f.number && !s.json {
			p.line("  %s  %s%s", clock(one.At), stateCell(one.State).on(p), detail(one))
		}
	}
	return len(f.now.Timeline)
}

func detail(s client.Step) string {
	text := by(s.Provider, "")
	if s.Reason != "" {
		text += ": " + s.Reason
	}
	return text
}

// lost are the states in which nothing more will come.
var lost = []otp.State{otp.Failed, otp.Undelivered, otp.SendExpired, otp.SendCanceled, otp.SendSuperseded, otp.SendSuppressed}

// verdict is how otpctl ends if this is the last that is heard.
func (f *following) verdict() int {
	state := otp.State(f.now.Delivery.Status)
	switch {
	case f.now.Send != f.number: // somebody has asked again meanwhile
		return exitFound
	case slices.Contains(lost, state):
		return exitFound
	case state != otp.Unknown && state.Rank() >= f.goal().Rank():
		return app.ExitStopped
	}
	return exitNotYet
}

// goal is the state that is waited for.
func (f *following) goal() otp.State {
	switch {
	case f.Until != "":
		return otp.State(f.Until)
	case f.now.Channel == client.Email:
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
		s.Verification.explain(p)
	}
}
