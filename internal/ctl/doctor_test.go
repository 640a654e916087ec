package ctl_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/otpipe/otpipe/internal/doctor"
)

// examined is what doctor --json prints.
type examined struct {
	Worst    doctor.Grade
	Findings []doctor.Finding
}

func (h *house) examine(t *testing.T, p plan) (e examined, code int) {
	t.Helper()
	out, wrong, code := otpctl(t, "doctor", "--json", "-c", p.write(t, h.dir))
	if err := json.Unmarshal([]byte(out), &e); err != nil {
		t.Fatalf("%v\n%s%s", err, out, wrong)
	}
	return e, code
}

// says tells whether there is such a finding.
func (e examined) says(grade doctor.Grade, about, words string) bool {
	for _, f := range e.Findings {
		if f.Grade == grade && f.About == about && strings.Contains(f.Says, words) {
			return true
		}
	}
	return false
}

func TestTheDoctorFindsNothingToMendInAHouseThatRuns(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	e, code := h.examine(t, plan{}.filled(h, h.api))
	if code != 0 || e.Worst == doctor.Fail {
		t.Errorf("it ended with %d: %+v", code, e)
	}
	for about, words := range map[string]string{
		"redis": "answers in", "store": "agrees with the keys", "queue": "is served", "templates": "can be written in en",
		"provider twilio": "lets us in", "provider relay": "lets us in", "public url": "reaches our api",
	} {
		if !e.says(doctor.OK, about, words) {
			t.Errorf("it does not say that %s %s: %+v", about, words, e.Findings)
		}
	}
	if !e.says(doctor.OK, "public url", "hands receipts on") || !e.says(doctor.OK, "redis", "appendfsync everysec") {
		t.Errorf("%+v", e.Findings)
	}
	if n := len(h.world.Inbox.Messages("")); n != 0 {
		t.Errorf("%d messages were sent", n)
	}
}

func TestTheDoctorFindsWhatIsBroken(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	good := plan{}.filled(h, h.api)
	for name, c := range map[string]struct {
		change func(p *plan)
		grade  doctor.Grade
		about  string
		says   string
	}{
		"another auth token":      {func(p *plan) { p.Token = strings.Repeat("0123456789abcdee", 2) }, doctor.Fail, "provider twilio", "does not let us in: twilio_20003"},
		"a Twilio that is away":   {func(p *plan) { p.Twilio = "http://127.0.0.1:1" }, doctor.Fail, "provider twilio", "does not answer: connection"},
		"a relay that is away":    {func(p *plan) { p.Mail = 1 }, doctor.Fail, "provider relay", "does not answer: smtp_connection"},
		"a relay without AUTH":    {func(p *plan) { p.SMTP = "username = \"otp\"\npassword = \"" + relayWord + "\"" }, doctor.Fail, "provider relay", "does not let us in: smtp_auth"},
		"a public url elsewhere":  {func(p *plan) { p.Public = h.world.InboxURL() }, doctor.Fail, "public url", "not as our api does"},
		"a public url to nowhere": {func(p *plan) { p.Public = "http://127.0.0.1:1" }, doctor.Fail, "public url", "no answer"},
		"a provider that is not there": {func(p *plan) {
			p.More = "[[providers]]\nname = \"zeta\"\ndriver = \"webhook\"\n[providers.webhook]\nurl = \"https://127.0.0.1:1/?token=" + relayWord + "\"\nsecrets = [\"whsec_Y2FuYXJ5LW9mLXRoZS1maXJzdC1zZWNyZXQtLS0=\"]\n"
		}, doctor.Fail, "provider zeta", "does not answer: connection"},
		"other keys":       {func(p *plan) { p.Secret = strings.Replace(p.Secret, "63", "64", 1) }, doctor.Fail, "store", "the store was set up with"},
		"another password": {func(p *plan) { p.RedisWord = "wrong-" + relayWord }, doctor.Fail, "redis", "wants another user or password"},
		"no redis":         {func(p *plan) { p.Redis = "127.0.0.1:1" }, doctor.Fail, "redis", "Redis does not answer"},
		"replicas":         {func(p *plan) { p.More = "[store]\ndurability = \"replicated\"\n" }, doctor.Fail, "redis", "no start would be accepted"},
		"dear texts":       {func(p *plan) { p.More = "[messages]\nbrand = \"" + strings.Repeat("Acme", 30) + "\"\n" }, doctor.Fail, "templates", "shorten it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := good
			c.change(&p)
			e, code := h.examine(t, p)
			if code != 2 || !e.says(c.grade, c.about, c.says) {
				t.Errorf("it ended with %d and says %+v", code, e.Findings)
			}
		})
	}
}

func TestTheDoctorSeesThatNobodyServesTheQueues(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.stop()
	e, code := h.examine(t, plan{}.filled(h, ""))
	if code != 2 || !e.says(doctor.Fail, "queue", "sms is served by no worker") {
		t.Errorf("it ended with %d and says %+v", code, e.Findings)
	}
	if !e.says(doctor.Warn, "configuration", "api.public_url: it is not set") {
		t.Errorf("it does not warn: %+v", e.Findings)
	}
}

func TestTheDoctorKnowsASuspendedAccount(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.world.Twilio.Status = "suspended"
	e, _ := h.examine(t, plan{}.filled(h, h.api))
	if !e.says(doctor.Fail, "provider twilio", "twilio_suspended") {
		t.Errorf("%+v", e.Findings)
	}
}
