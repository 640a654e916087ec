package ctl

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// providerList shows how the providers stand.
type providerList struct{ api }

// Run asks the api.
func (l providerList) Run(ctx context.Context, s *screen) error {
	var out providerStates
	done := s.waiting("asking the api")
	err := l.ask(ctx, http.MethodGet, "/v1/providers", nil, &out)
	done()
	if err != nil {
		return err
	}
	return s.show(out)
}

// providerOrder is what an operator says of a provider to all workers.
type providerOrder struct {
	api
	Name   string `arg:"" help:"The provider's, in the configuration."`
	Reason string `required:"" help:"Why; it is kept with the order, and for the audit."`
}

// providerDrain uses a provider no more.
type providerDrain struct{ providerOrder }

// Run asks the api.
func (d providerDrain) Run(ctx context.Context, s *screen) error { return d.give(ctx, s, "drain") }

// providerResume uses it again.
type providerResume struct{ providerOrder }

// Run asks the api.
func (r providerResume) Run(ctx context.Context, s *screen) error { return r.give(ctx, s, "resume") }

func (o providerOrder) give(ctx context.Context, s *screen, order string) error {
	var out providerState
	done := s.waiting("asking the api")
	err := o.ask(ctx, http.MethodPost, "/v1/providers/"+url.PathEscape(o.Name)+"/"+order, map[string]string{"reason": o.Reason}, &out)
	done()
	if err != nil {
		return err
	}
	return s.show(out)
}

// providerStates are all providers, as the api tells them: docs/providers.md.
type providerStates struct {
	Items []providerState `json:"items"`
}

type providerState struct {
	Name          string     `json:"name"`
	Driver        string     `json:"driver"`
	Channels      []string   `json:"channels"`
	Status        string     `json:"status"`
	DrainedAt     *time.Time `json:"drained_at,omitempty"`
	DrainedBy     string     `json:"drained_by,omitempty"`
	DrainedReason string     `json:"drained_reason,omitempty"`
	PausedUntil   *time.Time `json:"paused_until,omitempty"`
	PausedReason  string     `json:"paused_reason,omitempty"`
	Tripped       []trip     `json:"tripped,omitempty"`
}

type trip struct {
	Channel string    `json:"channel"`
	Until   time.Time `json:"until"`
}

func (s providerStates) text(p *paper) {
	var rows [][]cell
	for _, one := range s.Items {
		rows = append(rows, one.row())
	}
	p.table([]string{"PROVIDER", "DRIVER", "CHANNELS", "STATUS", "WHY"}, rows)
}

func (s providerState) text(p *paper) { providerStates{[]providerState{s}}.text(p) }

func (s providerState) row() []cell {
	return append(row(s.Name, s.Driver, strings.Join(s.Channels, ", ")), stateCell(s.Status), cell{text: s.why()})
}

// why is what stands against a provider.
func (s providerState) why() string {
	var all []string
	if s.DrainedAt != nil {
		all = append(all, s.DrainedReason+" ("+s.DrainedBy+", "+day(*s.DrainedAt)+" UTC)")
	}
	if s.PausedUntil != nil {
		all = append(all, s.PausedReason+", until "+clock(*s.PausedUntil)+" UTC")
	}
	for _, t := range s.Tripped {
		all = append(all, "breaker for "+t.Channel+", until "+clock(t.Until)+" UTC or a probe succeeds")
	}
	return strings.Join(all, "; ")
}
