package twilio_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
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

func TestAnAnswerThatCannotBeReadIsUnknownUnlessItSaysCreated(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "{", "<html>", "{}", "null", `{"status":"queued"}`, `{"sid":7}`, `{"sid":""}`, strings.Repeat(" ", 1<<20) + accepted} {
		_, err := answering(t, 200, body).Send(t.Context(), message())
		wantFault(t, err, otp.FaultUnknown, "unreadable")
		got, err := answering(t, 201, body).Send(t.Context(), message())
		if want := (otp.Acceptance{State: otp.Accepted}); err != nil || got != want {
			t.Errorf("%.20q of a message that was made: %+v, %v", body, got, err)
		}
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

func TestASIDOfAnotherFormIsNone(t *testing.T) {
	t.Parallel()
	for _, sid := range []string{"SM1", "SM00000000000000000000000000000001/../x", "+4915112345678", strings.Repeat("S", 1000)} {
		p := against(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusCreated)
			_, _ = w.Write([]byte(`{"sid":"` + sid + `","status":"queued"}`))
		})
		if a, err := p.Send(t.Context(), message()); err != nil || a != (otp.Acceptance{State: otp.Accepted}) {
			t.Errorf("%.40s: %+v, %v", sid, a, err)
		}
	}
}

func TestAHugeHeadIsNotReadToItsEnd(t *testing.T) {
	t.Parallel()
	p := against(t, func(w http.ResponseWriter, _ *http.Request) {
		for i := range 128 {
			w.Header().Set("X-"+strconv.Itoa(i), strings.Repeat("x", 8<<10))
		}
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write([]byte(`{"sid":"SM00000000000000000000000000000001","status":"queued"}`))
	})
	_, err := p.Send(t.Context(), message())
	wantFault(t, err, otp.FaultUnknown, "connection")
}

func TestAnAnswerThatBreaksOffIsUnknownUnlessItSaysCreated(t *testing.T) {
	t.Parallel()
	_, err := answering(t, 200, accepted[:20], "Content-Length", "56").Send(t.Context(), message())
	wantFault(t, err, otp.FaultUnknown, "connection")
	got, err := answering(t, 201, accepted[:20], "Content-Length", "56").Send(t.Context(), message())
	if want := (otp.Acceptance{State: otp.Accepted}); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
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
