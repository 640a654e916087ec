package client

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// ProviderState is how a provider stands with all workers.
type ProviderState struct {
	Name          string         `json:"name"`
	Driver        string         `json:"driver"`
	Channels      []Channel      `json:"channels"`
	Status        ProviderStatus `json:"status"`
	DrainedAt     time.Time      `json:"drained_at,omitzero"` // zero: it is not
	DrainedBy     string         `json:"drained_by,omitempty"`
	DrainedReason string         `json:"drained_reason,omitempty"`
	PausedUntil   time.Time      `json:"paused_until,omitzero"` // zero: it is not
	PausedReason  string         `json:"paused_reason,omitempty"`
	Tripped       []Trip         `json:"tripped,omitempty"`
}

// ProviderStatus is whether a provider is used.
type ProviderStatus string

// The statuses of a provider.
const (
	ProviderServing ProviderStatus = "serving"
	ProviderDrained ProviderStatus = "drained" // by an operator
	ProviderPaused  ProviderStatus = "paused"  // it asked to be left alone, or its account is shut
	ProviderTripped ProviderStatus = "tripped" // a worker's breaker is open
)

// Trip is a breaker that is open.
type Trip struct {
	Channel Channel   `json:"channel"`
	Until   time.Time `json:"until"`
}

type providerStates struct {
	Items []ProviderState `json:"items"`
}

type orderBody struct {
	Reason string `json:"reason"`
}

// Providers tells how all providers stand, in the order of the configuration.
func (c *Client) Providers(ctx context.Context) ([]ProviderState, error) {
	var all providerStates
	_, err := c.do(ctx, call{operation: "list-providers", method: http.MethodGet, path: "/v1/providers", again: harmless}, &all)
	return all.Items, err
}

// Drain has all workers use a provider no more, within two seconds. Its error may be
// ErrProviderNotFound. Like Resume it is not tried again: somebody may have ordered
// otherwise meanwhile.
func (c *Client) Drain(ctx context.Context, name, reason string) (ProviderState, error) {
	return c.order(ctx, "drain", name, reason)
}

// Resume has them use it again.
func (c *Client) Resume(ctx context.Context, name, reason string) (ProviderState, error) {
	return c.order(ctx, "resume", name, reason)
}

func (c *Client) order(ctx context.Context, what, name, reason string) (s ProviderState, err error) {
	path := "/v1/providers/" + url.PathEscape(name) + "/" + what
	_, err = c.do(ctx, call{operation: what, method: http.MethodPost, path: path, body: orderBody{reason}}, &s)
	return s, err
}
