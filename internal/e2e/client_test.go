package e2e_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"
)

// apiKey is the caller's; see settings.
const apiKey = "otk_e2e"

// client is a product backend. It remembers every answer.
type client struct {
	base string
	key  string
	http *http.Client

	mu      sync.Mutex
	answers bytes.Buffer
}

func newClient(base string) *client {
	tr := &http.Transport{MaxIdleConnsPerHost: 64}
	return &client{base: base, key: apiKey, http: &http.Client{Transport: tr, Timeout: 20 * time.Second}}
}

// answer is an answer to a request; status 0 means there was none, and err why.
type answer struct {
	status int
	header http.Header
	body   []byte
	took   time.Duration
	err    error
}

func (c *client) do(method, path string, body any) (a answer) {
	text, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	return c.send(method, path, text)
}

func (c *client) send(method, path string, text []byte) answer {
	return c.sendUnder("", method, path, text)
}

// sendUnder sends with an Idempotency-Key.
func (c *client) sendUnder(key, method, path string, text []byte) (a answer) {
	began := time.Now()
	defer func() { a.took = time.Since(began) }()
	req, err := http.NewRequestWithContext(context.Background(), method, c.base+path, bytes.NewReader(text))
	if err != nil {
		panic(err)
	}
	req.Header.Set("Authorization", "Bearer "+c.key)
	req.Header.Set("Content-Type", "application/json")
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return answer{err: err}
	}
	defer func() { _ = res.Body.Close() }()
	a = answer{status: res.StatusCode, header: res.Header}
	a.body, a.err = io.ReadAll(res.Body)
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = res.Header.Write(&c.answers)
	_, _ = fmt.Fprintf(&c.answers, "%d %s\n", a.status, a.body)
	return a
}

// read decodes the body.
func (a answer) read(t testing.TB, into any) {
	t.Helper()
	if err := json.Unmarshal(a.body, into); err != nil {
		t.Fatalf("%d %s: %v", a.status, a.body, err)
	}
}

func (a answer) String() string { return fmt.Sprintf("%d %s %v", a.status, a.body, a.err) }

// told is what the API tells of a verification.
type told struct {
	ID       string    `json:"id"`
	Status   string    `json:"status"`
	Resent   bool      `json:"resent"`
	Send     int       `json:"send"`
	Expires  time.Time `json:"expires_at"`
	Delivery struct {
		Status   string `json:"status"`
		Provider string `json:"provider"`
	} `json:"delivery"`
	Timeline []step `json:"timeline"`
}

type step struct {
	At       time.Time `json:"at"`
	Send     int       `json:"send"`
	Attempt  int       `json:"attempt"`
	State    string    `json:"state"`
	Provider string    `json:"provider"`
	Ref      string    `json:"ref"`
	Reason   string    `json:"reason"`
}

// count is how many lines of the timeline an attempt has in a state.
func (v told) count(state string) (n int) {
	for _, s := range v.Timeline {
		if s.Attempt > 0 && s.State == state {
			n++
		}
	}
	return n
}

// waits tells whether something keeps a send that is no attempt's outcome.
func (v told) waits() bool {
	for _, s := range v.Timeline {
		if s.State == "waiting" {
			return true
		}
	}
	return false
}

// insist repeats a request while the store is away, under one Idempotency-Key, as
// docs/api.md tells callers to. told is called with every answer.
func (c *client) insist(path string, body map[string]string, told func(answer)) (a answer) {
	text, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	key := rand.Text()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		a = c.sendUnder(key, http.MethodPost, path, text)
		told(a)
		inFlight := a.status == http.StatusConflict // the first may still be at work, or be lost with its Redis
		if a.status != http.StatusServiceUnavailable && !inFlight {
			break
		}
	}
	return a
}

type checked struct {
	ID      string `json:"id"`
	Status  string `json:"status"`
	Valid   bool   `json:"valid"`
	Reason  string `json:"reason"`
	Session *struct {
		Token string `json:"token"`
	} `json:"session"`
}

type session struct {
	Active bool   `json:"active"`
	ID     string `json:"verification_id"`
}

type problem struct {
	Code string `json:"code"`
}

func (c *client) ask(namespace, to string) answer {
	return c.do(http.MethodPost, "/v1/verifications", map[string]string{"namespace": namespace, "to": to})
}

// start asks for a code that has to be admitted.
func (c *client) start(t testing.TB, namespace, to string) (v told) {
	t.Helper()
	a := c.ask(namespace, to)
	if a.status != http.StatusAccepted {
		t.Fatalf("start: %v", a)
	}
	a.read(t, &v)
	return v
}

// startInsisting asks for a code that has to be admitted sooner or later.
func (c *client) startInsisting(t testing.TB, namespace, to string) (v told) {
	t.Helper()
	a := c.insist("/v1/verifications", map[string]string{"namespace": namespace, "to": to}, func(answer) {})
	if a.status != http.StatusAccepted {
		t.Fatalf("start: %v", a)
	}
	a.read(t, &v)
	return v
}

func (c *client) check(t testing.TB, namespace, to, code string) (v checked) {
	t.Helper()
	a := c.do(http.MethodPost, "/v1/verifications/check", map[string]string{"namespace": namespace, "to": to, "code": code})
	if a.status != http.StatusOK {
		t.Fatalf("check: %v", a)
	}
	a.read(t, &v)
	return v
}

func (c *client) get(t testing.TB, id string) (v told) {
	t.Helper()
	a := c.do(http.MethodGet, "/v1/verifications/"+id, nil)
	if a.status != http.StatusOK {
		t.Fatalf("get: %v", a)
	}
	a.read(t, &v)
	return v
}

func (c *client) session(t testing.TB, what, token, namespace, to string) (v session) {
	t.Helper()
	a := c.do(http.MethodPost, "/v1/sessions/"+what, map[string]string{"token": token, "namespace": namespace, "to": to})
	if a.status != http.StatusOK {
		t.Fatalf("%s: %v", what, a)
	}
	a.read(t, &v)
	return v
}

// page gets a page; status 0 means that nobody answers.
func page(url string) (status int, body string) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		panic(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, ""
	}
	defer func() { _ = res.Body.Close() }()
	b, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(b)
}
