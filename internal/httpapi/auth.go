package httpapi

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/otpipe/otpipe/internal/otp"
)

const (
	securityScheme = "key"
	keyPrefix      = "otk_"
)

// Keyring knows callers by the SHA-256 of their keys, in hex. Keys are random,
// 256 bits, so a plain hash of them tells nothing.
type Keyring map[string]otp.Caller

// HashKey is the hash under which a key stands in the configuration.
func HashKey(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

// caller finds who holds the key of an Authorization header.
func (k Keyring) caller(header string) (otp.Caller, bool) {
	scheme, key, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return otp.Caller{}, false
	}
	who, ok := k[HashKey(strings.TrimSpace(key))]
	return who, ok
}

type callerKey struct{}

// authenticate lets a request through to an operation whose scope its key has.
func (a *API) authenticate(api huma.API) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		scopes := scopesOf(ctx.Operation())
		if len(scopes) == 0 {
			next(ctx)
			return
		}
		who, known := a.Keys.caller(ctx.Header("Authorization"))
		switch {
		case !known:
			ctx.SetHeader("WWW-Authenticate", "Bearer")
			refuse(api, ctx, newProblem("unauthenticated", "send a known API key as Authorization: Bearer "+keyPrefix+"…"))
		case !slices.ContainsFunc(scopes, who.Has):
			refuse(api, ctx, newProblem("insufficient_scope", "the key lacks the scope "+string(scopes[0])))
		default:
			next(huma.WithValue(ctx, callerKey{}, who))
		}
	}
}

func refuse(api huma.API, ctx huma.Context, p *Problem) {
	p.RequestID = ctx.Header(requestIDHeader)
	ctx.SetHeader("Content-Type", problemType)
	ctx.SetStatus(p.Status)
	_ = api.Marshal(ctx.BodyWriter(), problemType, p) // the client went away
}

// needs lists the scopes of which a key must have one.
func needs(scopes ...otp.Scope) (anyOf []map[string][]string) {
	for _, s := range scopes {
		anyOf = append(anyOf, map[string][]string{securityScheme: {string(s)}})
	}
	return anyOf
}

func scopesOf(op *huma.Operation) (all []otp.Scope) {
	for _, s := range op.Security {
		for _, scope := range s[securityScheme] {
			all = append(all, otp.Scope(scope))
		}
	}
	return all
}

// scopeText names the scopes for people.
func scopeText(op *huma.Operation) string {
	var all []string
	for _, s := range scopesOf(op) {
		all = append(all, string(s))
	}
	return strings.Join(all, " or ")
}

// add registers an operation whose handler is told who calls. It is the one
// place where an error becomes an answer, and where our own faults are logged.
func add[I, O any](a *API, api huma.API, op huma.Operation, handle func(ctx context.Context, who otp.Caller, in *I) (*O, error)) {
	op.MaxBodyBytes = maxBody + 1 // huma refuses what reaches the limit
	huma.Register(api, op, func(ctx context.Context, in *I) (*O, error) {
		who, _ := ctx.Value(callerKey{}).(otp.Caller)
		out, err := handle(otp.WithCaller(ctx, who.Name), who, in)
		if err == nil {
			return out, nil
		}
		p := asProblem(err)
		p.RequestID = otp.RequestID(ctx)
		if p.Status >= http.StatusInternalServerError {
			a.Log.ErrorContext(ctx, "request failed", "operation", op.OperationID, "code", p.Code, "error", err)
		}
		return nil, p
	})
}
