package chaos_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// client is a product backend.
type client struct {
	base string
	http *http.Client
}

func newClient(addr string) *client {
	return &client{"http://" + addr, &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: 20 * time.Second}}
}

// answer is an answer to a request; status 0 means there was none.
type answer struct {
	status int
	body   []byte
	took   time.Duration
}

func (a answer) String() string { return fmt.Sprintf("%d %s", a.status, a.body) }

func (c *client) do(method, path, key string, body map[string]string) (a answer) {
	began := time.Now()
	defer func() { a.took = time.Since(began) }()
	text, _ := json.Marshal(body) // a map of strings always marshals
	req, err := http.NewRequest(method, c.base+path, bytes.NewReader(text))
	if err != nil {
		panic(err)
	}
	req.Header.Set("Authorization", "Bearer "+apiKey)
	req.Header.Set("Content-Type", "application/json")
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return answer{}
	}
	defer func() { _ = res.Body.Close() }()
	if a.body, err = io.ReadAll(res.Body); err != nil {
		return answer{} // half an answer is none
	}
	a.status = res.StatusCode
	return a
}

// ask asks for a code.
func (c *client) ask(to, key string) answer {
	namespace := "phone-auth"
	if strings.Contains(to, "@") {
		namespace = "verify-email"
	}
	return c.do(http.MethodPost, "/v1/verifications", key, map[string]string{"namespace": namespace, "to": to})
}

// told is what the API tells of a verification.
type told struct {
	ID       string `json:"id"`
	Delivery struct {
		Status string `json:"status"`
	} `json:"delivery"`
	Timeline []step `json:"timeline"`
}

// step is one line of the journal.
type step struct {
	Attempt  int    `json:"attempt"` // 0: about the whole send
	State    string `json:"state"`
	Provider string `json:"provider"`
	Reason   string `json:"reason"`
}

// idOf is the id in the answer to a start.
func idOf(a answer) string {
	var v told
	_ = json.Unmarshal(a.body, &v)
	return v.ID
}

// get reads a verification; false if it cannot be had now.
func (c *client) get(id string) (v told, ok bool) {
	a := c.do(http.MethodGet, "/v1/verifications/"+id, "", nil)
	return v, a.status == http.StatusOK && json.Unmarshal(a.body, &v) == nil
}

// proves tells whether a code is the right one, as far as it still lives.
func (c *client) proves(id, code string) bool {
	var v struct {
		Valid  bool   `json:"valid"`
		Reason string `json:"reason"`
	}
	guess := map[string]string{"id": id, "code": code}
	a := c.do(http.MethodPost, "/v1/verifications/check", id, guess)
	for end := time.Now().Add(20 * time.Second); a.status == http.StatusServiceUnavailable && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		a = c.do(http.MethodPost, "/v1/verifications/check", id, guess) // as docs/api.md says to, under one key
	}
	return a.status == http.StatusOK && json.Unmarshal(a.body, &v) == nil && (v.Valid || v.Reason == "expired")
}

// unknown is how many hand-overs ended without anybody knowing how.
func (v told) unknown() (n int) {
	for _, s := range v.Timeline {
		if s.Attempt > 0 && s.State == "unknown" {
			n++
		}
	}
	return n
}

// late tells whether a hand-over was given up because it took too long.
func (v told) late() bool {
	return slices.ContainsFunc(v.Timeline, func(s step) bool { return s.State == "unknown" && strings.HasSuffix(s.Reason, "timeout") })
}

// rests tells whether nothing is going to happen any more of otpipe's own accord.
// An unknown outcome is followed by another attempt, or by a line about the whole send.
func (v told) rests() bool {
	switch v.Delivery.Status {
	case "queued", "sending":
		return false
	case "unknown":
		return v.Timeline[len(v.Timeline)-1].Attempt == 0
	default:
		return true
	}
}

// failed tells whether the journal says that the code does not arrive.
func (v told) failed() bool {
	switch v.Delivery.Status {
	case "failed", "undelivered", "unknown", "expired", "canceled", "superseded", "suppressed":
		return v.rests()
	default:
		return false
	}
}

// life is the journal in one line.
func (v told) life() string {
	var steps []string
	for _, s := range v.Timeline {
		steps = append(steps, strings.Join(strings.Fields(s.State+" "+s.Provider+" "+s.Reason), " "))
	}
	return strings.Join(steps, " → ")
}
