package twilio_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/otpipe/otpipe/internal/otp"
)

const keySID = "SKbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

func TestAnAccountIsGreetedWithoutAMessage(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		prepare func(w *world)
		note    string
		fault   string
	}{
		"the auth token":      {func(*world) {}, "", ""},
		"a trial account":     {func(w *world) { w.vendor.Trial = true }, "trial account", ""},
		"a suspended account": {func(w *world) { w.vendor.Status = "suspended" }, "", "twilio_suspended"},
		"a closed account":    {func(w *world) { w.vendor.Status = "closed" }, "", "twilio_closed"},
		"another auth token":  {func(w *world) { w.provider.Password = "0" }, "", "twilio_20003"},
		"an API key": {func(w *world) {
			w.vendor.KeySID, w.vendor.KeySecret = keySID, "sesame"
			w.provider.Username, w.provider.Password = keySID, "sesame"
		}, "the API key is let in", ""},
		"an API key that was revoked": {func(w *world) { w.provider.Username, w.provider.Password = keySID, "sesame" }, "", "twilio_20003"},
	} {
		w := newWorld(t)
		c.prepare(w)
		note, err := w.provider.Greet(t.Context())
		if c.fault != "" {
			wantFault(t, err, otp.FaultUs, c.fault)
		} else if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if note != c.note && (c.note == "" || !strings.Contains(note, c.note)) {
			t.Errorf("%s: note %q", name, note)
		}
		if got := w.vendor.Inbox.Messages(""); len(got) != 0 {
			t.Errorf("%s: %d messages", name, len(got))
		}
	}
}

func TestAGreetingThatIsNotAnsweredIsTheProvidersFault(t *testing.T) {
	t.Parallel()
	_, err := answering(t, http.StatusServiceUnavailable, "").Greet(t.Context())
	wantFault(t, err, otp.FaultProvider, "http_503")
	gone := provider(t, "http://127.0.0.1:1")
	_, err = gone.Greet(t.Context())
	wantFault(t, err, otp.FaultProvider, "connection")
}

func TestAnAccountIsLookedForWhereItsMessagesGo(t *testing.T) {
	t.Parallel()
	var path, user string
	p := against(t, func(w http.ResponseWriter, r *http.Request) {
		path = r.Method + " " + r.URL.Path
		user, _, _ = r.BasicAuth()
		_, _ = w.Write([]byte(`{"status":"active","type":"Full"}`))
	})
	if _, err := p.Greet(t.Context()); err != nil {
		t.Fatal(err)
	}
	if path != "GET /2010-04-01/Accounts/"+account+".json" || user != account {
		t.Errorf("it asked %s as %s", path, user)
	}
}
