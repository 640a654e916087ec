package ctl

import (
	"context"
	"strings"

	"github.com/otpipe/otpipe/client"
)

// providerList shows how the providers stand.
type providerList struct{ api }

// Run asks the api.
func (l providerList) Run(ctx context.Context, s *screen) error {
	all, err := ask(s, l.api, func(c *client.Client) ([]client.ProviderState, error) { return c.Providers(ctx) })
	if err != nil {
		return err
	}
	return s.show(providerStates{listed(all)})
}

// providerOrder is what an operator says of a provider to all workers.
type providerOrder struct {
	api
	Name   string `arg:"" help:"The provider's, in the configuration."`
	Reason string `required:"" placeholder:"TEXT" help:"Why; it is kept with the order, and for the audit."`
}

// providerDrain uses a provider no more.
type providerDrain struct{ providerOrder }

// Help says what becomes of what is on its way.
func (providerDrain) Help() string {
	return `All workers follow within two seconds; what is being handed over is finished. With no other
provider on a route, codes wait for as long as they live. The key needs the scope operate.

	otpctl provider drain twilio --reason "the account moves"`
}

// Run asks the api.
func (d providerDrain) Run(ctx context.Context, s *screen) error {
	return d.give(s, func(c *client.Client) (client.ProviderState, error) { return c.Drain(ctx, d.Name, d.Reason) })
}

// providerResume uses it again.
type providerResume struct{ providerOrder }

// Run asks the api.
func (r providerResume) Run(ctx context.Context, s *screen) error {
	return r.give(s, func(c *client.Client) (client.ProviderState, error) { return c.Resume(ctx, r.Name, r.Reason) })
}

func (o providerOrder) give(s *screen, order func(c *client.Client) (client.ProviderState, error)) error {
	now, err := ask(s, o.api, order)
	if err != nil {
		return err
	}
	return s.show(providerState{now})
}

// providerStates are all providers, as the api tells them: docs/providers.md.
type providerStates struct {
	Items []client.ProviderState `json:"items"`
}

func (s providerStates) text(p *paper) {
	var rows [][]cell
	for _, one := range s.Items {
		rows = append(rows, providerState{one}.row())
	}
	p.table([]string{"PROVIDER", "DRIVER", "CHANNELS", "STATUS", "WHY"}, rows)
}

type providerState struct{ client.ProviderState }

func (s providerState) text(p *paper) {
	providerStates{[]client.ProviderState{s.ProviderState}}.text(p)
}

func (s providerState) row() []cell {
	var channels []string
	for _, c := range s.Channels {
		channels = append(channels, string(c))
	}
	return append(row(s.Name, s.Driver, strings.Join(channels, ", ")), stateCell(string(s.Status)), cell{text: s.why()})
}

// why is what stands against a provider.
func (s providerState) why() string {
	var all []string
	if !s.DrainedAt.IsZero() {
		all = append(all, s.DrainedReason+" ("+s.DrainedBy+", "+day(s.DrainedAt)+" UTC)")
	}
	if !s.PausedUntil.IsZero() {
		all = append(all, s.PausedReason+", until "+clock(s.PausedUntil)+" UTC")
	}
	for _, t := range s.Tripped {
		all = append(all, "breaker for "+string(t.Channel)+", until "+clock(t.Until)+" UTC or a probe succeeds")
	}
	return strings.Join(all, "; ")
}
