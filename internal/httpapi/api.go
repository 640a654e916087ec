// Package httpapi is the JSON face of otpipe: /v1 on the public listener, and
// the health and metrics pages on the admin listener. It runs in the api; the
// admin pages also in the worker.
package httpapi

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/otpipe/otpipe/internal/deliver"
	"github.com/otpipe/otpipe/internal/origin"
	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/support"
	"github.com/otpipe/otpipe/internal/verify"
	"github.com/otpipe/otpipe/internal/widget"
)

// maxBody is the longest request body, in bytes.
const maxBody = 16 << 10

// Verifier is what the face is a face of; see verify.Service.
type Verifier interface {
	Start(ctx context.Context, who otp.Caller, r verify.StartRequest) (verify.Started, error)
	Check(ctx context.Context, who otp.Caller, r verify.CheckRequest) (verify.Checked, error)
	Get(ctx context.Context, who otp.Caller, id otp.ID) (otp.History, otp.Policy, error)
	Search(ctx context.Context, who otp.Caller, r verify.SearchRequest) (verify.Page, error)
	Cancel(ctx context.Context, who otp.Caller, id otp.ID) (otp.History, otp.Policy, error)
	Unlock(ctx context.Context, who otp.Caller, ns otp.Namespace, to, binding, reason string) (cleared bool, err error)
	Session(ctx context.Context, who otp.Caller, token string, ns otp.Namespace, to string, consume bool) (otp.Session, error)
	SubjectSession(ctx context.Context, who otp.Caller, token string, ns otp.Namespace, subject string, consume bool) (otp.Session, error)
}

// Providers is what operators see and say of providers; see deliver.Providers.
type Providers interface {
	List(ctx context.Context) ([]deliver.Account, error)
	Drain(ctx context.Context, who otp.Caller, name, reason string) (deliver.Account, error)
	Resume(ctx context.Context, who otp.Caller, name, reason string) (deliver.Account, error)
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

// KeySet is the public keys of signed sessions, as a JWK Set (RFC 7517).
type KeySet interface{ JWKS() ([]byte, error) }

// API is wired by app; every field is required.
type API struct {
	Verifier  Verifier
	Factors   Factors
	Receiver  Receiver
	Receipts  map[string]ReceiptReader // by the name of the provider
	Providers Providers
	Explainer support.Explainer
	Auditor   Auditor
	Keys      Keyring
	JWKS      KeySet
	Proxies   origin.Proxies // may be none
	Log       *slog.Logger
	Version   string
}

// Handler serves the public listener.
func (a *API) Handler() http.Handler {
	mux := http.NewServeMux()
	doc := a.document(mux)
	a.verifications(doc)
	a.factors(doc)
	a.sessions(doc)
	a.recipients(doc)
	a.providers(doc)
	a.audit(doc)
	mux.HandleFunc("POST /v1/receipts/{provider}", a.receipt)
	describeReceipts(doc.OpenAPI())
	mux.Handle("GET /docs", docs(doc.OpenAPI()))
	mux.Handle("GET /widget.js", widget.Handler())
	mux.HandleFunc("GET /.well-known/jwks.json", a.keySet)
	return a.everyAnswer(routed(mux))
}
