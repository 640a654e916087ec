package supportui_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

func (r *rig) search(text string) answer {
	r.t.Helper()
	return r.post("/search", url.Values{"q": {text}})
}

func TestARecipientIsFoundInAnySpelling(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	o := r.start(asked{})
	mail := r.start(asked{to: mailbox, ns: otp.VerifyEmail})
	for text, want := range map[string]otp.Order{
		"+4915123456789": o, "0151 / 234 567 89": o, "0049 151 23456789": o, " Kim <kim@example.com> ": mail, "kim@EXAMPLE.com": mail,
	} {
		a := r.search(text)
		at := a.header.Get("Location")
		if a.status != http.StatusSeeOther || !strings.HasPrefix(at, "/recipients/") {
			t.Fatalf("%q: %d %s", text, a.status, at)
		}
		if strings.Contains(at, "23456789") || strings.Contains(at, "kim") {
			t.Errorf("the address is in the URL: %s", at)
		}
		if body := r.page(at); !strings.Contains(body, path(want)) {
			t.Errorf("%q: not there", text)
		}
	}
	if at := r.search(" " + string(o.ID) + "\n").header.Get("Location"); at != path(o) {
		t.Errorf("by id: %s", at)
	}
}

func TestAllOfARecipientIsListedTheNewestFirst(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var all []otp.Order
	for _, ns := range []otp.Namespace{otp.PhoneAuth, otp.AddPhone, otp.VerifyPhone} {
		all = append(all, r.start(asked{ns: ns}))
		r.pass(time.Minute)
	}
	all = append(all, r.start(asked{binding: "this browser"}))
	at := r.search(phone).header.Get("Location")
	body := r.page(at)
	last := len(body)
	for _, o := range all {
		i := strings.Index(body, path(o))
		if i < 0 || i > last {
			t.Fatalf("%s is at %d, after %d", o, i, last)
		}
		last = i
	}
	r.enter(otp.Staff{Name: "nina", Role: otp.Admin, Namespaces: []otp.Namespace{otp.AddPhone}})
	body = r.page(at)
	if strings.Count(body, `href="/verifications/`) != 1 || !strings.Contains(body, path(all[1])) {
		t.Error("she sees what is not hers")
	}
}

func TestWhatCannotBeFoundIsSaid(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for text, want := range map[string]string{
		"":               "not a phone number in international form",
		"hello":          "not a phone number in international form",
		"+49 30 901820":  "a fixed line does not receive texts",
		"VE123":          "not a phone number",
		"kim@":           "not an e-mail address",
		`"><b>x</b>@a.b`: "",
	} {
		a := r.search(text)
		if a.status != http.StatusUnprocessableEntity || !strings.Contains(a.body, want) || !strings.Contains(a.body, `role="alert"`) {
			t.Errorf("%q: %d", text, a.status)
		}
		if strings.Contains(a.body, "<b>x") {
			t.Errorf("%q is not escaped", text)
		}
	}
	if body := r.page(r.search("+4915199999999").header.Get("Location")); !strings.Contains(body, "No verification of this recipient is kept") {
		t.Error("an empty list says nothing")
	}
	for _, at := range []string{"/recipients/", "/recipients/zz.AAAAAAAAAAAAAAAAAAAAAA", "/recipients/00.short", "/verifications/VE1", "/verifications/" + string(otp.NewID(3)), "/nowhere", "/recipients/00." + strings.Repeat("A", 22) + strings.Repeat("."+strings.Repeat("A", 22), 16)} {
		if a := r.get(at); a.status != http.StatusNotFound {
			t.Errorf("%s: %d", at, a.status)
		}
	}
}
