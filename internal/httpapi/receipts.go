package httpapi

import (
	"errors"
	"net/http"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

// receipt takes a provider's report about a message: 204 whether it changed
// anything or not, so that the provider does not come again; 403 if it is not
// from the provider.
func (a *API) receipt(w http.ResponseWriter, r *http.Request) {
	reader, known := a.Receipts[r.PathValue("provider")]
	if !known {
		write(w, r, newProblem("route_not_found", "no provider of this name reports here"))
		return
	}
	rc, err := reader.Parse(r)
	switch {
	case errors.Is(err, otp.ErrForged):
		a.Log.WarnContext(r.Context(), "receipt refused", "provider", r.PathValue("provider"), "reason", "signature")
		write(w, r, newProblem("signature_invalid", "the signature is wrong"))
	case errors.Is(err, otp.ErrForeign):
		w.WriteHeader(http.StatusNoContent)
	case tooLarge(err):
		write(w, r, newProblem("body_too_large", "the body is longer than any receipt"))
	case err != nil:
		write(w, r, newProblem("invalid_request", "the body cannot be read"))
	default:
		a.receive(w, r, rc)
	}
}

func tooLarge(err error) bool {
	_, ok := errors.AsType[*http.MaxBytesError](err)
	return ok
}

func (a *API) receive(w http.ResponseWriter, r *http.Request, rc otp.Receipt) {
	moved, err := a.Receiver.Receive(r.Context(), rc)
	if err != nil {
		a.Log.ErrorContext(r.Context(), "receipt not written", "order", rc.Order.String(), "error", err)
		write(w, r, newProblem("store_unavailable", "the store does not answer; try again").withRetry(time.Second))
		return
	}
	a.Log.InfoContext(r.Context(), "receipt", "order", rc.Order.String(), "attempt", rc.Attempt, "provider", rc.Provider,
		"state", string(rc.State), "reason", rc.Reason, "moved", moved)
	w.WriteHeader(http.StatusNoContent)
}
