package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/otpipe/otpipe/client"
)

// script is an API that answers one thing after the other, and the last for ever.
type script struct {
	*client.Client
	mu      sync.Mutex
	answers []http.HandlerFunc
	keys    []string // the Idempotency-Keys that came
}

func play(t *testing.T, answers ...http.HandlerFunc) *script {
	t.Helper()
	s := &script{answers: answers}
	api := httptest.NewServer(s)
	t.Cleanup(api.Close)
	s.Client = &client.Client{BaseURL: api.URL, Key: client.Hide("otk_canary")}
	return s
}

func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	answer := s.answers[min(len(s.keys), len(s.answers)-1)]
	s.keys = append(s.keys, r.Header.Get("Idempotency-Key"))
	s.mu.Unlock()
	answer(w, r)
}

func (s *script) came() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.keys)
}

func fine(w http.ResponseWriter, _ *http.Request) {
	_, _ = io.WriteString(w, `{"id":"VE1","valid":true}`)
}

func problem(status int, code string, after string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		if after != "" {
			w.Header().Set("Retry-After", after)
		}
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, `{"code":%q,"status":%d,"detail":"as it is","request_id":"r1"}`, code, status)
	}
}

var away = problem(http.StatusServiceUnavailable, "store_unavailable", "")

// breaks begins an answer and ends the connection.
func breaks(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "100")
	_, _ = io.WriteString(w, `{"id":`)
	panic(http.ErrAbortHandler)
}

// hangsUp ends the connection without an answer.
func hangsUp(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// hangs answers nothing for as long as the client is there, which a server only
// notices once it has read the body.
func hangs(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

func TestAStartAndACheckAreTriedAgainAsTheSameRequest(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]http.HandlerFunc{"away": away, "breaks": breaks, "hangs": hangs, "in flight": problem(409, "idempotency_in_flight", "1")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := play(t, first, fine)
			if got, err := s.Start(t.Context(), client.StartRequest{}); err != nil || got.ID != "VE1" {
				t.Fatalf("%+v, %v", got, err)
			}
			c := play(t, first, fine)
			if got, err := c.Check(t.Context(), client.CheckRequest{Code: client.Hide("123456")}); err != nil || !got.Valid {
				t.Fatalf("%+v, %v", got, err)
			}
			for _, keys := range [][]string{s.came(), c.came()} {
				if len(keys) != 2 || keys[0] != keys[1] || len(keys[0]) < 20 {
					t.Errorf("came with %q", keys)
				}
			}
		})
	}
}

func TestTwoCallsAreTwoRequests(t *testing.T) {
	t.Parallel()
	s := play(t, fine)
	for range 2 {
		if _, err := s.Start(t.Context(), client.StartRequest{}); err != nil {
			t.Fatal(err)
		}
	}
	if keys := s.came(); keys[0] == keys[1] {
		t.Errorf("both came with %q", keys)
	}
}

// repeatable are the operations of which a second one does no harm. Of two uses of a
// session only one finds it active, and what operators order may be ordered otherwise
// meanwhile.
var repeatable = []string{"start", "check", "check-factor", "get", "cancel", "search", "introspect", "list-providers", "search-audit", "get-factor", "list-factors"}

func TestALostAnswerIsAskedForAgainWhereThatDoesNoHarmAndNowhereElse(t *testing.T) {
	t.Parallel()
	for name, lost := range map[string]http.HandlerFunc{
		"away": away, "no answer": hangsUp, "half an answer": breaks, "bad gateway": problem(502, "", ""), "gateway timeout": problem(504, "", ""),
	} {
		for id, call := range calls {
			s := play(t, lost, lost, fine)
			s.Waiting = time.Minute
			_, err := call(s.Client, t)
			want := 1
			if slices.Contains(repeatable, id) {
				want = 3
			}
			if n := len(s.came()); n != want || (err == nil) != (want == 3) {
				t.Errorf("%s, %s: sent %d times, want %d: %v", id, name, n, want, err)
			}
		}
	}
}

// What nobody can have seen may be sent again, whatever it does.
func TestWhereThereIsNoConnectionEvenAnActIsTriedAgain(t *testing.T) {
	t.Parallel()
	s := play(t, fine)
	gone := 2
	s.HTTP = &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		if gone--; gone >= 0 {
			addr = "127.0.0.1:1" // nobody listens
		}
		return (&net.Dialer{}).DialContext(ctx, network, addr)
	}}}
	if _, err := s.Consume(t.Context(), client.SessionRequest{}); err != nil || len(s.came()) != 1 {
		t.Errorf("it came %d times: %v", len(s.came()), err)
	}
}

func TestAStrangersCertificateIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	api := httptest.NewUnstartedServer(http.HandlerFunc(fine))
	api.Config.ErrorLog = log.New(io.Discard, "", 0) // it wonders who hung up
	api.StartTLS()
	t.Cleanup(api.Close)
	dials := 0
	c := client.Client{BaseURL: api.URL, HTTP: &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		dials++
		return (&net.Dialer{}).DialContext(ctx, network, addr)
	}}}}
	if _, err := c.Get(t.Context(), "VE1"); err == nil || dials != 1 {
		t.Errorf("dialled %d times: %v", dials, err)
	}
}

// A key that was read from a file has a line break at its end.
func TestWhatIsWrongWithTheClientIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	tried := 0
	trips := &http.Client{Transport: tripper(func(*http.Request) (*http.Response, error) { tried++; return nil, io.EOF })}
	for _, c := range []client.Client{
		{BaseURL: "otp.internal:8080", Key: client.Hide("otk_canary")},
		{BaseURL: "localhost", Key: client.Hide("otk_canary")},
		{Key: client.Hide("otk_canary")},
		{BaseURL: "https://otp.internal:port", Key: client.Hide("otk_canary")},
		{BaseURL: "ftp://otp.internal", Key: client.Hide("otk_canary")},
		{BaseURL: "https://otp.internal", Key: client.Hide("otk_canary\n")},
	} {
		c.HTTP = trips
		if _, err := c.Start(t.Context(), client.StartRequest{}); err == nil || tried > 0 || strings.Contains(err.Error(), "canary") {
			t.Errorf("%q: %d tries, %v", c.BaseURL, tried, err)
		}
	}
}

type tripper func(*http.Request) (*http.Response, error)

func (f tripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// forgetful loses the answers to the first requests that it carries.
func forgetful(lose int) *http.Client {
	return &http.Client{Transport: tripper(func(r *http.Request) (*http.Response, error) {
		res, err := http.DefaultTransport.RoundTrip(r)
		if lose--; err != nil || lose < 0 {
			return res, err
		}
		_ = res.Body.Close()
		return nil, io.ErrUnexpectedEOF
	})}
}

// Against the API as it runs, not what stands for one.
func TestALostVerdictCostsOneGuess(t *testing.T) {
	t.Parallel()
	const phone = "+4915123456711"
	otp := client.Client{BaseURL: os.Getenv("OTPIPE_URL"), Key: client.Hide(os.Getenv("OTPIPE_KEY")), Waiting: time.Minute, HTTP: forgetful(3)}
	started, err := otp.Start(t.Context(), client.StartRequest{Namespace: "phone-auth", To: phone})
	if err != nil || started.Send != 1 || !started.Replayed {
		t.Fatalf("%+v %v", started, err)
	}
	code := typed(phone)
	otp.HTTP = forgetful(3)
	wrong := client.Hide(string('0'+(code[0]-'0'+1)%10) + code[1:])
	checked, err := otp.Check(t.Context(), client.CheckRequest{ID: started.ID, Code: wrong})
	if err != nil || checked.Reason != client.ReasonCodeMismatch || checked.ChecksLeft != 4 || !checked.Replayed {
		t.Errorf("%+v %v", checked, err)
	}
	otp.HTTP = forgetful(3)
	checked, err = otp.Check(t.Context(), client.CheckRequest{ID: started.ID, Code: client.Hide(code)})
	if err != nil || !checked.Valid || !strings.HasPrefix(checked.Session.Token.Reveal(), "ots_") {
		t.Errorf("%+v %v", checked, err)
	}
	told, err := otp.Get(t.Context(), started.ID)
	if err != nil || told.Checks.Made != 2 || told.Status != client.Approved {
		t.Errorf("%+v %v", told, err)
	}
}

func TestARefusalIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	for _, answer := range []http.HandlerFunc{
		problem(429, "cooldown_active", "1"), problem(429, "recipient_locked", "1"), problem(400, "invalid_recipient", ""), problem(401, "unauthenticated", ""), problem(500, "internal_error", ""),
	} {
		s := play(t, answer, fine)
		_, err := s.Start(t.Context(), client.StartRequest{})
		var refused *client.Error
		if !errors.As(err, &refused) || !errors.Is(err, refused.Code) || refused.RequestID != "r1" || len(s.came()) != 1 {
			t.Errorf("%v after %d tries", err, len(s.came()))
		}
	}
}

func TestWhoHasNoTimeToWaitIsToldAtOnce(t *testing.T) {
	t.Parallel()
	s := play(t, problem(503, "store_unavailable", "3600"), fine)
	_, err := s.Start(t.Context(), client.StartRequest{})
	if !errors.Is(err, client.ErrStoreUnavailable) || !errors.Is(err, context.DeadlineExceeded) || len(s.came()) != 1 {
		t.Errorf("%v after %d tries", err, len(s.came()))
	}
}

func TestACallEndsWithItsContextAndItsTime(t *testing.T) {
	t.Parallel()
	s := play(t, hangs)
	s.Waiting = 100 * time.Millisecond
	if _, err := s.Get(t.Context(), "VE1"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("after its time: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Get(ctx, "VE1"); !errors.Is(err, context.Canceled) {
		t.Errorf("after its context: %v", err)
	}
}

func TestAKeyIsSentNowhereElse(t *testing.T) {
	t.Parallel()
	var asked []string
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked = append(asked, r.Header.Get("Authorization")) }))
	t.Cleanup(elsewhere.Close)
	s := play(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
	})
	var refused *client.Error
	if _, err := s.Get(t.Context(), "VE1"); !errors.As(err, &refused) || refused.Status != http.StatusTemporaryRedirect || refused.Code != "" {
		t.Errorf("%v", err)
	}
	if len(asked) > 0 {
		t.Errorf("it was: %q", asked)
	}
}

func TestSecretsArePrintedNowhere(t *testing.T) {
	t.Parallel()
	s := play(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"valid":true,"session":{"token":"ots_canary"}}`)
	})
	checked, err := s.Check(t.Context(), client.CheckRequest{Code: client.Hide("canary")})
	if err != nil || checked.Session.Token.Reveal() != "ots_canary" {
		t.Fatalf("%+v, %v", checked, err)
	}
	var b strings.Builder
	lines := slog.New(slog.NewJSONHandler(&b, nil))
	for _, v := range []any{
		s.Client, *s.Client,
		client.CheckRequest{Code: client.Hide("canary"), Binding: client.Hide("canary")},
		client.StartRequest{Binding: client.Hide("canary")},
		client.UnlockRequest{Binding: client.Hide("canary")},
		client.SessionRequest{Token: client.Hide("canary")},
		checked, checked.Session.Token,
	} {
		_, _ = fmt.Fprintf(&b, "%v %+v %#v %s %q %x\n", v, v, v, v, v, v)
		lines.Info("x", "v", v)
		if text, err := json.Marshal(v); err == nil {
			b.Write(text)
		}
	}
	if strings.Contains(b.String(), "canary") || strings.Contains(b.String(), "63616e617279") {
		t.Errorf("%s", b.String())
	}
	if _, err := json.Marshal(checked); err == nil {
		t.Error("an answer with a token is marshalled")
	}
}

func TestWhatIsNoAnswerOfOtpipeIsSaidToBeNone(t *testing.T) {
	t.Parallel()
	s := play(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, "<html>nothing here</html>")
	})
	_, err := s.Get(t.Context(), "VE1")
	if err == nil || !strings.Contains(err.Error(), "which is no answer of otpipe") || strings.Contains(err.Error(), "html") {
		t.Errorf("%v", err)
	}
}
