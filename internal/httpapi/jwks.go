package httpapi

import "net/http"

// keySet is for whoever verifies signed sessions. Unlike other answers it may be kept:
// a key is in it for a while before anything is signed with it.
func (a *API) keySet(w http.ResponseWriter, r *http.Request) {
	set, err := a.JWKS.JWKS()
	if err != nil {
		a.Log.ErrorContext(r.Context(), "request failed", "operation", "jwks", "error", err)
		write(w, r, newProblem("internal_error", "this is our fault; the request id finds it in our logs"))
		return
	}
	w.Header().Set("Content-Type", "application/jwk-set+json")
	w.Header().Set("Cache-Control", "public, max-age=300")
	_, _ = w.Write(set) // the client went away
}
