package webhook_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/vendorhttp"
	"github.com/otpipe/otpipe/internal/webhook"
)

const (
	secret   = "whsec_Y2FuYXJ5LW9mLXRoZS1maXJzdC1zZWNyZXQtLS0="
	next     = "whsec_Y2FuYXJ5LW9mLXRoZS1vdGhlci1zZWNyZXQtLS0="
	stranger = "whsec_c29tZWJvZHktZWxzZSdzLXNlY3JldC0tLS0tLS0="
	number   = "+4915112345678"
	code     = "482913"
	text     = code + " is your code."
	id       = otp.ID("VE07000000000000000000000000000001")
	token    = "canary-token-in-the-url"
)

func secrets(t testing.TB, texts ...string) webhook.Secrets {
	t.Helper()
	s, err := webhook.NewSecrets(texts...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func message() otp.Message {
	return otp.Message{
		Order: otp.Order{ID: id, Send: 1}, Attempt: 2,
		To:   otp.NewRecipient(otp.SMS, number, number, "+49•••••••78"),
		Text: text, Left: 299*time.Second + 900*time.Millisecond,
	}
}

func provider(t *testing.T, url string) webhook.Provider {
	t.Helper()
	h := vendorhttp.NewClient(8)
	t.Cleanup(h.CloseIdleConnections)
	return webhook.Provider{AccountName: "gateway", URL: url, Secrets: secrets(t, secret), HTTP: h, Now: time.Now}
}

// against is a provider whose other side answers as h does.
func against(t *testing.T, h http.HandlerFunc) webhook.Provider {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return provider(t, s.URL+"/otpipe?token="+token)
}

// answering is a provider whose other side always says the same.
func answering(t *testing.T, status int, body string, headers ...string) webhook.Provider {
	t.Helper()
	return against(t, func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
}

// gateway keeps what was posted to it.
type gateway struct {
	mu     sync.Mutex
	bodies []string
	heads  []http.Header
	answer string
}

func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.bodies, g.heads = append(g.bodies, string(body)), append(g.heads, r.Header)
	_, _ = io.WriteString(w, g.answer)
}

func wantFault(t *testing.T, err error, class otp.Class, code string) *otp.Fault {
	t.Helper()
	f, ok := errors.AsType[*otp.Fault](err)
	if !ok {
		t.Fatalf("want a fault, have %v", err)
	}
	if f.Class != class || f.Code != code || f.Provider != "gateway" {
		t.Errorf("want %s fault %s, have %s (%v)", class, code, f, f.Err)
	}
	return f
}

// verify is the other side's, by the standard's own library.
func verify(t *testing.T, secret string, h http.Header, body string) error {
	t.Helper()
	wh, err := standard.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	return wh.Verify([]byte(body), h)
}
