package attack_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/devkit"
	"github.com/otpipe/otpipe/internal/processtest"
)

// text is one that a handset got.
type text struct {
	to, body, code string
	callback       string // where the vendor is to report
}

// handsets are those that texts go to, by a Twilio or by a gateway that is told
// by webhook.
type handsets struct {
	vendor, gateway string // URLs

	mu    sync.Mutex
	texts map[string][]text // by recipient
}

// nobodys are numbers that the texting vendor refuses.
const nobodys = "+4915128"

// silence is the way to where vendors report: they do not.
type silence struct{}

func (silence) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("nobody reports")
}

func openHandsets(t testing.TB, token string) *handsets {
	t.Helper()
	h := &handsets{texts: map[string][]text{}}
	twilio := &devkit.Twilio{
		AccountSID: account, AuthToken: token, Inbox: &devkit.Inbox{}, HTTP: &http.Client{Transport: silence{}},
		OnRequest: func(form url.Values) {
			if to := form.Get("To"); to != "" {
				h.get(text{to: to, body: form.Get("Body"), callback: form.Get("StatusCallback")})
			}
		},
	}
	vendor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.PostFormValue("To"), nobodys) {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"status":400,"code":21211,"message":"Invalid 'To' Phone Number"}`)
			return
		}
		twilio.ServeHTTP(w, r)
	}))
	gateway := httptest.NewServer(http.HandlerFunc(h.relay))
	t.Cleanup(func() { twilio.Close(); vendor.Close(); gateway.Close() })
	h.vendor, h.gateway = vendor.URL, gateway.URL
	return h
}

func (h *handsets) relay(w http.ResponseWriter, r *http.Request) {
	var m struct {
		ID, To, Text string
	}
	body, _ := io.ReadAll(r.Body)
	if json.Unmarshal(body, &m) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	h.get(text{to: m.To, body: m.Text, callback: m.ID})
}

var codeForm = regexp.MustCompile(`\b\d{4,10}\b`)

func (h *handsets) get(m text) {
	h.mu.Lock()
	defer h.mu.Unlock()
	m.code = codeForm.FindString(m.body)
	h.texts[m.to] = append(h.texts[m.to], m)
}

// of lists what a recipient has got.
func (h *handsets) of(to string) []text {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]text(nil), h.texts[to]...)
}

// everything is what all have got.
func (h *handsets) everything() (all []text) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, got := range h.texts {
		all = append(all, got...)
	}
	return all
}

// text waits for the nth text of a recipient.
func (at *target) text(t testing.TB, to string, n int) text {
	t.Helper()
	processtest.Until(t, time.Minute, "a text to "+to, func() bool { return len(at.handsets.of(to)) >= n })
	return at.handsets.of(to)[n-1]
}

// code starts a verification and waits for what the handset gets.
func (at *target) code(t testing.TB, namespace, to string) (id, code string) {
	t.Helper()
	before := len(at.handsets.of(to))
	id = at.owner.opened(t, namespace, to).ID
	return id, at.text(t, to, before+1).code
}
