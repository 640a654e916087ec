package ctl

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"time"
)

// show tells what became of a code.
type show struct {
	api
	What      string `arg:"" name:"VE…|recipient" help:"A verification's id, or a phone number or mail address."`
	Namespace string `help:"Of a recipient: in this namespace only."`
	Limit     int    `default:"10" help:"Of a recipient: so many, the newest first, up to 50."`
}

var idForm = regexp.MustCompile(`^VE[0-9a-f]{32}$`)

// Run asks for one verification, or for a recipient's.
func (w show) Run(ctx context.Context, s *screen) error {
	done := s.waiting("asking the api")
	a, err := w.find(ctx)
	done()
	if err != nil {
		return err
	}
	return s.show(a)
}

func (w show) find(ctx context.Context) (answer, error) {
	if idForm.MatchString(w.What) {
		return w.told(ctx, w.What)
	}
	var found struct{ Items []told }
	body := map[string]any{"to": w.What, "limit": w.Limit}
	if w.Namespace != "" {
		body["namespace"] = w.Namespace
	}
	if err := w.ask(ctx, http.MethodPost, "/v1/verifications/search", body, &found); err != nil {
		return nil, err
	}
	h := history{Items: listed(found.Items)}
	if len(h.Items) == 0 {
		return h, nil
	}
	newest, err := w.told(ctx, h.Items[0].ID)
	h.Newest = &newest
	return h, err
}

// told asks for a verification with its life.
func (a api) told(ctx context.Context, id string) (t told, err error) {
	return t, a.ask(ctx, http.MethodGet, "/v1/verifications/"+id, nil, &t)
}

// told is a verification as the api tells it: docs/api.md has its fields.
type told struct {
	ID        string    `json:"id"`
	Namespace string    `json:"namespace"`
	Channel   string    `json:"channel"`
	ToMasked  string    `json:"to_masked"`
	Status    string    `json:"status"`
	Send      int       `json:"send"`
	SendsLeft int       `json:"sends_left"`
	ExpiresAt time.Time `json:"expires_at"`
	ResendAt  time.Time `json:"resend_at"`
	Delivery  struct {
		Status   string `json:"status"`
		Provider string `json:"provider,omitempty"`
		ToMasked string `json:"to_masked,omitempty"`
	} `json:"delivery"`
	CreatedAt   time.Time    `json:"created_at"`
	LockedUntil *time.Time   `json:"locked_until,omitempty"`
	Checks      *checks      `json:"checks,omitempty"`
	Explanation *explanation `json:"explanation,omitempty"`
	Timeline    []step       `json:"timeline,omitempty"`
}

type checks struct {
	Made int `json:"made"`
	Max  int `json:"max"`
}

// explanation says what happened, and what to do next.
type explanation struct {
	What string `json:"what"`
	Next string `json:"next"`
}

func (e *explanation) text(p *paper) {
	if e == nil {
		return
	}
	p.line("\n%s", e.What)
	if e.Next != "" {
		p.line("%s", p.tinted("→ "+e.Next, bold))
	}
}

// step is one line of a verification's life.
type step struct {
	At       time.Time `json:"at"`
	Send     int       `json:"send"`
	Attempt  int       `json:"attempt"`
	State    string    `json:"state"`
	Provider string    `json:"provider,omitempty"`
	Ref      string    `json:"ref,omitempty"`
	Reason   string    `json:"reason,omitempty"`
}

func (t told) text(p *paper) {
	p.line("%s  %s", p.tinted(t.ID, bold), stateCell(t.Status).on(p))
	p.line("%s by %s to %s, asked for %s UTC, code until %s", t.Namespace, t.Channel, t.ToMasked, day(t.CreatedAt), clock(t.ExpiresAt))
	p.line("send %d of %d: %s%s", t.Send, t.Send+t.SendsLeft, stateCell(t.Delivery.Status).on(p), by(t.Delivery.Provider, t.Delivery.ToMasked))
	if t.Checks != nil {
		p.line("%d of %d checks made%s", t.Checks.Made, t.Checks.Max, locked(t.LockedUntil))
	}
	t.Explanation.text(p)
	if len(t.Timeline) > 0 {
		p.line("")
		t.timeline(p)
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
	Items  []told `json:"items"`
	Newest *told  `json:"newest,omitempty"` // with its life
}

func (h history) text(p *paper) {
	if h.Newest == nil {
		p.line("nothing is known of this recipient: no code was asked for, or it was too long ago")
		return
	}
	var rows [][]cell
	for _, t := range h.Items {
		rows = append(rows, append(row(t.ID, day(t.CreatedAt), t.Namespace, t.Channel), stateCell(t.Status), stateCell(t.Delivery.Status), cell{text: t.Delivery.Provider}))
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

func locked(until *time.Time) string {
	if until == nil {
		return ""
	}
	return fmt.Sprintf(", locked until %s UTC", day(*until))
}
