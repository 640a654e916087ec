package message_test

import (
	"slices"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/otpipe/otpipe/internal/message"
	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/templates"
)

func TestTheBuiltInMessagesSayAllThatTheyOughtTo(t *testing.T) {
	t.Parallel()
	if got := builtIn(t, everyNamespace()).Lint(); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}

func TestLintSaysWhatAMessageLeavesOut(t *testing.T) {
	t.Parallel()
	over := fstest.MapFS{
		"de/default/sms.txt":             {Data: []byte("Ihr Code kommt gleich. {{.Params.device}} https://example.com")},
		"de/default/email.subject.txt":   {Data: []byte("{{.Code}} von {{.Params.brand}}")},
		"de/default/email.html":          {Data: []byte("<html><p>{{.Code}} {{.Params.brand}}</p></html>")},
		"en/verify-email/email.txt":      {Data: []byte("A code of {{.Params.brand}}, for {{.Minutes}} minutes.")},
		"en/verify-email/purpose.txt":    {Data: []byte("to verify")},
		"en/forgot-password/purpose.txt": {Data: []byte("to get in")},
		"en/forgot-password/sms.txt":     {Data: []byte("{{.Code}} {{.Params.brand}} {{.Purpose}} {{.Minutes}}")},
		"en/forgot-password/email.txt":   {Data: []byte("{{.Code}} {{.Minutes}} {{.Params.brand}}")},
		"en/forgot-password/email.html":  {Data: []byte(`<html lang="en">{{.Code}} {{.Minutes}} {{.Params.brand}}`)},
	}
	namespaces := otp.BuiltIn()
	files, err := message.Overlay(over, templates.FS, namespaces)
	if err != nil {
		t.Fatal(err)
	}
	c, err := message.New(files, namespaces, message.Settings{Params: map[string]string{"brand": "Acme", "device": "your phone"}})
	if err != nil {
		t.Fatal(err)
	}
	want := []message.Lack{
		{File: "en/verify-email/email.txt", Says: "does not say the code", Serious: true},
		{File: "de/default/sms.txt", Says: "does not say the code", Serious: true},
		{File: "de/default/sms.txt", Says: "does not say whose code it is: a stranger's request looks the same"},
		{File: "de/default/sms.txt", Says: "does not say what the code is for, which is how people notice that they are being tricked"},
		{File: "de/default/sms.txt", Says: "does not say how long the code lives"},
		{File: "de/default/sms.txt", Says: "has a link: carriers filter such texts, and people learn to follow them"},
		{File: "de/default/email.subject.txt", Says: "has the code: relays log subjects, and locked screens show them", Serious: true},
		{File: "de/default/email.html", Says: "does not say how long the code lives"},
		{File: "de/default/email.html", Says: "does not name its language, by which it is read out"},
		{File: "en/default/sms.txt", Says: "does not say the param device, which other locales say"},
	}
	got := c.Lint()
	for _, w := range want {
		if !slices.Contains(got, w) {
			t.Errorf("it does not say %+v", w)
		}
	}
	others := slices.DeleteFunc(slices.Clone(got), func(l message.Lack) bool {
		return slices.Contains(want, l) || l.Says == "does not say the param device, which other locales say"
	})
	if d := cmp.Diff([]message.Lack{}, others); d != "" {
		t.Error(d)
	}
}

func TestSamplesCostWhatTheChecksAtStartCount(t *testing.T) {
	t.Parallel()
	all, err := builtIn(t, otp.BuiltIn()).Samples()
	if err != nil {
		t.Fatal(err)
	}
	texts := 0
	for _, policy := range otp.BuiltIn() {
		if policy.Allows(otp.SMS) {
			texts++
		}
	}
	if len(all) != texts*len(locales) {
		t.Errorf("%d texts", len(all))
	}
	for _, s := range all {
		ucs2 := s.Locale == "ar" || s.Locale == "hi"
		if ucs2 != (s.Cost.Encoding == message.UCS2) || s.Cost.Segments < 1 || s.Longest.Units < s.Cost.Units || s.Longest.Segments > 2 {
			t.Errorf("%+v", s)
		}
	}
}
