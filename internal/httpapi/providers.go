package httpapi

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/otpipe/otpipe/internal/deliver"
	"github.com/otpipe/otpipe/internal/otp"
)

// ProviderState is how a provider stands with all workers.
type ProviderState struct {
	Name     string   `json:"name" example:"twilio-eu" doc:"In the configuration."`
	Driver   string   `json:"driver" example:"twilio" doc:"How it is spoken to."`
	Channels []string `json:"channels" nullable:"false" doc:"On whose routes it is."`
	Status   string   `json:"status" enum:"serving,drained,paused,tripped" doc:"drained: by an operator. paused: it asked to be left alone, or its account is shut. tripped: a worker's breaker is open."`

	DrainedAt     *Instant `json:"drained_at,omitempty" doc:"Since when."`
	DrainedBy     string   `json:"drained_by,omitempty" doc:"The API key's name."`
	DrainedReason string   `json:"drained_reason,omitempty" doc:"What was said when it was drained."`
	PausedUntil   *Instant `json:"paused_until,omitempty" doc:"It is used again then."`
	PausedReason  string   `json:"paused_reason,omitempty" doc:"What it answered." example:"twilio_20429"`
	Tripped       []Trip   `json:"tripped,omitempty" nullable:"false" doc:"Channels on which a breaker is open, and workers had better use others."`
}

// Trip is a breaker's advice.
type Trip struct {
	Channel string  `json:"channel" enum:"sms,email" doc:"On this channel alone."`
	Until   Instant `json:"until" doc:"Or until a probe succeeds."`
}

// ProviderStates is the list of all.
type ProviderStates struct {
	Items []ProviderState `json:"items" nullable:"false" doc:"All that are configured."`
}

type providersOutput struct {
	Body ProviderStates
}

// OrderBody says why.
type OrderBody struct {
	Reason string `json:"reason" maxLength:"800" doc:"Kept with the order, and for the audit. Up to 200 characters." example:"maintenance until 14:00"`
}

type orderInput struct {
	Name string `path:"name" doc:"In the configuration."`
	Body OrderBody
}

type providerOutput struct {
	Body ProviderState
}

func (a *API) providers(api huma.API) {
	tags := []string{"providers"}
	add(a, api, described(huma.Operation{
		OperationID: "list-providers", Method: http.MethodGet, Path: "/v1/providers",
		Summary: "Tell how the providers stand", Security: needs(otp.ScopeOperate, otp.ScopeRead), Tags: tags,
		Description: "As all workers see them: whether they are used, and if not, why and until when.",
	}, providersExamples), a.listProviders)
	add(a, api, described(huma.Operation{
		OperationID: "drain", Method: http.MethodPost, Path: "/v1/providers/{name}/drain",
		Summary: "Use a provider no more", Security: needs(otp.ScopeOperate), Tags: tags,
		Description: "All workers follow within two seconds; hand-overs under way end as they will. Until it is resumed, routes go by their other providers. The key must be for all namespaces.",
	}, drainExamples, "provider_not_found", "namespace_not_allowed"), a.drain)
	add(a, api, described(huma.Operation{
		OperationID: "resume", Method: http.MethodPost, Path: "/v1/providers/{name}/resume",
		Summary: "Use a provider again", Security: needs(otp.ScopeOperate), Tags: tags,
		Description: "Takes back a drain, a pause, and what workers advise each other. A breaker that is open still closes by itself.",
	}, resumeExamples, "provider_not_found", "namespace_not_allowed"), a.resume)
}

func (a *API) listProviders(ctx context.Context, _ otp.Caller, _ *struct{}) (*providersOutput, error) {
	all, err := a.Providers.List(ctx)
	if err != nil {
		return nil, err
	}
	out := &providersOutput{ProviderStates{Items: make([]ProviderState, 0, len(all))}}
	for _, p := range all {
		out.Body.Items = append(out.Body.Items, providerState(p, time.Now()))
	}
	return out, nil
}

func (a *API) drain(ctx context.Context, who otp.Caller, in *orderInput) (*providerOutput, error) {
	p, err := a.Providers.Drain(ctx, who, in.Name, in.Body.Reason)
	return &providerOutput{providerState(p, time.Now())}, err
}

func (a *API) resume(ctx context.Context, who otp.Caller, in *orderInput) (*providerOutput, error) {
	p, err := a.Providers.Resume(ctx, who, in.Name, in.Body.Reason)
	return &providerOutput{providerState(p, time.Now())}, err
}

func providerState(p deliver.Account, now time.Time) ProviderState {
	s := ProviderState{Name: p.Name, Driver: p.Driver, Channels: make([]string, 0, len(p.Channels)), Status: "serving"}
	for _, ch := range p.Channels {
		s.Channels = append(s.Channels, string(ch))
	}
	for _, ch := range slices.Sorted(maps.Keys(p.Tripped)) {
		s.Status = "tripped"
		s.Tripped = append(s.Tripped, Trip{string(ch), Instant(now.Add(p.Tripped[ch]))})
	}
	if p.Paused > 0 {
		s.Status, s.PausedUntil, s.PausedReason = "paused", instant(now.Add(p.Paused)), p.PausedWhy
	}
	if d := p.Drained; d != nil {
		s.Status, s.DrainedAt, s.DrainedBy, s.DrainedReason = "drained", instant(d.At), d.By, d.Reason
	}
	return s
}
