package httpapi_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// fields is a JSON object.
type fields map[string]any

// with is f and more; what is nil in more is left out.
func (f fields) with(more fields) fields {
	out := maps.Clone(f)
	for k, v := range more {
		out[k] = v
		if v == nil {
			delete(out, k)
		}
	}
	return out
}

// request is sent as a POST of JSON by keyAll unless it says otherwise.
type request struct {
	method, path, key string
	body              any // fields, or a string as it is
	header            map[string]string
}

// answer is what came back.
type answer struct {
	t      testing.TB
	asked  string
	status int
	header http.Header
	raw    string
	body   fields
}

var (
	requestIDForm = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)
	idForm        = regexp.MustCompile(`^VE[0-9a-f]{32}$`)
	factorForm    = regexp.MustCompile(`^FA[0-9a-f]{32}$`)
	tokenForm     = regexp.MustCompile(`^(ots_[A-Za-z0-9_-]{45}|eyJ[A-Za-z0-9_.-]{200,800})$`)
	clockForm     = regexp.MustCompile(`\d\d:\d\d UTC`)
)

// do sends q and holds the answer to what the contract says of every answer.
func (r *rig) do(q request) answer { return r.doAt(r.server, q) }

func (r *rig) doAt(s *httptest.Server, q request) answer {
	r.t.Helper()
	a, err := r.try(s, q)
	if err != nil {
		r.t.Errorf("%s: %v", a.asked, err)
		return a
	}
	a.ordinary()
	a.silent(r.hidden()...)
	return a
}

func (r *rig) try(s *httptest.Server, q request) (answer, error) {
	if q.method == "" {
		q.method = http.MethodPost
	}
	a := answer{t: r.t, asked: q.method + " " + q.path}
	var body io.Reader
	switch b := q.body.(type) {
	case nil:
	case string:
		body = strings.NewReader(b)
	default:
		text, err := json.Marshal(b)
		if err != nil {
			return a, err
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(r.t.Context(), q.method, s.URL+q.path, body)
	if err != nil {
		return a, err
	}
	if q.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if q.key == "" {
		q.key = keyAll
	}
	if q.key != noKey {
		req.Header.Set("Authorization", "Bearer "+q.key)
	}
	for k, v := range q.header {
		req.Header.Set(k, v)
	}
	res, err := s.Client().Do(req)
	if err != nil {
		return a, err
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return a, err
	}
	a.status, a.header, a.raw = res.StatusCode, res.Header, string(text)
	if len(text) > 0 && json.Unmarshal(text, &a.body) != nil {
		return a, fmt.Errorf("answer %d is not JSON: %s", a.status, text)
	}
	return a, nil
}

// ordinary holds an answer to what is said of all of them.
func (a answer) ordinary() {
	a.t.Helper()
	for _, name := range []string{"X-Content-Type-Options", "Referrer-Policy", "Content-Security-Policy"} {
		if a.header.Get(name) == "" {
			a.t.Errorf("%s: %d without %s", a.asked, a.status, name)
		}
	}
	if got := a.header.Get("Cache-Control"); got != "no-store" {
		a.t.Errorf("%s: %d with Cache-Control %q", a.asked, a.status, got)
	}
	id := a.header.Get("X-Request-Id")
	if !requestIDForm.MatchString(id) || len(a.header.Values("X-Request-Id")) != 1 {
		a.t.Errorf("%s: %d with X-Request-Id %q", a.asked, a.status, a.header.Values("X-Request-Id"))
	}
	if a.status < 300 {
		if got := a.header.Get("Content-Type"); len(a.raw) > 0 && got != "application/json" && got != "application/openapi+json" {
			a.t.Errorf("%s: %d with Content-Type %q", a.asked, a.status, got)
		}
		return
	}
	a.problem(id)
}

// problem holds an answer to the form of problems.
func (a answer) problem(id string) {
	a.t.Helper()
	if got := a.header.Get("Content-Type"); got != "application/problem+json" {
		a.t.Errorf("%s: %d with Content-Type %q: %s", a.asked, a.status, got, a.raw)
		return
	}
	code, _ := a.body["code"].(string)
	want := fields{"type": "urn:otpipe:problem:" + code, "title": http.StatusText(a.status), "status": float64(a.status), "request_id": id}
	for k, v := range want {
		if a.body[k] != v {
			a.t.Errorf("%s: %d with %s %v, want %v", a.asked, a.status, k, a.body[k], v)
		}
	}
	a.promised()
	if _, has := a.body["errors"]; has && a.status != http.StatusBadRequest {
		a.t.Errorf("%s: %d with errors: %s", a.asked, a.status, a.raw)
	}
	if again := a.status == http.StatusTooManyRequests || a.status == http.StatusServiceUnavailable; again {
		seconds, _ := a.body["retry_after"].(float64)
		if seconds < 1 || a.header.Get("Retry-After") != fmt.Sprint(int(seconds)) {
			a.t.Errorf("%s: %d with Retry-After %q, retry_after %v", a.asked, a.status, a.header.Get("Retry-After"), a.body["retry_after"])
		}
	}
}

// silent fails if the answer holds one of what must stay inside, in whatever
// case. X-Request-Id is the caller's own.
func (a answer) silent(secrets ...string) {
	a.t.Helper()
	header := a.header.Clone()
	header.Del("X-Request-Id")
	var text strings.Builder
	_ = header.Write(&text)
	text.WriteString(strings.ReplaceAll(a.raw, fmt.Sprintf(`"request_id":%q`, a.header.Get("X-Request-Id")), ""))
	all := strings.ToLower(text.String())
	for _, s := range secrets {
		if strings.Contains(all, strings.ToLower(s)) {
			a.t.Errorf("%s: %d tells %q: %s", a.asked, a.status, s, text.String())
		}
	}
}

func (r *rig) hide(s string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.secrets = append(r.secrets, s)
}

func (r *rig) hidden() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.secrets...)
}

// want fails the test unless the status is right and, of a problem, the code.
func (a answer) want(status int, code string) answer {
	a.t.Helper()
	if got, _ := a.body["code"].(string); a.status != status || got != code {
		a.t.Fatalf("%s: %d %q, want %d %q: %s", a.asked, a.status, got, status, code, a.raw)
	}
	return a
}

func (a answer) ok() answer {
	a.t.Helper()
	return a.want(http.StatusOK, "")
}

func (a answer) text(field string) string {
	s, _ := a.body[field].(string)
	return s
}

func (a answer) at(field string) time.Time {
	a.t.Helper()
	return instant(a.t, a.body[field])
}

// instant reads a time in the contract's form: UTC, with milliseconds.
func instant(t testing.TB, v any) time.Time {
	t.Helper()
	s, _ := v.(string)
	at, err := time.Parse("2006-01-02T15:04:05.000Z", s)
	if err != nil {
		t.Fatalf("not an instant: %v", v)
	}
	return at
}

// number is a field that must be a number.
func (a answer) number(field string) float64 {
	a.t.Helper()
	n, ok := a.body[field].(float64)
	if !ok {
		a.t.Fatalf("%s: no %s: %s", a.asked, field, a.raw)
	}
	return n
}

// token is the session token of a right check.
func (a answer) token() string {
	a.t.Helper()
	session, _ := a.body["session"].(map[string]any)
	token, _ := session["token"].(string)
	if token == "" {
		a.t.Fatalf("%s: no session: %s", a.asked, a.raw)
	}
	return token
}

func TestASpanIsNamedByTheRouteAndNeverByThePath(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	handler := r.api(r.service).Handler()
	kept := tracetest.NewSpanRecorder()
	tracer := sdk.NewTracerProvider(sdk.WithSpanProcessor(kept)).Tracer("test")
	for path, want := range map[string]string{
		"/v1/verifications/VE0a1b2c3d4e5f60718293a4b5c6d7e8f9": "GET /v1/verifications/{id}",
		"/v1/verifications/+4915199887766":                     "GET /v1/verifications/{id}",
		"/v1/providers":                                        "GET /v1/providers",
		"/v1/+4915199887766":                                   "unnamed",
	} {
		ctx, span := tracer.Start(t.Context(), "unnamed")
		handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, http.MethodGet, path, http.NoBody))
		span.End()
		ended := kept.Ended()
		if got := ended[len(ended)-1].Name(); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}
