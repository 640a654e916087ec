package httpapi_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/otpipe/otpipe/internal/httpapi"
	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/verify"
)

func TestWhatIsWrongWithAStartIsSaidAndNothingIsWritten(t *testing.T) {
	t.Parallel()
	brand := func(v any) fields { return toPhone.with(fields{"params": fields{"brand": v}}) }
	for name, c := range map[string]struct {
		body    any
		status  int
		code    string
		pointer string
	}{
		"unknown namespace":                                  {toPhone.with(fields{"namespace": "no-such"}), 404, "namespace_not_found", ""},
		"a namespace of no form":                             {toPhone.with(fields{"namespace": "No Such!"}), 404, "namespace_not_found", ""},
		"no namespace":                                       {fields{"to": phone}, 400, "invalid_request", "#"},
		"no recipient":                                       {fields{"namespace": "phone-auth"}, 400, "invalid_request", "#"},
		"an empty recipient":                                 {toPhone.with(fields{"to": ""}), 400, "invalid_recipient", "#/to"},
		"a malformed number":                                 {toPhone.with(fields{"to": "+49 151 letters"}), 400, "invalid_recipient", "#/to"},
		"a number without country":                           {toPhone.with(fields{"to": "015112345678"}), 400, "invalid_recipient", "#/to"},
		"a number that is not there":                         {toPhone.with(fields{"to": "+4915112"}), 400, "invalid_recipient", "#/to"},
		"a fixed line":                                       {toPhone.with(fields{"to": "+493012345678"}), 400, "invalid_recipient", "#/to"},
		"a number with a line break":                         {toPhone.with(fields{"to": phone + "\r\n"}), 400, "invalid_recipient", "#/to"},
		"a malformed mailbox":                                {toMail.with(fields{"to": "anna@"}), 400, "invalid_recipient", "#/to"},
		"a mailbox with CR and LF":                           {toMail.with(fields{"to": "anna@example.com\r\nBcc: b@example.com"}), 400, "invalid_recipient", "#/to"},
		"a mailbox with a line break alone":                  {toMail.with(fields{"to": "anna@example.com\n"}), 400, "invalid_recipient", "#/to"},
		"two mailboxes":                                      {toMail.with(fields{"to": "anna@example.com,b@example.com"}), 400, "invalid_recipient", "#/to"},
		"a mailbox where a number belongs":                   {toPhone.with(fields{"to": mailbox}), 400, "channel_not_allowed", "#/channel"},
		"a number where a mailbox belongs":                   {toMail.with(fields{"to": phone}), 400, "channel_not_allowed", "#/channel"},
		"sms to a mailbox":                                   {fields{"namespace": "forgot-password", "to": mailbox, "channel": "sms"}, 400, "invalid_recipient", "#/to"},
		"a channel the namespace has not":                    {toPhone.with(fields{"channel": "email"}), 400, "channel_not_allowed", "#/channel"},
		"no such channel":                                    {toPhone.with(fields{"channel": "carrier-pigeon"}), 400, "invalid_request", "#/channel"},
		"a locale of no form":                                {toPhone.with(fields{"locale": "en_US"}), 400, "invalid_request", "#/locale"},
		"a long locale":                                      {toPhone.with(fields{"locale": strings.Repeat("a", 36)}), 400, "invalid_request", "#/locale"},
		"a param not declared":                               {toPhone.with(fields{"params": fields{"name": "Anna"}}), 400, "invalid_request", "#/params"},
		"a param of 33 characters":                           {brand(strings.Repeat("ü", 33)), 400, "invalid_request", "#/params/brand"},
		"a param with a line break":                          {brand("a\nb"), 400, "invalid_request", "#/params/brand"},
		"a param with a control character":                   {brand("a\u0007b"), 400, "invalid_request", "#/params/brand"},
		"a param with a C1 control":                          {brand("a\u0085b"), 400, "invalid_request", "#/params/brand"},
		"a param with a line separator":                      {brand("a\u2028b"), 400, "invalid_request", "#/params/brand"},
		"a param that turns text around":                     {brand("a\u202eb"), 400, "invalid_request", "#/params/brand"},
		"a param with a URL":                                 {brand("https://evil"), 400, "invalid_request", "#/params/brand"},
		"a param with a domain":                              {brand("see evil.example"), 400, "invalid_request", "#/params/brand"},
		"a param with an address":                            {brand("pay at 203.0.113.9/x"), 400, "invalid_request", "#/params/brand"},
		"a param with a wide dot":                            {brand("evil．example"), 400, "invalid_request", "#/params/brand"},
		"a param with www":                                   {brand("WWW.evil"), 400, "invalid_request", "#/params/brand"},
		"a param with a domain in letters of another script": {brand("see müller.рф"), 400, "invalid_request", "#/params/brand"},
		"a param that is a number":                           {brand(1), 400, "invalid_request", "#/params/brand"},
		"a param that is null":                               {brand(nil), 400, "invalid_request", "#/params/brand"},
		"params that are a list":                             {toPhone.with(fields{"params": []string{"brand"}}), 400, "invalid_request", "#/params"},
		"a binding of 257 bytes":                             {toPhone.with(fields{"binding": strings.Repeat("b", 257)}), 400, "invalid_request", "#/binding"},
		"a binding of 258 bytes, 129 characters":             {toPhone.with(fields{"binding": strings.Repeat("ü", 129)}), 400, "invalid_request", "#/binding"},
		"a recipient that is a number":                       {toPhone.with(fields{"to": 4915112345678}), 400, "invalid_request", "#/to"},
		"a recipient that is null":                           {`{"namespace":"phone-auth","to":null}`, 400, "invalid_request", "#/to"},
		"a list of recipients":                               {toPhone.with(fields{"to": []string{phone}}), 400, "invalid_request", "#/to"},
		"a namespace that is true":                           {toPhone.with(fields{"namespace": true}), 400, "invalid_request", "#/namespace"},
		"an unknown field":                                   {toPhone.with(fields{"colour": "red"}), 400, "invalid_request", ""},
		"a field in another case":                            {toPhone.with(fields{"Binding": "browser-1"}), 400, "invalid_request", ""},
		"a field in another case too":                        {`{"namespace":"phone-auth","to":"+4915112345678","TO":"+4915112345679"}`, 400, "invalid_request", ""},
		"a doubled field":                                    {`{"namespace":"phone-auth","to":"+4915112345678","to":"+4915112345679"}`, 400, "invalid_request", "#"},
		"a doubled field, escaped":                           {`{"namespace":"phone-auth","to":"+4915112345678","t\u006f":"+4915112345679"}`, 400, "invalid_request", "#"},
		"a doubled param":                                    {`{"namespace":"phone-auth","to":"+4915112345678","params":{"brand":"a","brand":"b"}}`, 400, "invalid_request", "#"},
		"a list":                                             {`[]`, 400, "invalid_request", "#"},
		"null":                                               {`null`, 400, "invalid_request", "#"},
		"a string":                                           {`"to"`, 400, "invalid_request", "#"},
		"an empty object":                                    {`{}`, 400, "invalid_request", "#"},
		"an empty body":                                      {"", 400, "invalid_request", "#"},
		"half of a body":                                     {`{"namespace":"phone-auth","to":"+49151`, 400, "invalid_request", "#"},
		"two bodies":                                         {`{"namespace":"phone-auth","to":"+4915112345678"}{}`, 400, "invalid_request", "#"},
		"no JSON":                                            {"namespace=phone-auth", 400, "invalid_request", "#"},
		"invalid UTF-8":                                      {"{\"namespace\":\"phone-auth\",\"to\":\"+4915112345678\",\"binding\":\"\xff\xfe\"}", 400, "invalid_request", "#"},
		"half of a surrogate pair":                           {`{"namespace":"phone-auth","to":"+4915112345678","binding":"\ud800"}`, 400, "invalid_request", "#"},
		"UTF-16":                                             {"\xff\xfe{\x00}\x00", 400, "invalid_request", "#"},
		"deep nesting":                                       {strings.Repeat("[", 16_000), 400, "invalid_request", "#"},
		"deep nesting, closed":                               {strings.Repeat("[", 8_000) + strings.Repeat("]", 8_000), 400, "invalid_request", "#"},
		"deep nesting inside":                                {`{"namespace":"phone-auth","to":` + strings.Repeat(`{"a":`, 2_000) + "1" + strings.Repeat("}", 2_000) + "}", 400, "invalid_request", "#/to"},
		"a body of 1 MiB":                                    {`{"to":"` + strings.Repeat("a", 1<<20) + `"}`, 413, "body_too_large", ""},
		"a body of 16 KiB and a byte":                        {`{"namespace":"phone-auth","to":"+4915112345678"}` + strings.Repeat(" ", 16<<10+1-48), 413, "body_too_large", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.hide("49151123456")
			a := r.do(request{path: "/v1/verifications", body: c.body})
			if a.status != c.status || a.text("code") != c.code {
				t.Fatalf("%d %q, want %d %q: %s", a.status, a.text("code"), c.status, c.code, a.raw)
			}
			got := pointers(a)
			if c.pointer != "" && !slices.Contains(got, c.pointer) {
				t.Errorf("pointers %v, want %s", got, c.pointer)
			}
			if c.status == http.StatusBadRequest && len(got) == 0 {
				t.Errorf("400 without errors: %s", a.raw)
			}
			r.untouched(map[string]string{}, name)
			if rung := r.ringer.all(); len(rung) > 0 {
				t.Errorf("rung %v", rung)
			}
		})
	}
}

func TestWhatIsJustWithinTheLimitsIsTaken(t *testing.T) {
	t.Parallel()
	text := `{"namespace":"phone-auth","to":"+4915112345678"}`
	for name, body := range map[string]any{
		"a body of 16 KiB":                    text + strings.Repeat(" ", 16<<10-len(text)),
		"a param of 32 characters":            toPhone.with(fields{"params": fields{"brand": strings.Repeat("ü", 32)}}),
		"a binding of 256 bytes":              toPhone.with(fields{"binding": strings.Repeat("b", 256)}),
		"a brand with a full stop":            toPhone.with(fields{"params": fields{"brand": "St. Gallen & Co. 24/7"}}),
		"optional fields that are null":       `{"namespace":"phone-auth","to":"+4915112345678","locale":null,"params":null,"binding":null,"channel":null}`,
		"fields in another order and escaped": `{"t\u006f":"\u002b4915112345678","namespace":"phone-auth"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			newRig(t).do(request{path: "/v1/verifications", body: body}).want(http.StatusAccepted, "")
		})
	}
}

func TestOtherBodiesAreReadAsStrictly(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, op := range operations {
		if op.method != "POST" || op.body == nil {
			continue
		}
		good := op.body.(fields)
		for name, body := range map[string]any{
			"empty":           "",
			"broken":          "{",
			"unknown field":   good.with(fields{"colour": "red"}),
			"doubled":         `{"namespace":"phone-auth","namespace":"add-phone","id":"` + someID + `"}`,
			"another case":    good.with(fields{"Namespace": "phone-auth"}),
			"a binding of it": good.with(fields{"BINDING": "browser"}),
			"a number":        good.with(fields{"namespace": 1}),
		} {
			a := r.do(request{path: op.path, body: body})
			if a.status != http.StatusBadRequest || a.text("code") != "invalid_request" || len(pointers(a)) == 0 {
				t.Errorf("%s: %s: %d %s", op.path, name, a.status, a.raw)
			}
		}
		r.do(request{path: op.path, body: strings.Repeat(" ", 1<<20)}).want(http.StatusRequestEntityTooLarge, "body_too_large")
		r.do(request{path: op.path, body: good, header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}}).
			want(http.StatusUnsupportedMediaType, "unsupported_media_type")
	}
	r.untouched(map[string]string{}, "bodies of no form")
}

func TestABodyIsJSONAndSaysSo(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]int{
		"application/json": 202, "application/json; charset=utf-8": 202, "APPLICATION/JSON": 202,
		"text/plain": 415, "application/xml": 415, "application/cbor": 415, "multipart/form-data; boundary=x": 415, "x": 415,
	} {
		r := newRig(t)
		a := r.do(request{path: "/v1/verifications", body: toPhone, header: map[string]string{"Content-Type": kind}})
		if a.status != want {
			t.Errorf("Content-Type %q: %d, want %d", kind, a.status, want)
		}
	}
}

func TestAnswersAreJSONWhateverIsAcceptedAtTheOtherEnd(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, accept := range []string{"", "*/*", "text/html", "application/xml, */*;q=0.1", "application/cbor", "json", "739182", "application/problem+json", ";;;,"} {
		for _, q := range []request{
			{path: "/v1/verifications/check", body: fields{"id": someID, "code": "739182"}},
			{path: "/v1/verifications/check", body: "{"},
			{path: "/v1/verifications", body: toPhone, key: noKey},
			{path: "/nowhere"},
		} {
			q.header = map[string]string{"Accept": accept}
			r.do(q) // holds the content type to the contract
		}
	}
}

func TestWhatIsNotThereOrNotTakenIsAProblem(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, c := range []struct {
		method, path string
		status       int
		code, allow  string
	}{
		{"GET", "/", 404, "route_not_found", ""},
		{"GET", "/v1", 404, "route_not_found", ""},
		{"GET", "/v1/", 404, "route_not_found", ""},
		{"GET", "/v2/verifications", 404, "route_not_found", ""},
		{"GET", "/metrics", 404, "route_not_found", ""},
		{"GET", "/readyz", 404, "route_not_found", ""},
		{"POST", "/v1/verifications/", 404, "route_not_found", ""},
		{"POST", "/v1/verifications/" + someID + "/resend", 404, "route_not_found", ""},
		{"POST", "/v1//verifications", 404, "route_not_found", ""},
		{"GET", "/v1/./verifications/" + someID, 404, "route_not_found", ""},
		{"GET", "/v1/x/../verifications/" + someID, 404, "route_not_found", ""},
		{"GET", "/v1/verifications", 405, "method_not_allowed", "POST"},
		{"PUT", "/v1/verifications", 405, "method_not_allowed", "POST"},
		{"OPTIONS", "/v1/verifications", 405, "method_not_allowed", "POST"},
		{"DELETE", "/v1/verifications/" + someID, 405, "method_not_allowed", "GET, HEAD"},
		{"GET", "/v1/verifications/" + someID + "/cancel", 405, "method_not_allowed", "POST"},
		{"GET", "/v1/sessions/introspect", 405, "method_not_allowed", "POST"},
		{"GET", "/v1/recipients/unlock", 405, "method_not_allowed", "POST"},
		{"POST", "/openapi.json", 405, "method_not_allowed", "GET, HEAD"},
	} {
		t.Run(c.method+" "+c.path, func(t *testing.T) {
			a := r.do(request{method: c.method, path: c.path})
			if a.status != c.status || a.text("code") != c.code || a.header.Get("Allow") != c.allow {
				t.Errorf("%d %s, Allow %q", a.status, a.text("code"), a.header.Get("Allow"))
			}
		})
	}
}

func TestARequestIDThatIsWellFormedIsKeptAndAnyOtherReplaced(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, q := range []request{
		{method: "GET", path: "/openapi.json"},
		{path: "/v1/verifications", body: toPhone},
		{path: "/v1/verifications", body: toPhone}, // 429
		{path: "/v1/verifications", body: "{"},
		{path: "/v1/verifications", body: strings.Repeat(" ", 1<<20)},
		{path: "/v1/verifications", body: toPhone, key: noKey},
		{path: "/v1/verifications", body: toPhone, key: keyOf(otp.ScopeRead)},
		{method: "GET", path: "/v1/verifications/" + someID},
		{method: "GET", path: "/v1/verifications"},
		{path: "/nowhere"},
		report("/v1/receipts/twilio", "sent", authToken),
		report("/v1/receipts/nobody", "sent", authToken),
	} {
		asked := func(id string) string {
			own := request{method: q.method, path: q.path, key: q.key, body: q.body, header: map[string]string{"X-Request-Id": id}}
			for k, v := range q.header {
				own.header[k] = v
			}
			return r.do(own).header.Get("X-Request-Id")
		}
		for _, good := range []string{"a", "req-1_2.3", strings.Repeat("Z", 64)} {
			if got := asked(good); got != good {
				t.Errorf("%s: %q became %q", q.path, good, got)
			}
		}
		for _, bad := range []string{strings.Repeat("Z", 65), "a b", "a@example.com", "+4915112345678", "ä", "<script>"} {
			if got := asked(bad); got == bad {
				t.Errorf("%s: %q was kept", q.path, bad)
			}
		}
		if one, other := asked(""), asked(""); one == other {
			t.Errorf("%s: two requests have the id %s", q.path, one)
		}
	}
}

// fake answers starts as told. It has no other method.
type fake struct {
	httpapi.Verifier
	start func(ctx context.Context) error
}

func (f fake) Start(ctx context.Context, _ otp.Caller, _ verify.StartRequest) (verify.Started, error) {
	return verify.Started{}, f.start(ctx)
}

func TestOurOwnFaultsTellNothing(t *testing.T) {
	t.Parallel()
	const canary = "739182 for +4915199887766"
	for name, start := range map[string]func(context.Context) error{
		"a panic with a text":    func(context.Context) error { panic(canary) },
		"a panic with an error":  func(context.Context) error { panic(errors.New(canary)) },
		"a panic of the runtime": func(context.Context) error { var v any = canary; return v.(error) },
		"an unexpected error":    func(context.Context) error { return fmt.Errorf("store: %s", canary) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			s := serve(t, r.api(fake{start: start}).Handler())
			a := r.doAt(s, request{path: "/v1/verifications", body: toPhone, header: map[string]string{"X-Request-Id": "find-me"}})
			a.want(http.StatusInternalServerError, "internal_error").silent("739182", "99887766")
			if log := r.log.String(); !strings.Contains(log, "find-me") {
				t.Errorf("the log does not find the request: %s", log)
			}
			if strings.HasPrefix(name, "a panic") && strings.Contains(r.log.String(), "739182") {
				t.Errorf("the log tells the panic's value: %s", r.log)
			}
			// The listener is still there.
			r.doAt(s, request{path: "/v1/verifications", body: "{"}).want(http.StatusBadRequest, "invalid_request")
		})
	}
}

func TestAStoreThatIsTooSlowIsUnavailable(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := serve(t, r.api(fake{start: func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, time.Millisecond)
		defer cancel()
		<-ctx.Done()
		return fmt.Errorf("start: %w", ctx.Err())
	}}).Handler())
	r.doAt(s, request{path: "/v1/verifications", body: toPhone}).want(http.StatusServiceUnavailable, "store_unavailable")
}

func TestAHandlerLearnsThatItsClientWentAway(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	began, ended := make(chan struct{}), make(chan struct{})
	s := serve(t, r.api(fake{start: func(ctx context.Context) error {
		close(began)
		<-ctx.Done()
		close(ended)
		return ctx.Err()
	}}).Handler())
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-began; cancel() }()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/v1/verifications", strings.NewReader(`{"namespace":"phone-auth","to":"+4915112345678"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+keyAll)
	if res, err := s.Client().Do(req); err == nil {
		_ = res.Body.Close()
		t.Fatal("answered")
	}
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		t.Fatal("the handler still waits")
	}
}

// raw sends bytes as they are and reads one answer.
func raw(t testing.TB, s *httptest.Server, text string) (int, string) {
	t.Helper()
	c, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

func TestABodyWhoseChunksAreBrokenIsTheClientsFault(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	status, body := raw(t, r.server, "POST /v1/verifications HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+keyAll+
		"\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n739182zz\r\n{}\r\n0\r\n\r\n")
	if status != http.StatusBadRequest || strings.Contains(body, "739182") {
		t.Errorf("%d: %s", status, body)
	}
}

func TestAProcessWithoutItsStoreAnswersEverythingWithItsProblem(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := serve(t, r.api(r.service).Unavailable())
	for _, q := range []request{
		{path: "/v1/verifications", body: toPhone}, {path: "/v1/verifications", key: noKey}, {method: "GET", path: "/"},
	} {
		r.doAt(s, q).want(http.StatusServiceUnavailable, "store_unavailable")
	}
}

func TestAProblemsErrorsHaveTheContractsForm(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.start(toPhone.with(fields{"to": "12"})).want(http.StatusBadRequest, "invalid_recipient")
	want := fields{
		"type": "urn:otpipe:problem:invalid_recipient", "title": "Bad Request", "status": 400.0, "code": "invalid_recipient",
		"detail": a.body["detail"], "request_id": a.header.Get("X-Request-Id"),
		"errors": []any{map[string]any{"pointer": "#/to", "detail": "not a phone number in international form; write + and the country code, then the number, in digits"}},
	}
	if d := cmp.Diff(want, a.body); d != "" {
		t.Error(d)
	}
}
