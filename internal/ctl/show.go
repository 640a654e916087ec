package ctl

import (
	"context"
	"regexp"
	"strconv"
	"time"

	"github.com/otpipe/otpipe/client"
)

// show tells what became of a code.
type show struct {
	api
	What      string `arg:"" name:"VE…|recipient" help:"A verification's id, or a phone number or mail address."`
	Namespace string `placeholder:"NAME" help:"Of a recipient: in this namespace only."`
	Limit     int    `default:"10" help:"Of a recipient: so many, the newest first, up to 50."`
}

// Help shows how.
func (show) Help() string {
	return `Recipients are masked, and no code is told. The key needs the scope read.

	otpctl show VE0a0dbef0718dab75f41ca73869df8820
	otpctl show +4915123456789 --namespace phone-auth
	otpctl show kim@example.com --json | jq .newest.explanation`
}

var idForm = regexp.MustCompile(`^VE[0-9a-f]{32}$`)

// Run asks for one verification, or for a recipient's.
func (w show) Run(ctx context.Context, s *screen) error {
	found, err := ask(s, w.api, func(c *client.Client) (answer, error) {
		if !idForm.MatchString(w.What) {
			return w.history(ctx, c)
		}
		t, err := c.Get(ctx, w.What)
		return told{t}, err
	})
	if err != nil {
		return err
	}
	return s.show(found)
}

func (w show) history(ctx context.Context, c *client.Client) (h history, err error) {
	found, err := c.Search(ctx, client.SearchRequest{To: w.What, Namespace: w.Namespace, Limit: w.Limit})
	h.Items = listed(found.Items)
	if err != nil || len(h.Items) == 0 {
		return h, err
	}
	newest, err := c.Get(ctx, h.Items[0].ID)
	h.Newest = &told{newest}
	return h, err
}

// told is a verification as the api tells it: docs/api.md has its fields.
type told struct{ client.Told }

func (t told) text(p *paper) {
	p.line("%s  %s", p.tinted(t.ID, bold), stateCell(string(t.Status)).on(p))
	p.line("%s by %s to %s, asked for %s UTC, code until %s", t.Namespace, string(t.Channel), t.ToMasked, day(t.CreatedAt), clock(t.ExpiresAt))
	p.line("send %d of %d: %s%s", t.Send, t.Send+t.SendsLeft, stateCell(string(t.Delivery.Status)).on(p), by(t.Delivery.Provider, t.Delivery.ToMasked))
	p.line("%d of %d checks made%s", t.Checks.Made, t.Checks.Max, locked(t.LockedUntil))
	t.explain(p)
	if len(t.Timeline) > 0 {
		p.line("")
		t.timeline(p)
	}
}

// explain says what happened, and what to do next.
func (t told) explain(p *paper) {
	if t.Explanation.What != "" {
		p.line("\n%s", t.Explanation.What)
	}
	if t.Explanation.Next != "" {
		p.line("%s", p.tinted("→ "+t.Explanation.Next, bold))
	}
}

func (t told) timeline(p *paper) {
	var rows [][]cell
	for _, s := range t.Timeline {
		rows = append(rows, append(row(clock(s.At), number(s.Send), number(s.Attempt)), stateCell(s.State), cell{text: s.Provider}, cell{text: s.Reason}, cell{text: s.Ref}))
	}
	p.table([]string{"TIME (UTC)", "SEND", "ATTEMPT", "STATE", "PROVIDER", "REASON", "REF"}, rows)
}

// history are a recipient's verifications, the newest first.
type history struct {
	Items  []client.Record `json:"items"`
	Newest *told           `json:"newest,omitempty"` // with its life
}

func (h history) text(p *paper) {
	if h.Newest == nil {
		p.line("nothing is known of this recipient: no code was asked for, or it was too long ago")
		return
	}
	var rows [][]cell
	for _, t := range h.Items {
		rows = append(rows, append(row(t.ID, day(t.CreatedAt), t.Namespace, string(t.Channel)), stateCell(string(t.Status)), stateCell(string(t.Delivery.Status)), cell{text: t.Delivery.Provider}))
	}
	p.table([]string{"VERIFICATION", "ASKED FOR (UTC)", "NAMESPACE", "CHANNEL", "STATUS", "DELIVERY", "PROVIDER"}, rows)
	p.line("\nThe newest:\n")
	h.Newest.text(p)
}

// stateTints are those of states and statuses; the others have none.
var stateTints = map[string]tint{
	"approved": good, "delivered": good, "sent": good, "accepted": good, "serving": good,
	"failed": bad, "undelivered": bad, "locked": bad, "suppressed": bad,
	"unknown": odd, "expired": odd, "drained": odd, "paused": odd, "tripped": odd,
}

func stateCell(state string) cell { return cell{state, stateTints[state]} }

func (c cell) on(p *paper) painted { return p.tinted(c.text, c.tint) }

func day(t time.Time) string   { return t.UTC().Format("2006-01-02 15:04:05") }
func clock(t time.Time) string { return t.UTC().Format("15:04:05.000") }

func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func by(provider, elsewhere string) string {
	text := ""
	if provider != "" {
		text = " by " + provider
	}
	if elsewhere != "" {
		text += ", to another address: " + elsewhere
	}
	return text
}

func locked(until time.Time) string {
	if until.IsZero() {
		return ""
	}
	return ", locked until " + day(until) + " UTC"
}
