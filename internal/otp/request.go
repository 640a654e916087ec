package otp

import (
	"context"
	"net/netip"
)

type requestIDKey struct{}

// WithRequestID marks all that is done with ctx as done for one request.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestIDKey{}, id)
}

// RequestID is the id of the request that ctx belongs to; "" if to none.
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

type clientKey struct{}

// WithClient marks all that is done with ctx as asked for from an address.
func WithClient(ctx context.Context, from netip.Addr) context.Context {
	return context.WithValue(ctx, clientKey{}, from)
}

// Client is the address that the request of ctx came from; the zero Addr if that is
// not known.
func Client(ctx context.Context) netip.Addr {
	from, _ := ctx.Value(clientKey{}).(netip.Addr)
	return from
}

type callerKey struct{}

// WithCaller marks all that is done with ctx as done with the API key of a name.
func WithCaller(ctx context.Context, name string) context.Context {
	return context.WithValue(ctx, callerKey{}, name)
}

// CallerName is the name of the API key that ctx belongs to; "" if to none.
func CallerName(ctx context.Context) string {
	name, _ := ctx.Value(callerKey{}).(string)
	return name
}
