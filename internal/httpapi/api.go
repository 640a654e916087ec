// Package httpapi is the JSON face of otpipe: /v1 on the public listener, and
// the health and metrics pages on the admin listener. It runs in the api; the
// admin pages also in the worker.
package httpapi

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/verify"
)

// maxBody is the longest request body, in bytes.
const maxBody = 16 << 10

// Verifier is what the face is a face of; see verify.Service.
type Verifier interface {
	Start(ctx context.Context, who otp.Caller, r verify.StartRequest) (verify.Started, error)
	Check(ctx context.Context, who otp.Caller, r verify.CheckRequest) (verify.Checked, error)
	Get(ctx context.Context, who otp.Caller, id otp.ID) (otp.History, otp.Policy, error)
	Cancel(ctx context.Context, who otp.Caller, id otp.ID) (otp.History, otp.Policy, error)
	Unlock(ctx context.Context, who otp.Caller, ns otp.Namespace, to, binding, reason string) (cleared bool, err error)
	Session(ctx context.Context, who otp.Caller, token string, ns otp.Namespace, to string, consume bool) (otp.Session, error)
}

// Receiver takes receipts whose signature is good.
type Receiver interface {
	Receive(ctx context.Context, r otp.Receipt) (moved bool, err error)
}

// ReceiptReader knows how one provider reports. Its errors are otp.ErrForged,
// and otp.ErrForeign for what is genuine but not about a message of ours.
type ReceiptReader interface {
	Parse(r *http.Request) (otp.Receipt, error)
}

// API is wired by app; every field is required.
type API struct {
	Verifier Verifier
	Receiver Receiver
	Receipts map[string]ReceiptReader // by the name of the provider
	Keys     Keyring
	Log      *slog.Logger
	Version  string
}

// Handler serves the public listener.
func (a *API) Handler() http.Handler {
	mux := http.NewServeMux()
	doc := a.document(mux)
	a.verifications(doc)
	a.sessions(doc)
	a.recipients(doc)
	mux.HandleFunc("POST /v1/receipts/{provider}", a.receipt)
	return a.everyAnswer(routed(mux))
}

// document makes the API that operations are added to.
func (a *API) document(mux *http.ServeMux) huma.API {
	problemsOnce.Do(useProblems)
	cfg := huma.DefaultConfig("otpipe", a.Version)
	cfg.CreateHooks = nil // no $schema in the answers
	cfg.DocsPath, cfg.SchemasPath = "", ""
	cfg.OpenAPIPath = "/openapi"
	format := huma.DefaultJSONFormat
	format.Unmarshal = strict
	cfg.Formats = map[string]huma.Format{"application/json": format, "json": format}
	cfg.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		securityScheme: {Type: "http", Scheme: "bearer", BearerFormat: "otk_…", Description: "An API key with the scope that the operation names."},
	}
	api := humago.New(mux, cfg)
	api.UseMiddleware(a.authenticate(api))
	return api
}

// strict refuses what encoding/json lets pass: a doubled field, of which two
// readers might believe different ones, and bytes that are not UTF-8. Unknown
// fields are refused by the schema.
//
// The decoder's own words quote what was sent, so they are replaced.
func strict(data []byte, v any) error {
	err := json.Unmarshal(data, v)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, jsontext.ErrDuplicateName):
		return errors.New("a field stands there twice")
	default:
		return errors.New("this is not JSON, or not of the kind that is wanted here")
	}
}

var problemsOnce sync.Once // huma keeps its error constructor in a variable
