package httpapi

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"path"
	"regexp"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"go.opentelemetry.io/otel/trace"

	"github.com/otpipe/otpipe/internal/otp"
)

const requestIDHeader = "X-Request-Id"

// answerWithin keeps requests from piling up while the store is away: a caller
// learns within a second that it may try again.
const answerWithin = 900 * time.Millisecond

var requestIDForm = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// nothing is what a browser may load for an answer, should one ever show it.
const nothing = "default-src 'none'; frame-ancestors 'none'"

// everyAnswer gives every answer what the contract says all have: a request id,
// and no place in a cache. A handler that panics answers 500.
func (a *API) everyAnswer(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get(requestIDHeader)
		if !requestIDForm.MatchString(id) {
			id = strings.ToLower(rand.Text())
			r.Header.Set(requestIDHeader, id)
		}
		// JSON is all we speak; and media types are the same in any case.
		r.Header.Del("Accept")
		if media := r.Header.Get("Content-Type"); media != "" {
			r.Header.Set("Content-Type", strings.ToLower(media))
		}
		h := w.Header()
		h.Set(requestIDHeader, id)
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Content-Security-Policy", nothing)
		defer a.recovered(w, r)
		ctx := otp.WithClient(otp.WithRequestID(r.Context(), id), a.Proxies.Of(r))
		ctx, cancel := context.WithTimeout(ctx, answerWithin)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

func (a *API) recovered(w http.ResponseWriter, r *http.Request) {
	if v := recover(); v != nil {
		// The value of a panic may hold anything, so only its type is told.
		a.Log.ErrorContext(otp.WithRequestID(r.Context(), r.Header.Get(requestIDHeader)), "handler panicked", "panic", fmt.Sprintf("%T", v))
		write(w, r, newProblem("internal_error", "this is our fault; the request id finds it in our logs"))
	}
}

// write answers with a problem where huma does not.
func write(w http.ResponseWriter, r *http.Request, p *Problem) {
	p.RequestID = r.Header.Get(requestIDHeader)
	for k, v := range p.headers {
		w.Header()[k] = v
	}
	w.Header().Set("Content-Type", problemType)
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the client went away
}

// routed answers with problems where ServeMux would answer in plain text.
func routed(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != path.Clean(r.URL.Path) {
			notFound(w, r) // ServeMux would redirect, and repeat the path
			return
		}
		handler, pattern := mux.Handler(r)
		if pattern != "" {
			trace.SpanFromContext(r.Context()).SetName(pattern) // and never the path, which may hold anything
			mux.ServeHTTP(w, r)
			return
		}
		var refusal statusOnly
		handler.ServeHTTP(&refusal, r)
		if allow := refusal.Header().Get("Allow"); allow != "" {
			w.Header().Set("Allow", allow)
			write(w, r, newProblem("method_not_allowed", "this path takes "+allow))
			return
		}
		notFound(w, r)
	})
}

func notFound(w http.ResponseWriter, r *http.Request) {
	write(w, r, newProblem("route_not_found", "there is nothing at this path; /docs lists what there is"))
}

// statusOnly keeps the headers of an answer that is not sent.
type statusOnly struct{ header http.Header }

func (s *statusOnly) Header() http.Header {
	if s.header == nil {
		s.header = http.Header{}
	}
	return s.header
}
func (s *statusOnly) Write(b []byte) (int, error) { return len(b), nil }
func (s *statusOnly) WriteHeader(int)             {}

// Instant is a time in an answer: RFC 3339 in UTC with milliseconds.
type Instant time.Time

const instantForm = "2006-01-02T15:04:05.000Z"

// MarshalJSON writes the time.
func (t Instant) MarshalJSON() ([]byte, error) {
	return time.Time(t).UTC().AppendFormat(nil, `"`+instantForm+`"`), nil
}

// UnmarshalJSON reads one, also of another zone and with other fractions of a second.
func (t *Instant) UnmarshalJSON(b []byte) error {
	at, err := time.Parse(`"`+time.RFC3339+`"`, string(b))
	*t = Instant(at)
	return err
}

// Schema describes it.
func (Instant) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "date-time", Examples: []any{"2026-05-04T15:04:05.000Z"}}
}

var _ huma.SchemaProvider = Instant{}

// Unavailable answers everything with 503, for a process that has not reached
// its store yet.
func (a *API) Unavailable() http.Handler {
	return a.everyAnswer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		write(w, r, newProblem("store_unavailable", "the store does not answer; try again").withRetry(time.Second))
	}))
}
