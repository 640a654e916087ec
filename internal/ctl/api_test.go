package ctl_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/otpipe/otpipe/client"
	"github.com/otpipe/otpipe/internal/devkit"
)

// desk is an operator's shell in front of a house.
type desk struct {
	*house
	t   *testing.T
	env []string
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	h := newHouse(t)
	return &desk{h, t, []string{"OTPIPE_URL=" + h.api, "OTPIPE_KEY=" + apiKey}}
}

// says runs otpctl, which must end with a code, and returns what it wrote.
func (d *desk) says(code int, args ...string) string {
	d.t.Helper()
	out, wrong, got := otpctlIn(d.t, d.env, "", args...)
	wantNoSecret(d.t, args, out, wrong)
	if got != code {
		d.t.Fatalf("otpctl %v ended with %d, want %d:\n%s%s", args, got, code, out, wrong)
	}
	return out + wrong
}

func (d *desk) has(code int, want []string, args ...string) {
	d.t.Helper()
	text := d.says(code, args...)
	for _, w := range want {
		if !strings.Contains(text, w) {
			d.t.Errorf("otpctl %v does not say %q:\n%s", args, w, text)
		}
	}
}

// told is what --json says of a verification.
type told struct {
	ID, Outcome  string
	Verification struct {
		Status      string
		Delivery    struct{ Status string }
		Explanation struct{ What, Next string }
	}
}

func (d *desk) sent(code int, args ...string) (out told) {
	d.t.Helper()
	text := d.says(code, append([]string{"send", "--json"}, args...)...)
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		d.t.Fatalf("%v: %s", err, text)
	}
	return out
}

func TestASmokeTestGoesAllTheWay(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	const phone = "+4915123456789"
	d.has(0, []string{"+49•••••••••89 by sms", "delivered", "it came through"}, "send", "--to", phone, "--namespace", "phone-auth")
	d.has(0, []string{"VERIFICATION", "The newest", "phone-auth by sms to +49•••••••••89", "TIME (UTC)", "delivered"}, "show", phone)
	d.has(1, []string{"cooldown_active", "try again in"}, "send", "--to", phone, "--namespace", "phone-auth")
	mail := d.sent(0, "--to", "kim@example.com", "--namespace", "verify-email", "--cancel")
	if mail.Outcome != "arrived" || mail.Verification.Status != "canceled" || mail.Verification.Delivery.Status != "sent" {
		t.Errorf("%+v", mail)
	}
	d.has(0, []string{mail.ID, "canceled", "k•••@e•••.com", "TIME (UTC)", "relay"}, "show", mail.ID)
	text := d.says(0, "show", phone, "--json")
	for _, m := range d.world.Inbox.Messages(phone) {
		if strings.Contains(text, m.Code) || strings.Contains(text, phone[3:]) {
			t.Errorf("show tells a code or a number: %s", text)
		}
	}
}

func TestASmokeTestSaysWhatWasLost(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	if err := d.world.Chaos.Set("twilio", devkit.Undelivered, 1); err != nil {
		t.Fatal(err)
	}
	lost := d.sent(2, "--to", "+4915123456789", "--namespace", "phone-auth")
	if lost.Outcome != "lost" || lost.Verification.Delivery.Status != "undelivered" || lost.Verification.Explanation.Next == "" {
		t.Errorf("%+v", lost)
	}
	if err := d.world.Chaos.Set("twilio", devkit.Hang, 1); err != nil {
		t.Fatal(err)
	}
	d.has(75, []string{"not known yet", "otpctl show VE"}, "send", "--to", "+447400123456", "--namespace", "phone-auth", "--wait", "1s")
}

func TestAProviderIsTakenOutAndBack(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.has(0, []string{"PROVIDER", "twilio", "serving", "relay", "email"}, "provider", "list")
	d.has(0, []string{"drained", "the account moves (operator"}, "provider", "drain", "twilio", "--reason", "the account moves")
	d.has(0, []string{`"status": "drained"`, `"drained_reason": "the account moves"`}, "provider", "list", "--json")
	d.has(0, []string{"serving"}, "provider", "resume", "twilio", "--reason", "it has moved")
	d.has(64, []string{"provider_not_found", "provider list"}, "provider", "drain", "nobody", "--reason", "why not")
	d.has(64, []string{"--reason"}, "provider", "drain", "twilio")
}

func TestARecipientIsUnlocked(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	const phone = "+4915123456789"
	d.locks(phone)
	d.has(1, []string{"recipient_locked", "otpctl unlock"}, "send", "--to", phone, "--namespace", "add-phone")
	d.has(0, []string{"unlocked"}, "unlock", phone, "--namespace", "add-phone", "--reason", "ticket 4711")
	d.has(0, []string{"nothing to clear"}, "unlock", phone, "--namespace", "add-phone", "--reason", "ticket 4711")
	d.has(64, []string{"namespace_not_found"}, "unlock", phone, "--namespace", "nowhere", "--reason", "ticket 4711")
}

// locks guesses wrong until a recipient is locked in add-phone.
func (d *desk) locks(phone string) {
	d.t.Helper()
	d.sent(0, "--to", phone, "--namespace", "add-phone")
	wrong := client.Hide(wrongTo(d.world.Inbox.Messages(phone)[0].Code))
	c := client.Client{BaseURL: d.api, Key: client.Hide(apiKey)}
	for {
		checked, err := c.Check(d.t.Context(), client.CheckRequest{Namespace: "add-phone", To: phone, Code: wrong})
		if err != nil {
			d.t.Fatal(err)
		}
		if checked.Status == client.Locked {
			return
		}
	}
}

func wrongTo(code string) string { return string('0'+(code[0]-'0'+1)%10) + code[1:] }

func TestWhatAnAPIRefusesIsSaidWithWhatToDo(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	show := []string{"show", "+4915123456789"}
	for want, env := range map[string][]string{
		"64 --url: say where the api is":       {"OTPIPE_KEY=" + apiKey},
		"64 --key: say with which API key":     {"OTPIPE_URL=" + d.api},
		"64 --url: say where the api is, such": {"OTPIPE_URL=ftp://elsewhere", "OTPIPE_KEY=" + apiKey},
		"64 --key: this is no API key":         {"OTPIPE_URL=" + d.api, "OTPIPE_KEY=" + apiKey + "\r"},
		"78 unauthenticated":                   {"OTPIPE_URL=" + d.api, "OTPIPE_KEY=otk_" + strings.Repeat("0", 64)},
		"69 see that --url or OTPIPE_URL":      {"OTPIPE_URL=http://otp:" + relayWord + "@127.0.0.1:1", "OTPIPE_KEY=" + apiKey},
		"64 --url: say where":                  {"OTPIPE_URL=ftp://otp:" + relayWord + "@127.0.0.1:1", "OTPIPE_KEY=" + apiKey},
		"69 the api does not answer":           {"OTPIPE_URL=http://127.0.0.1:1", "OTPIPE_KEY=" + apiKey},
		"69 status 404, which is no answer of": {"OTPIPE_URL=" + d.world.InboxURL(), "OTPIPE_KEY=" + apiKey},
	} {
		code, words, _ := strings.Cut(want, " ")
		out, wrong, got := otpctlIn(t, env, "", show...)
		wantNoSecret(t, show, out, wrong)
		if out != "" || !strings.Contains(wrong, words) || code != map[int]string{64: "64", 69: "69", 78: "78"}[got] {
			t.Errorf("want %s, ended with %d:\n%s%s", want, got, out, wrong)
		}
	}
	d.has(0, []string{"nothing is known of this recipient"}, "show", "+4915199999999")
	d.has(1, []string{"verification_not_found"}, "show", "VE0a"+strings.Repeat("0", 30))
	d.has(64, []string{"invalid_recipient"}, "show", "nobody")
}

func TestAKeyIsNotTakenElsewhere(t *testing.T) {
	t.Parallel()
	var asked []string
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked = append(asked, r.Header.Get("Authorization")) }))
	t.Cleanup(elsewhere.Close)
	fake := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	t.Cleanup(fake.Close)
	if out, wrong, code := otpctlIn(t, []string{"OTPIPE_URL=" + fake.URL, "OTPIPE_KEY=" + apiKey}, "", "provider", "list"); code != 69 {
		t.Errorf("ended with %d: %s%s", code, out, wrong)
	}
	if len(asked) > 0 {
		t.Errorf("the key was sent elsewhere: %q", asked)
	}
}
