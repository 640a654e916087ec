package attack_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// backend is a product's, or that of somebody who has its key.
type backend struct {
	base, key string
	http      *http.Client
	heard     *record
}

// record keeps all answers.
type record struct {
	lost   atomic.Int64 // answers that a busy machine kept the api from giving in time
	mu     sync.Mutex
	text   bytes.Buffer
	tokens []string
}

func (r *record) add(a answer) {
	if a.status == http.StatusServiceUnavailable {
		r.lost.Add(1)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	_ = a.header.Write(&r.text)
	_, _ = fmt.Fprintf(&r.text, "%d %s\n", a.status, a.body)
}

func newBackend(at, key string, heard *record) *backend {
	tr := &http.Transport{MaxIdleConnsPerHost: 128, DisableCompression: true}
	return &backend{"http://" + at, key, &http.Client{Transport: tr, Timeout: 30 * time.Second}, heard}
}

// answer is an answer to a request; status 0 means there was none.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) String() string { return fmt.Sprintf("%d %s", a.status, a.body) }

// code is that of a problem.
func (a answer) code() string {
	var p struct{ Code string }
	_ = json.Unmarshal(a.body, &p)
	return p.Code
}

// retry is when to come back.
func (a answer) retry() time.Duration {
	var p struct {
		RetryAfter int `json:"retry_after"`
	}
	_ = json.Unmarshal(a.body, &p)
	return time.Duration(p.RetryAfter) * time.Second
}

// read decodes the body.
func read[T any](t testing.TB, a answer) (v T) {
	t.Helper()
	if err := json.Unmarshal(a.body, &v); err != nil {
		t.Fatalf("%v: %v", a, err)
	}
	return v
}

// do sends a request with the key; headers are names and values, which may
// replace what is usual.
func (b *backend) do(method, path string, body any, headers ...string) answer {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			panic(err)
		}
	}
	return b.send(method, path, text, headers...)
}

func (b *backend) send(method, path string, text []byte, headers ...string) answer {
	req, err := http.NewRequestWithContext(context.Background(), method, b.base+path, bytes.NewReader(text))
	if err != nil {
		panic(err)
	}
	req.Header.Set("Authorization", "Bearer "+b.key)
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return b.ask(req)
}

// ask sends any request.
func (b *backend) ask(req *http.Request) answer {
	res, err := b.http.Do(req)
	if err != nil {
		return answer{}
	}
	defer func() { _ = res.Body.Close() }()
	a := answer{status: res.StatusCode, header: res.Header}
	if a.body, err = io.ReadAll(res.Body); err != nil {
		return answer{}
	}
	b.heard.add(a)
	return a
}

// fields are a body.
type fields map[string]any

// insist repeats a request under one Idempotency-Key while the api is too busy to
// answer, so that nothing which happened goes uncounted.
func (b *backend) insist(path string, body fields, headers ...string) (a answer) {
	headers = append([]string{"Idempotency-Key", rand.Text()}, headers...)
	for range 100 {
		a = b.do(http.MethodPost, path, body, headers...)
		if a.status != http.StatusServiceUnavailable && a.code() != "idempotency_in_flight" {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	return a
}

func (b *backend) start(namespace, to string, headers ...string) answer {
	return b.insist("/v1/verifications", fields{"namespace": namespace, "to": to}, headers...)
}

func (b *backend) startBound(namespace, to, binding string) answer {
	return b.insist("/v1/verifications", fields{"namespace": namespace, "to": to, "binding": binding})
}

// verdict is the answer to a check.
type verdict struct {
	ID      string `json:"id"`
	Status  string `json:"status"`
	Valid   bool   `json:"valid"`
	Reason  string `json:"reason"`
	Left    int    `json:"checks_left"`
	Session struct {
		Token string `json:"token"`
	} `json:"session"`
}

// compared tells whether a guess was compared with the code.
func (v verdict) compared() bool { return v.Valid || v.Reason == "code_mismatch" }

// check sends a guess; what is no verdict has the zero one.
func (b *backend) check(body fields, headers ...string) (v verdict, a answer) {
	a = b.insist("/v1/verifications/check", body, headers...)
	if a.status == http.StatusOK {
		_ = json.Unmarshal(a.body, &v)
	}
	if v.Session.Token != "" {
		b.heard.mu.Lock()
		defer b.heard.mu.Unlock()
		b.heard.tokens = append(b.heard.tokens, v.Session.Token)
	}
	return v, a
}

func (b *backend) guess(namespace, to, code string) (verdict, answer) {
	return b.check(fields{"namespace": namespace, "to": to, "code": code})
}

// told is what the API tells of a verification.
type told struct {
	ID     string `json:"id"`
	Status string `json:"status"`
	Checks struct {
		Made int `json:"made"`
	} `json:"checks"`
	Send     int `json:"send"`
	Delivery struct {
		Status string `json:"status"`
	} `json:"delivery"`
	Timeline []struct {
		Attempt int    `json:"attempt"`
		State   string `json:"state"`
		Ref     string `json:"ref"`
	} `json:"timeline"`
}

// states are those of the first attempt, in order.
func (v told) states() (all []string) {
	for _, s := range v.Timeline {
		if s.Attempt == 1 {
			all = append(all, s.State)
		}
	}
	return all
}

// ref is the vendor's name for the message.
func (v told) ref() (ref string) {
	for _, s := range v.Timeline {
		if s.Ref != "" {
			ref = s.Ref
		}
	}
	return ref
}

func (b *backend) get(t testing.TB, id string) told {
	t.Helper()
	a := b.do(http.MethodGet, "/v1/verifications/"+id, nil)
	for n := 0; a.status == http.StatusServiceUnavailable && n < 100; n++ {
		a = b.do(http.MethodGet, "/v1/verifications/"+id, nil)
	}
	if a.status != http.StatusOK {
		t.Fatalf("get: %v", a)
	}
	return read[told](t, a)
}

// opened starts a verification that has to be admitted.
func (b *backend) opened(t testing.TB, namespace, to string) told {
	t.Helper()
	a := b.start(namespace, to)
	if a.status != http.StatusAccepted {
		t.Fatalf("start: %v", a)
	}
	return read[told](t, a)
}

// active asks whether a session is good, and uses it up if what is consume.
func (b *backend) active(what, token, namespace, to string) bool {
	a := b.do(http.MethodPost, "/v1/sessions/"+what, fields{"token": token, "namespace": namespace, "to": to})
	var s struct{ Active bool }
	return a.status == http.StatusOK && json.Unmarshal(a.body, &s) == nil && s.Active
}
