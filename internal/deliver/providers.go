package deliver

import (
	"context"
	"fmt"

	"github.com/otpipe/otpipe/internal/otp"
)

// Orders is the store's side of what operators say about providers.
type Orders interface {
	// Standings tells how these providers stand, by name.
	Standings(ctx context.Context, providers []string) (map[string]otp.Standing, error)
	// Drain orders all workers to use a provider no more.
	Drain(ctx context.Context, provider, actor, reason string) error
	// Resume takes back all that was said about a provider.
	Resume(ctx context.Context, provider, actor, reason string) error
}

// Account is a provider as it is configured and as it stands.
type Account struct {
	Name     string
	Driver   string
	Channels []otp.Channel // on whose routes it is
	otp.Standing
}

// Providers is the operators' side of the providers. It is wired by app; every
// field is required. Its errors are otp.ErrProviderNotFound,
// otp.ErrNamespaceForbidden for a caller who may not work in all namespaces,
// *otp.InputError and otp.ErrStoreUnavailable.
type Providers struct {
	Orders   Orders
	Accounts []Account // without their standing
}

// List tells how all providers stand, in the order of the configuration.
func (p *Providers) List(ctx context.Context) ([]Account, error) {
	names := make([]string, 0, len(p.Accounts))
	for _, a := range p.Accounts {
		names = append(names, a.Name)
	}
	standings, err := p.Orders.Standings(ctx, names)
	if err != nil {
		return nil, fmt.Errorf("read standings: %w", err)
	}
	all := make([]Account, 0, len(names))
	for _, a := range p.Accounts {
		a.Standing = standings[a.Name]
		all = append(all, a)
	}
	return all, nil
}

// Drain has all workers use a provider no more until it is resumed: those who
// run learn it within a second, hand-overs under way end as they will.
func (p *Providers) Drain(ctx context.Context, who otp.Caller, name, reason string) (Account, error) {
	return p.order(ctx, p.Orders.Drain, who, name, reason)
}

// Resume has workers use a provider again, whatever kept them: also what it or
// other workers said of it. A breaker that is open stays so until it finds out.
func (p *Providers) Resume(ctx context.Context, who otp.Caller, name, reason string) (Account, error) {
	return p.order(ctx, p.Orders.Resume, who, name, reason)
}

type order func(ctx context.Context, provider, actor, reason string) error

func (p *Providers) order(ctx context.Context, give order, who otp.Caller, name, reason string) (Account, error) {
	if len(who.Namespaces) > 0 { // a provider serves the others too
		return Account{}, fmt.Errorf("order about %s: %w", name, otp.ErrNamespaceForbidden)
	}
	if err := otp.CheckReason(reason); err != nil {
		return Account{}, err
	}
	for _, a := range p.Accounts {
		if a.Name != name {
			continue
		}
		if err := give(ctx, name, who.Name, reason); err != nil {
			return Account{}, fmt.Errorf("order about %s: %w", name, err)
		}
		all, err := p.Orders.Standings(ctx, []string{name})
		a.Standing = all[name]
		return a, err
	}
	return Account{}, otp.ErrProviderNotFound
}
