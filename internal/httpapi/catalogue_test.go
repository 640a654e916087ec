package httpapi_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/otpipe/otpipe/internal/audit"
	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/totp"
)

// promises are the codes that the document in the repository lists for each
// operation, by its method and path.
var promises = sync.OnceValue(func() map[string][]string {
	raw, err := os.ReadFile(golden)
	if err != nil {
		panic(err)
	}
	var doc struct {
		Paths map[string]map[string]operationDoc `json:"paths"`
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		panic(err)
	}
	all := map[string][]string{}
	for at, item := range doc.Paths {
		for method, op := range item {
			name := strings.ToUpper(method) + " " + at
			for _, response := range op.Responses {
				all[name] = slices.AppendSeq(all[name], maps.Keys(response.Content["application/problem+json"].Examples))
			}
		}
	}
	return all
})

// asked finds the operation of the document that a request was for.
var asked = sync.OnceValue(func() *http.ServeMux {
	mux := http.NewServeMux()
	for name := range promises() {
		mux.Handle(name, http.NotFoundHandler())
	}
	return mux
})

// promised fails unless the document lists the problem for the operation that
// was asked. What is asked of no operation has its two problems.
func (a answer) promised() {
	a.t.Helper()
	method, target, _ := strings.Cut(a.asked, " ")
	req, err := http.NewRequestWithContext(a.t.Context(), method, target, http.NoBody)
	if err != nil {
		return
	}
	var operation string
	if req.URL.Path == path.Clean(req.URL.Path) { // no other is routed
		_, operation = asked().Handler(req)
	}
	codes := promises()[operation]
	if operation == "" {
		codes = []string{"route_not_found", "method_not_allowed", "store_unavailable"}
	}
	if code := a.text("code"); !slices.Contains(codes, code) {
		a.t.Errorf("%s: %s, which the document does not list for %q: %v", a.asked, code, operation, codes)
	}
}

// bodies are good ones for the operations that take one.
var bodies = map[string]fields{
	"POST /v1/verifications":           toPhone,
	"POST /v1/verifications/check":     toPhone.with(fields{"code": "739182"}),
	"POST /v1/verifications/search":    {"to": phone},
	"POST /v1/sessions/introspect":     toPhone.with(fields{"token": "ots_0a"}),
	"POST /v1/sessions/consume":        toPhone.with(fields{"token": "ots_0a"}),
	"POST /v1/recipients/unlock":       toPhone.with(fields{"reason": "ticket 4711"}),
	"POST /v1/providers/{name}/drain":  {"reason": "maintenance"},
	"POST /v1/audit/search":            {"to": phone},
	"POST /v1/providers/{name}/resume": {"reason": "maintenance"},
	"POST /v1/factors":                 toEnrol,
	"POST /v1/factors/{id}/confirm":    {"code": "739182"},
	"POST /v1/factors/{id}/check":      {"code": "739182"},
}

// provoke asks an operation so that it answers with a problem.
type provoke func(r *rig, operation string) answer

// asking sends an operation's good request, but for what is changed.
func asking(change func(q *request)) provoke {
	return func(r *rig, operation string) answer { return r.do(requestOf(operation, change)) }
}

func requestOf(operation string, change func(q *request)) request {
	method, target, _ := strings.Cut(operation, " ")
	q := report(receiptPath("twilio", someID), "delivered", authToken)
	if !strings.HasPrefix(target, "/v1/receipts/") {
		q = request{method: method, path: strings.NewReplacer(factors+"/{id}", factors+"/"+someFactor, "{id}", someID, "{name}", "twilio").Replace(target)}
		if operation == "GET "+factors {
			q.path += whose
		}
		if body, takes := bodies[operation]; takes {
			q.body = body
		}
	}
	if change != nil {
		change(&q)
	}
	return q
}

// with changes fields of the body.
func with(more fields) provoke {
	return asking(func(q *request) { q.body = q.body.(fields).with(more) })
}

// provocations are what each problem takes.
var provocations = map[string]provoke{
	"invalid_request":         invalid,
	"invalid_recipient":       with(fields{"to": "12"}),
	"invalid_code_format":     misshapen,
	"channel_not_allowed":     with(fields{"channel": "email"}),
	"idempotency_key_invalid": asking(func(q *request) { q.header = map[string]string{"Idempotency-Key": strings.Repeat("k", 256)} }),
	"unauthenticated":         asking(func(q *request) { q.key = noKey }),
	"insufficient_scope":      unscoped,
	"namespace_not_allowed":   foreign,
	"signature_invalid":       asking(func(q *request) { *q = report(q.path, "delivered", "another token") }),
	"verification_not_found":  asking(nil),
	"namespace_not_found":     nowhere,
	"provider_not_found":      asking(func(q *request) { q.path = strings.Replace(q.path, "twilio", "nobody", 1) }),
	"audit_not_searchable":    untrailed,
	"method_not_allowed":      asking(nil),
	"route_not_found":         asking(func(q *request) { q.path = strings.Replace(q.path, "twilio", "nobody", 1) }),
	"idempotency_in_flight":   inFlight,
	"already_finished":        finished,
	"body_too_large":          asking(func(q *request) { q.body = strings.Repeat(" ", 1<<20) }),
	"unsupported_media_type":  asking(func(q *request) { q.header = map[string]string{"Content-Type": "text/plain"} }),
	"idempotency_key_reused":  reused,
	"destination_not_allowed": with(fields{"to": "+33612345678"}),
	"rate_limited":            crowd,
	"cooldown_active":         func(r *rig, _ string) answer { r.start(toPhone); return r.start(toPhone) },
	"send_limit_reached":      often(5, 10),
	"daily_quota_exceeded":    often(10, 5),
	"recipient_locked":        locked,
	"factor_not_found":        asking(nil),
	"factors_not_kept":        unkept,
	"factor_unconfirmed":      enrolled(func(*rig, enrolment) {}),
	"factor_confirmed":        enrolled(func(r *rig, f enrolment) { r.confirm(f) }),
	"too_many_factors":        crowded,
	"factor_locked":           guessed,
	"internal_error":          broken,
	"store_unavailable":       unreachable,
}

func invalid(r *rig, operation string) answer {
	if strings.HasPrefix(operation, "POST /v1/receipts/") {
		return brokenOff(r, operation)
	}
	return r.do(requestOf(operation, func(q *request) {
		if q.method == http.MethodGet {
			q.path = strings.TrimSuffix(q.path, whose)
			return
		}
		q.body = "{}"
		if strings.HasPrefix(operation, "POST /v1/audit/") { // which needs nothing
			q.body = `{"id":"VE12"}`
		}
	}))
}

// unscoped asks with a key that may do something else.
func unscoped(r *rig, operation string) answer {
	return r.do(requestOf(operation, func(q *request) {
		q.key = keyOf(otp.ScopeSend)
		if operation == "POST /v1/verifications" || operation == "POST "+factors || strings.HasSuffix(operation, "/cancel") {
			q.key = keyOf(otp.ScopeCheck)
		}
	}))
}

// foreign asks with a key that has not all namespaces.
func foreign(r *rig, operation string) answer {
	return r.do(requestOf(operation, func(q *request) {
		q.key = keyPhone
		if q.method == http.MethodGet {
			q.path = strings.Replace(q.path, "phone-auth", "verify-email", 1)
			return
		}
		if body := q.body.(fields); body["namespace"] != nil || operation == "POST /v1/verifications/search" {
			q.body = body.with(fields{"namespace": "verify-email"})
		}
	}))
}

// misshapen asks about a code that is none.
func misshapen(r *rig, operation string) answer {
	if strings.Contains(operation, factors) {
		bad := fields{"code": "12"}
		return r.do(request{path: factors + "/" + r.enrol().id + operation[strings.LastIndexByte(operation, '/'):], body: bad})
	}
	return with(fields{"code": "12"})(r, operation)
}

// nowhere asks of a namespace that is not configured.
func nowhere(r *rig, operation string) answer {
	return r.do(requestOf(operation, func(q *request) {
		if q.method == http.MethodGet {
			q.path = strings.Replace(q.path, "phone-auth", "no-such", 1)
			return
		}
		q.body = q.body.(fields).with(fields{"namespace": "no-such"})
	}))
}

// unkept asks where there is no database.
func unkept(r *rig, operation string) answer {
	api := r.api(r.service)
	api.Factors = &totp.Service{}
	return r.doAt(serve(r.t, api.Handler()), requestOf(operation, nil))
}

// enrolled asks about a factor of which more has been done.
func enrolled(before func(r *rig, f enrolment), key ...string) provoke {
	return func(r *rig, operation string) answer {
		f := r.enrol()
		before(r, f)
		q := requestOf(operation, func(q *request) { q.path = strings.Replace(q.path, someFactor, f.id, 1) })
		for _, k := range key {
			q = again(q, k)
		}
		return r.do(q)
	}
}

// crowded asks for one factor too many.
func crowded(r *rig, operation string) answer {
	for range totp.MostFactors {
		r.enrol()
	}
	return r.do(requestOf(operation, nil))
}

// guessed asks after as many wrong codes as are compared.
func guessed(r *rig, operation string) answer {
	return enrolled(func(r *rig, f enrolment) {
		if strings.HasSuffix(operation, "/check") {
			r.confirm(f)
		}
		for range 5 {
			r.do(request{path: factors + "/" + f.id + operation[strings.LastIndexByte(operation, '/'):], body: fields{"code": f.wrong()}}).ok()
		}
		r.pass(time.Minute)
	})(r, operation)
}

// inFlight asks while another process still works on the same request.
func inFlight(r *rig, operation string) answer {
	if strings.Contains(operation, factors) {
		return inFlightOfFactor(r, operation)
	}
	endpoint := operation[strings.LastIndexByte(operation, '/')+1:]
	said := []string{"check", "", "phone-auth", phone, "739182", ""}
	if endpoint == "verifications" {
		endpoint, said = "start", []string{"start", "phone-auth", phone, "sms", "", ""}
	}
	elsewhere := otp.Repeatable{Nonce: otp.NonceOf("all", endpoint, "order-17"), Mark: r.keys.MarkOf(said...), By: "another-process"}
	if _, err := r.store.Recall(r.t.Context(), elsewhere); err != nil {
		r.t.Fatal(err)
	}
	return r.do(again(requestOf(operation, nil), "order-17"))
}

func inFlightOfFactor(r *rig, operation string) answer {
	return enrolled(func(r *rig, f enrolment) {
		elsewhere := otp.Repeatable{Nonce: otp.NonceOf("all", "check-factor", "order-17"), Mark: r.keys.MarkOf("check-factor", f.id, "739182", ""), By: "another-process"}
		if _, err := r.store.Recall(r.t.Context(), elsewhere); err != nil {
			r.t.Fatal(err)
		}
	}, "order-17")(r, operation)
}

func reused(r *rig, operation string) answer {
	if strings.Contains(operation, factors) {
		return enrolled(func(r *rig, f enrolment) {
			r.confirm(f)
			r.do(again(request{path: factors + "/" + f.id + "/check", body: fields{"code": f.wrong()}}, "order-17")).ok()
		}, "order-17")(r, operation)
	}
	q := again(requestOf(operation, nil), "order-17")
	r.do(q)
	q.body = q.body.(fields).with(fields{"binding": "another browser"})
	return r.do(q)
}

func finished(r *rig, operation string) answer {
	id, code := r.started(toPhone)
	r.check(fields{"id": id, "code": code}).ok()
	return r.do(requestOf(operation, func(q *request) { q.path = strings.Replace(q.path, someID, id, 1) }))
}

func locked(r *rig, operation string) answer {
	_, code := r.started(toPhone)
	for range 5 {
		r.check(toPhone.with(fields{"code": wrong(code)})).ok()
	}
	r.pass(time.Minute)
	return r.do(requestOf(operation, nil))
}

// often has a code sent until that is refused.
func often(sends, daily int) provoke {
	return func(r *rig, _ string) answer {
		policy := r.service.Namespaces[otp.PhoneAuth]
		policy.Cooldown, policy.AllCooldown, policy.MaxSends, policy.Daily = time.Second, time.Second, sends, daily
		r.service.Namespaces[otp.PhoneAuth] = policy
		for range min(sends, daily) {
			r.hand(r.start(toPhone).want(http.StatusAccepted, ""), "SM1")
			r.pass(time.Second)
		}
		return r.start(toPhone)
	}
}

// untrailed asks where there is no audit trail.
func untrailed(r *rig, operation string) answer {
	api := r.api(r.service)
	api.Auditor = &audit.Searcher{}
	return r.doAt(serve(r.t, api.Handler()), requestOf(operation, nil))
}

// crowd asks for one person more than may ask from an address.
func crowd(r *rig, operation string) answer {
	from := func(to string) fields { return toPhone.with(fields{"to": to, "limits": fields{"ip": "192.0.2.1"}}) }
	r.started(from("+4915123456780"))
	r.started(from("+4915123456781"))
	return r.do(requestOf(operation, func(q *request) { q.body = from("+4915123456782") }))
}

// broken asks a process one of whose parts is not there.
func broken(r *rig, operation string) answer {
	api := r.api(nil)
	api.Receiver, api.Providers, api.Auditor, api.Factors = nil, nil, nil, nil
	return r.doAt(serve(r.t, api.Handler()), requestOf(operation, nil))
}

// unreachable asks when there is no way to the store any more.
func unreachable(r *rig, operation string) answer {
	q := requestOf(operation, nil)
	if body, ok := q.body.(fields); ok && body["token"] != nil {
		q.body = body.with(fields{"token": "ots_" + r.partition() + strings.Repeat("0", 43)}) // any other is no session
	}
	_ = r.rdb.Close()
	if strings.Contains(operation, factors) {
		r.loseDatabase()
	}
	return r.do(q)
}

// brokenOff sends a body whose end does not come as it was announced.
func brokenOff(r *rig, operation string) answer {
	target := requestOf(operation, nil).path
	status, body := raw(r.t, r.server, "POST "+target+" HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
	a := answer{t: r.t, asked: "POST " + target, status: status, raw: body}
	if err := json.Unmarshal([]byte(body), &a.body); err != nil {
		r.t.Fatal(err)
	}
	return a
}

func TestEveryOperationAnswersWithEachProblemThatTheDocumentListsForIt(t *testing.T) {
	t.Parallel()
	for operation, codes := range promises() {
		for _, code := range codes {
			t.Run(operation+" "+code, func(t *testing.T) {
				t.Parallel()
				way, known := provocations[code]
				if !known {
					t.Fatal("nobody knows how to provoke it")
				}
				if a := way(newRig(t), operation); a.text("code") != code {
					t.Errorf("%d %s", a.status, a.raw)
				}
			})
		}
	}
}

// problemDocs are the problems as the served document explains them.
func problemDocs(t *testing.T, r *rig) map[string]problemDoc {
	t.Helper()
	var doc struct {
		Components struct {
			Examples map[string]problemDoc `json:"examples"`
		} `json:"components"`
	}
	if err := json.Unmarshal([]byte(r.do(request{method: http.MethodGet, path: "/openapi.json", key: noKey}).ok().raw), &doc); err != nil {
		t.Fatal(err)
	}
	return doc.Components.Examples
}

type problemDoc struct {
	Summary     string `json:"summary"`
	Description string `json:"description"`
	Value       fields `json:"value"`
}

func TestEveryProblemIsExplainedByOneThatWasReallyAnswered(t *testing.T) {
	t.Parallel()
	docs := problemDocs(t, newRig(t))
	if d := cmp.Diff(slices.Sorted(maps.Keys(docs)), slices.Sorted(maps.Keys(provocations))); d != "" {
		t.Errorf("documented, and provoked:\n%s", d)
	}
	for code, doc := range docs {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			if doc.Summary == "" || doc.Description == "" {
				t.Error("what it means, or what to do, is not said")
			}
			got := provocations[code](newRig(t), someOperation(code)).body
			for _, body := range []fields{doc.Value, got} {
				body["request_id"] = "an id"
				if n, _ := body["retry_after"].(float64); n > 1 {
					body["retry_after"] = "a while"
				}
			}
			if d := cmp.Diff(earlier{}.told(map[string]any(doc.Value)), earlier{}.told(map[string]any(got))); d != "" {
				t.Error(d)
			}
		})
	}
}

// someOperation is one that lists a problem.
func someOperation(code string) string {
	if code == "route_not_found" {
		return "GET /nowhere"
	}
	for _, operation := range []string{"POST /v1/verifications", "POST /v1/verifications/check"} {
		if slices.Contains(promises()[operation], code) {
			return operation
		}
	}
	for _, operation := range slices.Sorted(maps.Keys(promises())) {
		if slices.Contains(promises()[operation], code) {
			return operation
		}
	}
	return "PUT /v1/verifications" // which is none
}

func TestTheGuideNamesEveryProblem(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	for code := range provocations {
		if !strings.Contains(string(guide), "`"+code+"`") {
			t.Errorf("docs/api.md does not name %s", code)
		}
	}
}
