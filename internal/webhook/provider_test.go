package webhook_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/otpipe/otpipe/internal/otp"
)

func TestATextIsPostedAndTakenByItsName(t *testing.T) {
	t.Parallel()
	g := &gateway{answer: `{"id":"msg:7-a.b_c","more":[1]}`}
	p := against(t, g.ServeHTTP)
	p.From, p.ReceiptURL = "Example", "https://otp.example.com/v1/receipts/gateway"
	a, err := p.Send(t.Context(), message())
	if diff := cmp.Diff(otp.Acceptance{Ref: "msg:7-a.b_c", State: otp.Accepted}, a); err != nil || diff != "" {
		t.Fatal(err, diff)
	}
	want := `{"type":"message.send","id":"VE07000000000000000000000000000001-1-2","channel":"sms","to":"+4915112345678","from":"Example",` +
		`"text":"482913 is your code.","expires_in":299,"attempt":2,"receipt_url":"https://otp.example.com/v1/receipts/gateway"}`
	if diff := cmp.Diff([]string{want}, g.bodies); diff != "" {
		t.Error(diff)
	}
	if h := g.heads[0]; h.Get("Content-Type") != "application/json" || h.Get("Webhook-Id") != "VE07000000000000000000000000000001-1-2" {
		t.Errorf("headers %v", h)
	}
}

func TestAMailHasItsSubjectAndBothOfItsBodies(t *testing.T) {
	t.Parallel()
	g := &gateway{}
	m := message()
	m.To = otp.NewRecipient(otp.Email, "ada@example.com", "ada@example.com", "a•••@e•••.com")
	m.Subject, m.HTML = "Your code", "<b>482913</b>"
	a, err := against(t, g.ServeHTTP).Send(t.Context(), m)
	if err != nil || a != (otp.Acceptance{State: otp.Accepted}) {
		t.Fatalf("%+v, %v", a, err)
	}
	want := `{"type":"message.send","id":"VE07000000000000000000000000000001-1-2","channel":"email","to":"ada@example.com","subject":"Your code",` +
		`"text":"482913 is your code.","html":"\u003cb\u003e482913\u003c/b\u003e","expires_in":299,"attempt":2}`
	if diff := cmp.Diff([]string{want}, g.bodies); diff != "" {
		t.Error(diff)
	}
}

func TestADoubleOfAnAttemptHasTheSameIDAndTheNextAttemptAnother(t *testing.T) {
	t.Parallel()
	g := &gateway{}
	p := against(t, g.ServeHTTP)
	for _, attempt := range []int{1, 1, 2} {
		m := message()
		m.Attempt = attempt
		if _, err := p.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	first, double, other := g.heads[0].Get("webhook-id"), g.heads[1].Get("webhook-id"), g.heads[2].Get("webhook-id")
	if first != double || first == other || strings.Contains(first, ".") {
		t.Errorf("%q, %q, %q", first, double, other)
	}
}

func TestAnyAnswerInThe200sIsSuccessWhateverItSays(t *testing.T) {
	t.Parallel()
	for status := 200; status < 300; status++ {
		if status == 204 || status == 205 {
			continue // have no body
		}
		a, err := answering(t, status, `<html>thank you</html>`).Send(t.Context(), message())
		if err != nil || a != (otp.Acceptance{State: otp.Accepted}) {
			t.Errorf("%d: %+v, %v", status, a, err)
		}
	}
	if _, err := answering(t, 204, "").Send(t.Context(), message()); err != nil {
		t.Error(err)
	}
	if _, err := answering(t, 200, `{"id":`, "Content-Length", "1000").Send(t.Context(), message()); err != nil {
		t.Errorf("a body that breaks off: %v", err)
	}
}

func TestARefThatMaySayMoreThanANameIsNone(t *testing.T) {
	t.Parallel()
	for _, ref := range []string{"to " + number, number, number[1:], "sms:" + number[1:], text, "", strings.Repeat("x", 65), "a\nb"} {
		a, err := answering(t, 200, fmt.Sprintf(`{"id":%q}`, ref)).Send(t.Context(), message())
		if err != nil || a.Ref != "" {
			t.Errorf("%q: %+v, %v", ref, a, err)
		}
	}
}

func TestEveryStatusIsJudgedByOneTable(t *testing.T) {
	t.Parallel()
	special := map[int]otp.Class{
		408: otp.FaultProvider, 429: otp.FaultThrottled, 503: otp.FaultProvider,
		301: otp.FaultUs, 302: otp.FaultUs, 307: otp.FaultUs, 308: otp.FaultUs, 401: otp.FaultUs, 403: otp.FaultUs, 404: otp.FaultUs, 410: otp.FaultUs,
		500: otp.FaultUnknown, 502: otp.FaultUnknown, 504: otp.FaultUnknown,
	}
	for status := 300; status < 600; status++ {
		want, ok := special[status]
		switch {
		case ok:
		case status < 500:
			want = otp.FaultUs
		default:
			want = otp.FaultUnknown
		}
		_, err := answering(t, status, "", "Location", "http://127.0.0.1:1/").Send(t.Context(), message())
		wantFault(t, err, want, fmt.Sprintf("http_%d", status))
	}
}

func TestA422MayNameWhoIsToBlameAndNoOtherStatusMay(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status    int
		body      string
		class     otp.Class
		permanent bool
	}{
		{422, `{"fault":"recipient"}`, otp.FaultRecipient, false},
		{422, `{"fault":"recipient","permanent":true}`, otp.FaultRecipient, true},
		{422, `{"fault":"provider","permanent":true}`, otp.FaultProvider, false},
		{422, `{"fault":"us"}`, otp.FaultUs, false},
		{422, `{"fault":"unknown"}`, otp.FaultUs, false},
		{422, `{"fault":"throttled"}`, otp.FaultUs, false},
		{422, `{"fault":7}`, otp.FaultUs, false},
		{422, `recipient`, otp.FaultUs, false},
		{422, ``, otp.FaultUs, false},
		{400, `{"fault":"recipient","permanent":true}`, otp.FaultUs, false},
		{500, `{"fault":"recipient"}`, otp.FaultUnknown, false},
		{503, `{"fault":"recipient"}`, otp.FaultProvider, false},
	} {
		_, err := answering(t, c.status, c.body).Send(t.Context(), message())
		if f := wantFault(t, err, c.class, fmt.Sprintf("http_%d", c.status)); f.Permanent != c.permanent {
			t.Errorf("%d %s: permanent %v", c.status, c.body, f.Permanent)
		}
	}
}

func TestRetryAfterIsBelievedOf429AndForAnHour(t *testing.T) {
	t.Parallel()
	const date = "Thu, 01 Jan 2026 00:00:00 GMT"
	for value, want := range map[string]time.Duration{
		"7": 7 * time.Second, "0": 0, "-7": 0, "": 0, "soon": 0, "86400": time.Hour, "99999999999999999999": 0,
		"Thu, 01 Jan 2026 00:02:00 GMT": 2 * time.Minute, "Wed, 31 Dec 2025 00:00:00 GMT": 0,
	} {
		_, err := answering(t, 429, "", "Retry-After", value, "Date", date).Send(t.Context(), message())
		if f := wantFault(t, err, otp.FaultThrottled, "http_429"); f.RetryAfter != want {
			t.Errorf("%q: %s, want %s", value, f.RetryAfter, want)
		}
	}
	_, err := answering(t, 503, "", "Retry-After", "7").Send(t.Context(), message())
	if f := wantFault(t, err, otp.FaultProvider, "http_503"); f.RetryAfter != 0 {
		t.Errorf("a pause of %s for one that is away", f.RetryAfter)
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	elsewhere := &gateway{}
	s := httptest.NewServer(elsewhere)
	defer s.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		p := answering(t, status, "", "Location", s.URL)
		_, err := p.Send(t.Context(), message())
		wantFault(t, err, otp.FaultUs, fmt.Sprintf("http_%d", status))
		p.HTTP = &http.Client{}
		_, err = p.Send(t.Context(), message())
		wantFault(t, err, otp.FaultUs, fmt.Sprintf("http_%d", status))
	}
	if len(elsewhere.bodies) != 0 {
		t.Errorf("the code went to %d other places", len(elsewhere.bodies))
	}
}

func TestAnAnswerThatNeverCameIsUnknown(t *testing.T) {
	t.Parallel()
	gone := make(chan struct{})
	p := against(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then the server looks whether the client is still there
		<-r.Context().Done()
		close(gone)
	})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := p.Send(ctx, message())
	wantFault(t, err, otp.FaultUnknown, "timeout")
	<-gone
	_, err = against(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }).Send(t.Context(), message())
	wantFault(t, err, otp.FaultUnknown, "connection")
}

func TestADeadlineInTheMiddleOfWritingIsUnknown(t *testing.T) {
	t.Parallel()
	p := provider(t, "http://gateway.example")
	p.HTTP = &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe() // nobody reads: the first write blocks
		t.Cleanup(func() { _ = theirs.Close() })
		return ours, nil
	}}}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := p.Send(ctx, message())
	wantFault(t, err, otp.FaultUnknown, "timeout")
}

func TestAConnectionThatWasNeverThereIsTheProvidersFault(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	_, err := provider(t, s.URL).Send(t.Context(), message())
	wantFault(t, err, otp.FaultProvider, "connection")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = provider(t, s.URL).Send(ctx, message())
	wantFault(t, err, otp.FaultProvider, "canceled")
	_, err = provider(t, "http://[").Send(t.Context(), message())
	wantFault(t, err, otp.FaultUs, "request")
}

// broken is a connection that takes one request and no byte more.
type broken struct {
	net.Conn
	writes atomic.Int32
}

func (b *broken) Write(p []byte) (int, error) {
	if b.writes.Add(1) > 1 {
		return 0, syscall.EPIPE
	}
	return b.Conn.Write(p)
}

func TestAGatewayThatWentAwayBetweenTwoMessagesIsTheProvidersFault(t *testing.T) {
	t.Parallel()
	p := answering(t, 200, "")
	var dials atomic.Int32
	p.HTTP.Transport.(*http.Transport).DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		if dials.Add(1) > 1 {
			return nil, syscall.ECONNREFUSED
		}
		c, err := (&net.Dialer{}).DialContext(ctx, network, addr)
		return &broken{Conn: c}, err
	}
	if _, err := p.Send(t.Context(), message()); err != nil {
		t.Fatal(err)
	}
	_, err := p.Send(t.Context(), message())
	wantFault(t, err, otp.FaultProvider, "connection")
}

func TestAConnectionCutBeforeTheAnswerIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	var requests atomic.Int32
	p := against(t, func(http.ResponseWriter, *http.Request) {
		if requests.Add(1) == 2 {
			panic(http.ErrAbortHandler)
		}
	})
	if _, err := p.Send(t.Context(), message()); err != nil {
		t.Fatal(err)
	}
	_, err := p.Send(t.Context(), message()) // on the connection of the first
	wantFault(t, err, otp.FaultUnknown, "connection")
	if n := requests.Load(); n != 2 {
		t.Errorf("the gateway saw %d requests", n)
	}
}

func TestAHugeAnswerIsNotReadToItsEnd(t *testing.T) {
	t.Parallel()
	written := make(chan int64, 1)
	p := against(t, func(w http.ResponseWriter, _ *http.Request) {
		var n int64
		for range 1 << 14 { // a GiB
			k, err := w.Write(make([]byte, 64<<10))
			if n += int64(k); err != nil {
				break
			}
		}
		written <- n
	})
	if _, err := p.Send(t.Context(), message()); err != nil {
		t.Fatal(err)
	}
	if n := <-written; n > 64<<20 {
		t.Errorf("%d bytes were taken", n)
	}
}

func TestAHugeHeadIsNotReadToItsEnd(t *testing.T) {
	t.Parallel()
	p := against(t, func(w http.ResponseWriter, _ *http.Request) {
		for i := range 128 {
			w.Header().Set(fmt.Sprintf("X-%d", i), strings.Repeat("x", 8<<10))
		}
	})
	_, err := p.Send(t.Context(), message())
	if f := otp.AsFault("", err); err == nil || f.Class != otp.FaultUnknown {
		t.Errorf("a mebibyte of head was read: %v", err)
	}
}

func TestAHundredMessagesAtOnceShareTheConnections(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	peers := map[string]bool{}
	p := against(t, func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		peers[r.RemoteAddr] = true
	})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for i := range 12 {
				m := message()
				m.Attempt = i + 1
				if _, err := p.Send(t.Context(), m); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if len(peers) > 16 {
		t.Errorf("%d connections for 8 senders", len(peers))
	}
}
