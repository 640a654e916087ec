package twilio_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/twilio"
)

var _ otp.Provider = twilio.Provider{}

func TestARequestSaysExactlyThis(t *testing.T) {
	t.Setenv("TWILIO_EDGE", "dublin") // twilio-go would go elsewhere
	t.Setenv("TWILIO_REGION", "ie1")
	var got *http.Request
	p := against(t, func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		got = r
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write([]byte(accepted))
	})
	p.CallbackURL = "https://otp.example.com/v1/receipts/twilio-eu"
	a, err := p.Send(t.Context(), message())
	if want := (otp.Acceptance{Ref: "SM0123456789abcdef0123456789abcdef", State: otp.Accepted}); err != nil || a != want {
		t.Fatalf("have %v, %v", a, err)
	}
	want := url.Values{
		"To": {number}, "From": {"+15005550006"}, "Body": {text}, "ValidityPeriod": {"299"}, "Attempt": {"2"},
		"StatusCallback": {"https://otp.example.com/v1/receipts/twilio-eu?id=" + string(id) + "&send=1&attempt=2"},
	}
	if diff := cmp.Diff(want, got.PostForm); diff != "" {
		t.Error(diff)
	}
	if want := "POST /2010-04-01/Accounts/" + account + "/Messages.json"; got.Method+" "+got.RequestURI != want {
		t.Errorf("have %s %s", got.Method, got.RequestURI)
	}
	if user, password, _ := got.BasicAuth(); user != account || password != token {
		t.Errorf("credentials are %s %s", user, password)
	}
	for name := range got.Header {
		if strings.Contains(strings.ToLower(name), "idempotency") {
			t.Errorf("%s makes net/http send the message again", name)
		}
	}
}

func TestAMessagingServicePicksTheSenderAndNoCallbackIsAskedForWithoutAddress(t *testing.T) {
	t.Parallel()
	var form url.Values
	p := against(t, func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		form = r.PostForm
		_, _ = w.Write([]byte(accepted))
	})
	p.From, p.MessagingServiceSID = "", "MGbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	if _, err := p.Send(t.Context(), message()); err != nil {
		t.Fatal(err)
	}
	if form.Has("From") || form.Has("StatusCallback") || form.Get("MessagingServiceSid") != p.MessagingServiceSID {
		t.Errorf("have %v", form)
	}
}

func TestTheTermsOfAnAccountAreAskedForWithEveryMessage(t *testing.T) {
	t.Parallel()
	for _, terms := range []twilio.Terms{
		{RiskCheck: "enable", ContentRetention: "discard", AddressRetention: "obfuscate", ProvideFeedback: true},
		{RiskCheck: "disable", ContentRetention: "retain", AddressRetention: "retain"},
		{},
	} {
		var form url.Values
		p := against(t, func(w http.ResponseWriter, r *http.Request) {
			_ = r.ParseForm()
			form = r.PostForm
			_, _ = w.Write([]byte(accepted))
		})
		p.Terms = terms
		if _, err := p.Send(t.Context(), message()); err != nil {
			t.Fatal(err)
		}
		want := url.Values{}
		for name, value := range map[string]string{
			"RiskCheck": terms.RiskCheck, "ContentRetention": terms.ContentRetention, "AddressRetention": terms.AddressRetention,
		} {
			if value != "" {
				want.Set(name, value)
			}
		}
		if terms.ProvideFeedback {
			want.Set("ProvideFeedback", "true")
		}
		for _, name := range []string{"To", "From", "Body", "ValidityPeriod", "Attempt"} {
			form.Del(name)
		}
		if diff := cmp.Diff(want, form); diff != "" {
			t.Error(diff)
		}
	}
}

// caught is a network that keeps the address of a request.
type caught struct{ url string }

func (c *caught) RoundTrip(r *http.Request) (*http.Response, error) {
	c.url = r.URL.String()
	return nil, syscall.ECONNREFUSED
}

func TestARegionIsReachedThroughItsEdge(t *testing.T) {
	t.Setenv("TWILIO_EDGE", "sydney") // is not asked
	t.Setenv("TWILIO_REGION", "au1")
	for _, c := range []struct{ edge, region, baseURL, want string }{
		{"", "", "", "https://api.twilio.com"},
		{"dublin", "ie1", "", "https://api.dublin.ie1.twilio.com"},
		{"sao-paulo", "us1", "", "https://api.sao-paulo.us1.twilio.com"},
		{"dublin", "ie1", "http://127.0.0.1:1/", "http://127.0.0.1:1"},
	} {
		network := &caught{}
		p := provider(t, c.baseURL)
		p.Edge, p.Region, p.HTTP = c.edge, c.region, &http.Client{Transport: network}
		_, err := p.Send(t.Context(), message())
		wantFault(t, err, otp.FaultProvider, "connection")
		if want := c.want + "/2010-04-01/Accounts/" + account + "/Messages.json"; network.url != want {
			t.Errorf("want %s, have %s", want, network.url)
		}
	}
}

func TestTheValidityPeriodIsTheWholeSecondsLeft(t *testing.T) {
	t.Parallel()
	var got string
	p := against(t, func(w http.ResponseWriter, r *http.Request) {
		got = r.FormValue("ValidityPeriod")
		_, _ = w.Write([]byte(accepted))
	})
	for left, want := range map[time.Duration]string{
		-time.Second: "1", 0: "1", 900 * time.Millisecond: "1", 15 * time.Second: "15",
		59999 * time.Millisecond: "59", 20 * time.Hour: "36000",
	} {
		m := message()
		m.Left = left
		if _, err := p.Send(t.Context(), m); err != nil || got != want {
			t.Errorf("%s: want %s, have %s, %v", left, want, got, err)
		}
	}
}

func TestTheFirstStatusTellsHowFarTheMessageIs(t *testing.T) {
	t.Parallel()
	for status, want := range map[string]otp.State{
		"queued": otp.Accepted, "accepted": otp.Accepted, "scheduled": otp.Accepted, "sending": otp.Accepted,
		"sent": otp.Sent, "delivered": otp.Sent, "": otp.Accepted, "unheard of": otp.Accepted,
	} {
		a, err := answering(t, 201, `{"sid":"SM1","status":"`+status+`"}`).Send(t.Context(), message())
		if err != nil || a.State != want {
			t.Errorf("%s: have %s, %v", status, a.State, err)
		}
	}
}

func TestAMessageBornDeadIsAFault(t *testing.T) {
	t.Parallel()
	_, err := answering(t, 201, `{"sid":"SM1","status":"failed","error_code":30006}`).Send(t.Context(), message())
	if f := wantFault(t, err, otp.FaultRecipient, "twilio_30006"); !f.Permanent {
		t.Error("a landline is not for ever")
	}
	_, err = answering(t, 201, `{"sid":"SM1","status":"canceled"}`).Send(t.Context(), message())
	wantFault(t, err, otp.FaultProvider, "twilio_canceled")
}

func TestAnAnswerInThe200sThatCannotBeReadIsUnknown(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "{", "<html>", "{}", "null", `{"status":"queued"}`, `{"sid":7}`, `{"sid":""}`, strings.Repeat(" ", 1<<20) + accepted} {
		_, err := answering(t, 201, body).Send(t.Context(), message())
		wantFault(t, err, otp.FaultUnknown, "unreadable")
	}
}

func TestAnAnswerWithoutEndIsHungUpOn(t *testing.T) {
	t.Parallel()
	hungUp := make(chan struct{})
	p := against(t, func(w http.ResponseWriter, _ *http.Request) {
		defer close(hungUp)
		for err := error(nil); err == nil; {
			_, err = w.Write(make([]byte, 1<<16))
		}
	})
	_, err := p.Send(t.Context(), message())
	wantFault(t, err, otp.FaultUnknown, "unreadable")
	select {
	case <-hungUp:
	case <-time.After(5 * time.Second):
		t.Error("the connection is still open")
	}
}

func TestAnAnswerInThe200sThatBreaksOffIsUnknown(t *testing.T) {
	t.Parallel()
	_, err := answering(t, 201, accepted[:20], "Content-Length", "56").Send(t.Context(), message())
	wantFault(t, err, otp.FaultUnknown, "connection")
}

func TestARedirectIsAFaultAndNobodyFollowsIt(t *testing.T) {
	t.Parallel()
	var followed atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		followed.Add(1)
		_, _ = w.Write([]byte(accepted))
	}))
	t.Cleanup(elsewhere.Close)
	p := answering(t, http.StatusTemporaryRedirect, "", "Location", elsewhere.URL)
	for _, h := range []*http.Client{p.HTTP, {}} {
		p.HTTP = h
		_, err := p.Send(t.Context(), message())
		wantFault(t, err, otp.FaultProvider, "http_307")
	}
	if followed.Load() != 0 {
		t.Error("the code went elsewhere")
	}
}

func TestAHundredErrorPagesNeedOneConnection(t *testing.T) {
	t.Parallel()
	var connections atomic.Int32
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadGateway)
		_, _ = w.Write([]byte("<html>" + strings.Repeat("bad gateway ", 1000)))
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	p := provider(t, s.URL)
	for range 100 {
		_, err := p.Send(t.Context(), message())
		wantFault(t, err, otp.FaultUnknown, "http_502")
	}
	if n := connections.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

func TestASilentVendorIsGivenUpAtTheDeadlineAndNobodyKnows(t *testing.T) {
	t.Parallel()
	stop := make(chan struct{})
	p := against(t, func(_ http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		<-stop
	})
	t.Cleanup(func() { close(stop) }) // before the server is closed
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	begun := time.Now()
	_, err := p.Send(ctx, message())
	if took := time.Since(begun); took > 2*time.Second {
		t.Errorf("took %s", took)
	}
	wantFault(t, err, otp.FaultUnknown, "timeout")
}

func TestACanceledCallIsUnknownOnceBegun(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	p := against(t, func(_ http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		cancel()
		<-r.Context().Done()
	})
	_, err := p.Send(ctx, message())
	wantFault(t, err, otp.FaultUnknown, "canceled")
}

func TestACallThatNeverBeganIsTheProvidersFault(t *testing.T) {
	t.Parallel()
	p := answering(t, 201, accepted)
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := p.Send(canceled, message())
	wantFault(t, err, otp.FaultProvider, "canceled")
	late, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	_, err = p.Send(late, message())
	wantFault(t, err, otp.FaultProvider, "timeout")
}

func TestARefusedConnectionIsTheProvidersFault(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	_, err := provider(t, s.URL).Send(t.Context(), message())
	if f := wantFault(t, err, otp.FaultProvider, "connection"); !errors.Is(f, syscall.ECONNREFUSED) {
		t.Errorf("have %v", f.Err)
	}
}

func TestABadCertificateIsTheProvidersFault(t *testing.T) {
	t.Parallel()
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.StartTLS()
	t.Cleanup(s.Close)
	_, err := provider(t, s.URL).Send(t.Context(), message())
	wantFault(t, err, otp.FaultProvider, "connection")
}

func TestARequestThatCannotBeMadeIsOurFault(t *testing.T) {
	t.Parallel()
	_, err := provider(t, "http://[").Send(t.Context(), message())
	wantFault(t, err, otp.FaultUs, "request")
}

func TestAConnectionCutBeforeTheAnswerIsUnknownAndNothingIsSentAgain(t *testing.T) {
	t.Parallel()
	var requests atomic.Int32
	p := against(t, func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		if requests.Add(1) == 2 {
			panic(http.ErrAbortHandler)
		}
		_, _ = w.Write([]byte(accepted))
	})
	if _, err := p.Send(t.Context(), message()); err != nil {
		t.Fatal(err)
	}
	_, err := p.Send(t.Context(), message()) // on the connection of the first
	wantFault(t, err, otp.FaultUnknown, "connection")
	if n := requests.Load(); n != 2 {
		t.Errorf("the vendor saw %d requests", n)
	}
}

func TestADeadlineInTheMiddleOfWritingIsUnknown(t *testing.T) {
	t.Parallel()
	p := provider(t, "http://api.example")
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

func TestAVendorThatWentAwayBetweenTwoMessagesIsTheProvidersFault(t *testing.T) {
	t.Parallel()
	p := answering(t, 201, accepted)
	var dials atomic.Int32
	tr := p.HTTP.Transport.(*http.Transport)
	tr.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
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
	if dials.Load() != 2 {
		t.Error("the kept connection was not tried first")
	}
}

func TestAHundredMessagesAtOnceShareTheConnections(t *testing.T) {
	t.Parallel()
	p := against(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, `{"sid":"SM%s","status":"queued"}`, r.FormValue("Attempt"))
	})
	var all sync.WaitGroup
	for i := range 100 {
		all.Go(func() {
			m := message()
			m.Attempt = i + 1
			if a, err := p.Send(t.Context(), m); err != nil || a.Ref != fmt.Sprintf("SM%d", i+1) {
				t.Errorf("have %v, %v", a, err)
			}
		})
	}
	all.Wait()
}

func wantNoSecret(t *testing.T, what, printed string) {
	t.Helper()
	for _, secret := range []string{token, number, number[1:], "482913", text} {
		if strings.Contains(printed, secret) {
			t.Errorf("%s tells %q: %s", what, secret, printed)
		}
	}
}

// faults are errors of all kinds, from a vendor that says all it knows.
func faults(t *testing.T) []error {
	t.Helper()
	var all []error
	fail := func(p twilio.Provider, left time.Duration) {
		ctx, cancel := context.WithTimeout(t.Context(), left)
		defer cancel()
		_, err := p.Send(ctx, message())
		all = append(all, faultOf(t, err))
	}
	for _, status := range []int{201, 307, 400, 401, 404, 429, 500, 503} {
		for _, body := range []string{vendorError(status, 21211), text + number + token, `{"code":"` + number + `"}`, `{"sid":` + number[1:] + `}`} {
			fail(answering(t, status, body, "Location", "http://127.0.0.1/"+text[:6]+number), time.Minute)
		}
	}
	fail(answering(t, 201, `{"sid":"SM1","status":"failed","error_code":30006,"error_message":"`+text+number+`"}`), time.Minute)
	fail(answering(t, 201, text+number, "Content-Length", "1000"), time.Minute)
	fail(provider(t, "http://127.0.0.1:1"), time.Minute)
	fail(provider(t, "http://["), time.Minute)
	fail(provider(t, "http://127.0.0.1:1"), -time.Second)
	return all
}

func TestNoErrorTellsWhatIsSecret(t *testing.T) {
	t.Parallel()
	for _, err := range faults(t) {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
			wantNoSecret(t, verb, fmt.Sprintf(verb, err))
		}
		wantNoSecret(t, "the log", logged(err))
		if f := faultOf(t, err); len(f.Code) > len("twilio_undelivered") {
			t.Errorf("fault code %q", f.Code)
		}
		for cause := err; cause != nil; cause = errors.Unwrap(cause) {
			wantNoSecret(t, "a cause", cause.Error())
		}
	}
}

func logged(v any) string {
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "v", v)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "v", v)
	return log.String()
}

func TestNeitherProviderNorReceiptsTellWhatIsSecret(t *testing.T) {
	t.Parallel()
	p := provider(t, "")
	rc := twilio.Receipts{AccountName: "twilio-eu", Tokens: []string{token}}
	for _, v := range []any{p, &p, rc, &rc, struct{ P any }{p}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
			wantNoSecret(t, verb, fmt.Sprintf(verb, v))
		}
		wantNoSecret(t, "the log", logged(v))
	}
	p.HTTP = nil // a client cannot be marshalled anyway
	for _, v := range []any{p, &p, rc, &rc} {
		if b, err := json.Marshal(v); err == nil {
			t.Errorf("marshalled: %s", b)
		}
	}
}
