package e2e_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	// outageAnswer is how long an answer may take while Redis is away.
	outageAnswer = time.Second
	// outageOver is how long everything may take to work once Redis is back.
	outageOver = 2 * time.Second
)

// TestWithoutRedisTheProcessesSayWhyAndComeBackByThemselves starts both without
// a Redis, then takes it away again: killed, and frozen. It measures time, so it
// does not run beside others.
func TestWithoutRedisTheProcessesSayWhyAndComeBackByThemselves(t *testing.T) {
	r := newRig(t, "--appendonly", "yes")
	r.redis.Kill()
	a, w := r.launchAPI(settings{}), r.launchWorker(settings{})
	for _, p := range []*process{a.process, w} {
		eventually(t, 30*time.Second, p.name+" says why it waits", func() bool { return p.said("store cannot be reached, trying on") })
		if status, _ := p.fetch("/livez"); status != http.StatusOK {
			t.Errorf("%s: livez: %d", p.name, status)
		}
	}
	before := r.phone()
	out := outage{rig: r, api: a, worker: w}
	out.stays("before its first Redis")
	out.ends("its first Redis", func() { r.redis.Restart(t) })

	v := a.start(t, "load", before)
	code := r.code(before, slack(outageOver))
	out.known = v.ID
	other := r.phone()
	a.start(t, "load", other)
	out.session = map[string]string{"namespace": "load", "to": other, "token": a.check(t, "load", other, r.code(other, slack(outageOver))).Session.Token}
	for _, c := range []struct {
		name        string
		away, again func()
	}{
		{"killed", r.redis.Kill, func() { r.redis.Restart(t) }},
		{"frozen", r.redis.Freeze, r.redis.Thaw},
		{"frozen and killed", func() { r.redis.Freeze(); out.stays("frozen first"); r.redis.Kill() }, func() { r.redis.Restart(t) }},
	} {
		c.away()
		out.stays(c.name)
		out.ends(c.name, c.again)
	}
	if got := a.do(http.MethodPost, "/v1/sessions/introspect", out.session); !strings.Contains(string(got.body), `"active":true`) {
		t.Errorf("the session from before: %v", got)
	}
	if got := a.check(t, "load", before, code); !got.Valid {
		t.Errorf("the code from before is %s", got.Reason)
	}
	for _, p := range []*process{a.process, w} {
		if !p.runs() {
			t.Errorf("%s ended", p.name)
		}
		if n := strings.Count(p.text(), "\n"); n > 2000 {
			t.Errorf("%s wrote %d lines", p.name, n)
		}
	}
}

// outage is what must hold while Redis is away.
type outage struct {
	*rig
	api    api
	worker *process

	known   string            // the id of a verification
	session map[string]string // what names an active session
}

// stays asks everything, one by one and fifty at a time.
func (o *outage) stays(when string) {
	o.Helper()
	id := o.known
	if id == "" {
		id = "VE00" + strings.Repeat("0", 30)
	}
	to := map[string]string{"namespace": "load", "to": "+4915123456789"}
	requests := []struct {
		method, path string
		body         map[string]string
	}{
		{http.MethodPost, "/v1/verifications", to},
		{http.MethodPost, "/v1/verifications/check", map[string]string{"namespace": "load", "to": "+4915123456789", "code": "123456"}},
		{http.MethodPost, "/v1/verifications/check", map[string]string{"id": id, "code": "123456"}},
		{http.MethodGet, "/v1/verifications/" + id, nil},
		{http.MethodPost, "/v1/verifications/" + id + "/cancel", nil},
		{http.MethodPost, "/v1/sessions/introspect", o.session},
		{http.MethodPost, "/v1/sessions/consume", o.session},
		{http.MethodPost, "/v1/recipients/unlock", map[string]string{"namespace": "load", "to": "+4915123456789", "reason": "asked"}},
	}
	var longest time.Duration
	for _, q := range requests {
		got := o.api.do(q.method, q.path, q.body)
		longest = max(longest, o.unavailable(when, q.method+" "+q.path, got))
	}
	var mu sync.Mutex
	var crowd time.Duration
	for range 3 {
		all(make([]int, 50), func(int) {
			got := o.api.do(http.MethodPost, "/v1/verifications", to)
			took := o.unavailable(when, "one of fifty", got)
			mu.Lock()
			defer mu.Unlock()
			crowd = max(crowd, took)
		})
	}
	for _, p := range []*process{o.api.process, o.worker} {
		began := time.Now()
		if status, _ := p.fetch("/readyz"); status != http.StatusServiceUnavailable {
			o.Errorf("%s: %s: readyz: %d", when, p.name, status)
		}
		if took := time.Since(began); took > slack(outageAnswer) {
			o.Errorf("%s: %s: readyz took %s", when, p.name, took)
		}
	}
	o.Logf("%s: 503 within %s, fifty at a time within %s", when, longest.Round(time.Millisecond), crowd.Round(time.Millisecond))
}

func (o *outage) unavailable(when, what string, got answer) time.Duration {
	var p problem
	_ = json.Unmarshal(got.body, &p)
	switch {
	case got.status != http.StatusServiceUnavailable || p.Code != "store_unavailable":
		o.Errorf("%s: %s: %v", when, what, got)
	case got.header.Get("Retry-After") == "":
		o.Errorf("%s: %s: no Retry-After", when, what)
	case got.took > slack(outageAnswer):
		o.Errorf("%s: %s took %s", when, what, got.took)
	}
	return got.took
}

// ends brings Redis back: a code is asked for and arrives.
func (o *outage) ends(after string, again func()) {
	o.Helper()
	again()
	began := time.Now()
	to := o.phone()
	eventually(o, slack(outageOver), "a start after "+after, func() bool { return o.api.ask("load", to).status == http.StatusAccepted })
	asked := time.Since(began)
	o.code(to, slack(outageOver))
	took := time.Since(began)
	o.Logf("%s: 202 after %s, delivered after %s", after, asked.Round(time.Millisecond), took.Round(time.Millisecond))
	if took > slack(outageOver) {
		o.Errorf("%s: delivered only after %s", after, took)
	}
	for _, p := range []*process{o.api.process, o.worker} {
		eventually(o, slack(outageOver), p.name+" is ready after "+after, func() bool { status, _ := p.fetch("/readyz"); return status == http.StatusOK })
	}
}
