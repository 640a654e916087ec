package smtpmail_test

import (
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/smtpmail"
)

// read reads a report as it travels, with CRLF.
func read(text string) (smtpmail.Report, error) {
	return smtpmail.ReadReport(strings.NewReader(strings.ReplaceAll(text, "\n", "\r\n")))
}

func mustRead(t *testing.T, text string) smtpmail.Report {
	t.Helper()
	r, err := read(text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return r
}

func TestEveryStatusOfAFailureHasItsClass(t *testing.T) {
	for status, want := range map[string]struct {
		class     otp.Class
		permanent bool
	}{
		"5.1.1":  {otp.FaultRecipient, true}, // no such mailbox
		"5.1.2":  {otp.FaultRecipient, true}, // no such domain
		"5.1.3":  {otp.FaultRecipient, true},
		"5.1.6":  {otp.FaultRecipient, true},
		"5.1.10": {otp.FaultRecipient, true}, // null MX (RFC 7505)
		"5.1.0":  {otp.FaultProvider, false}, // "something about an address"
		"5.1.7":  {otp.FaultUs, false},       // our own
		"5.1.8":  {otp.FaultUs, false},
		"5.2.0":  {otp.FaultRecipient, false},
		"5.2.1":  {otp.FaultRecipient, false}, // disabled
		"5.2.2":  {otp.FaultRecipient, false}, // full
		"5.2.3":  {otp.FaultUs, false},        // the message is too long for it
		"4.2.2":  {otp.FaultRecipient, false}, // full until the relay gave up
		"5.6.0":  {otp.FaultUs, false},
		"5.7.1":  {otp.FaultUs, false},
		"5.7.26": {otp.FaultUs, false},
		"5.0.0":  {otp.FaultProvider, false},
		"5.3.0":  {otp.FaultProvider, false},
		"5.4.4":  {otp.FaultProvider, false},
		"5.5.0":  {otp.FaultProvider, false},
		"4.1.1":  {otp.FaultProvider, false},
		"4.2.0":  {otp.FaultProvider, false}, // greylisted to the end
		"4.4.1":  {otp.FaultProvider, false},
		"4.4.7":  {otp.FaultProvider, false}, // in the queue for too long
		"4.7.1":  {otp.FaultProvider, false},
	} {
		got, ok := mustRead(t, notification("Action: failed", "Status: "+status)).Receipt(anAttempt, 3, "smtp-test")
		if diff := cmp.Diff(undelivered(status, want.class, want.permanent), got); !ok || diff != "" {
			t.Errorf("%s: %v, %s", status, ok, diff)
		}
	}
}

func TestOnlyAPositiveReportIsDelivered(t *testing.T) {
	delivered := otp.Receipt{Order: anAttempt, Attempt: 3, Provider: "smtp-test", State: otp.Delivered}
	for action, want := range map[string]otp.Receipt{
		"delivered":                delivered,
		"Delivered":                delivered,
		"delivered (to mailbox)":   delivered,
		"relayed":                  {},
		"relayed (to non-DSN MTA)": {},
		"expanded":                 {},
		"delayed":                  {},
	} {
		status := "Status: 2.0.0"
		if action == "delayed" {
			status = "Status: 4.4.1"
		}
		got, ok := mustRead(t, notification("Action: "+action, status)).Receipt(anAttempt, 3, "smtp-test")
		if diff := cmp.Diff(want, got); diff != "" || ok != (want.State != "") {
			t.Errorf("%s: %v, %s", action, ok, diff)
		}
	}
}

// One field or another is missing, doubled, folded or of a form of its own.
func TestAReportIsReadAsMailSystemsWriteThem(t *testing.T) {
	failed := func(status string) smtpmail.Report { return smtpmail.Report{Action: "failed", Status: status} }
	plain := notification("Action: failed", "Status: 5.1.1")
	coded := func(encoding, text string) string {
		return strings.Replace(strings.Replace(plain, "Content-Type: message/delivery-status\n", "Content-Type: message/delivery-status\nContent-Transfer-Encoding: "+encoding+"\n", 1),
			plain[strings.Index(plain, "Reporting-MTA"):strings.Index(plain, "--=_7\nContent-Type: text/rfc822")], text+"\n", 1)
	}
	inside := func(outer string) string {
		kind := strings.Index(plain, "Content-Type")
		return plain[:kind] + "Content-Type: " + outer + "; boundary=outer\n\n--outer\n" + plain[kind:] + "--outer\nContent-Type: text/plain\n\nA footer.\n--outer--\n"
	}
	for name, c := range map[string]struct {
		text string
		want smtpmail.Report
	}{
		"plain":                     {plain, failed("5.1.1")},
		"in capitals":               {notification("ACTION: FAILED", "STATUS: 5.1.1"), failed("5.1.1")},
		"with comments":             {notification("Action: failed (for good)", "Status: 5.1.1 (bad mailbox)"), failed("5.1.1")},
		"no spaces":                 {notification("Action:failed", "Status:5.1.1"), failed("5.1.1")},
		"a doubled field":           {notification("Action: failed", "Status: 5.1.1", "Status: 4.4.1"), failed("5.1.1")},
		"no recipient":              {strings.Replace(plain, "Final-Recipient: rfc822; zoe@next.test\n", "", 1), failed("5.1.1")},
		"no empty line between":     {strings.Replace(plain, "Arrival-Date: today\n\n", "", 1), failed("5.1.1")},
		"two empty lines":           {strings.Replace(plain, "Arrival-Date: today\n\n", "\n \n\n", 1), failed("5.1.1")},
		"a line that is no field":   {notification("Action: failed", "why, oh why", "Status: 5.1.1"), failed("5.1.1")},
		"no status":                 {notification("Action: failed"), failed("")},
		"a status of words":         {notification("Action: failed", "Status: no such user"), failed("")},
		"a status too long":         {notification("Action: failed", "Status: 5.1.1111"), failed("")},
		"a status in the diagnosis": {notification("Action: failed", "Diagnostic-Code: smtp; 550 5.1.1 <zoe@next.test> unknown"), failed("5.1.1")},
		"a vague status":            {notification("Action: failed", "Status: 5.0.0", "Diagnostic-Code: SMTP;550-5.2.1 The account is disabled"), failed("5.2.1")},
		"a folded diagnosis":        {notification("Action: failed", "Status: 5.0.0", "Diagnostic-Code: smtp;", "    550 5.1.1 unknown"), failed("5.1.1")},
		"a good status goes first":  {notification("Action: failed", "Status: 5.2.2", "Diagnostic-Code: smtp; 550 5.1.1 unknown"), failed("5.2.2")},
		"a diagnosis of the relay":  {notification("Action: failed", "Status: 5.0.0", "Diagnostic-Code: x-relay; 550 5.1.1 unknown"), failed("5.0.0")},
		"a diagnosis that denies":   {notification("Action: failed", "Status: 5.0.0", "Diagnostic-Code: smtp; 250 2.0.0 fine"), failed("5.0.0")},
		"quoted-printable":          {coded("quoted-printable", "A: b\n\nAction: fail=\ned\nStatus: 5=2E1.1"), failed("5.1.1")},
		"base64":                    {coded("base64", base64.StdEncoding.EncodeToString([]byte("A: b\n\nAction: failed\nStatus: 5.1.1\n"))), failed("5.1.1")},
		"international":             {strings.Replace(plain, "message/delivery-status", "message/global-delivery-status", 1), failed("5.1.1")},
		"no type of report":         {strings.Replace(plain, "report-type=delivery-status; ", "", 1), failed("5.1.1")},
		"with a footer":             {inside("multipart/mixed"), failed("5.1.1")},
		"no end":                    {plain[:strings.Index(plain, "--=_7\nContent-Type: text/rfc822")], failed("5.1.1")},
		"read receipt":              {strings.NewReplacer("report-type=delivery-status", "report-type=disposition-notification", "message/delivery-status", "message/disposition-notification").Replace(plain), smtpmail.Report{}},
		"complaint of spam":         {strings.NewReplacer("report-type=delivery-status", "report-type=feedback-report", "message/delivery-status", "message/feedback-report").Replace(plain), smtpmail.Report{}},

		"forwarded to two, one is gone":     {notification("Action: delivered", "Status: 2.1.5", "", "Action: failed", "Status: 5.1.1"), smtpmail.Report{Action: "delivered", Status: "2.1.5"}},
		"forwarded to two, one may come":    {notification("Action: failed", "Status: 5.1.1", "", "Action: delayed", "Status: 4.4.1"), smtpmail.Report{Action: "delayed", Status: "4.4.1"}},
		"forwarded to two, one full":        {notification("Action: failed", "Status: 5.1.1", "", "Action: failed", "Status: 5.2.2"), failed("5.2.2")},
		"forwarded to two that do not work": {notification("Action: failed", "Status: 5.1.1", "", "Action: failed", "Status: 5.1.2"), failed("5.1.1")},
	} {
		if diff := cmp.Diff(c.want, mustReadNamed(t, name, c.text)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func mustReadNamed(t *testing.T, name, text string) smtpmail.Report {
	t.Helper()
	r, err := read(text)
	if err != nil {
		t.Errorf("%s: %v", name, err)
	}
	return r
}

func TestWhatIsNoReportIsNotTakenForOne(t *testing.T) {
	plain := notification("Action: failed", "Status: 5.1.1")
	attached := "From: a@b.test\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=outer\n\n--outer\nContent-Type: message/rfc822\n\n" + plain + "--outer--\n"
	deep := plain[strings.Index(plain, "Content-Type"):]
	for i := range 8 {
		edge := strings.Repeat("x", i+1)
		deep = "Content-Type: multipart/mixed; boundary=" + edge + "\n\n--" + edge + "\n" + deep + "\n--" + edge + "--\n"
	}
	for name, text := range map[string]string{
		"nothing":                       "",
		"no header":                     "\nhello\n",
		"no mail":                       "hello there\n\n",
		"bytes":                         "\x00\xff\xfe: \x80\n\n\x00",
		"a person":                      "From: zoe@next.test\nSubject: Re: Your code\n\nAction: failed\nStatus: 5.1.1\n",
		"a bounce in its own words":     "From: MAILER-DAEMON@qmail.test\n\nHi. This is the program at qmail.test.\n<zoe@next.test>:\nno mailbox here by that name. (#5.1.1)\n",
		"a report that is attached":     attached,
		"a status outside of a report":  strings.Replace(plain, "multipart/report; report-type=delivery-status", "multipart/mixed", 1),
		"a status alone":                "Content-Type: message/delivery-status\n\nAction: failed\nStatus: 5.1.1\n",
		"a report without a boundary":   strings.Replace(plain, "; boundary=\"=_7\"", "", 1),
		"a report of another boundary":  strings.Replace(plain, "boundary=\"=_7\"", "boundary=\"=_8\"", 1),
		"a report without a status":     strings.Replace(plain, "message/delivery-status", "text/plain", 1),
		"a type that cannot be read":    strings.Replace(plain, "multipart/report;", "multipart/;;", 1),
		"no action":                     notification("Status: 5.1.1"),
		"an action of its own":          notification("Action: exploded", "Status: 5.1.1"),
		"success that failed":           notification("Action: delivered", "Status: 5.1.1"),
		"a failure that succeeded":      notification("Action: failed", "Status: 2.0.0"),
		"broken base64":                 strings.Replace(plain, "Content-Type: message/delivery-status\n", "Content-Type: message/delivery-status\nContent-Transfer-Encoding: base64\n", 1),
		"a report in many others":       "From: a@b.test\n" + deep,
		"the action after the headers":  strings.Replace(notification("Status: 5.1.1"), "Subject: Your code", "Action: failed", 1),
		"an action that is folded away": notification("Status: 5.1.1", " Action: failed"),
	} {
		if r, err := read(text); !errors.Is(err, smtpmail.ErrNoReport) || r != (smtpmail.Report{}) {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
}

// samples are reports as mail systems write them.
func samples(t testing.TB) map[string]string {
	t.Helper()
	names, err := filepath.Glob("testdata/dsn/*.eml")
	if err != nil || len(names) == 0 {
		t.Fatalf("%d samples, %v", len(names), err)
	}
	all := map[string]string{}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimSuffix(filepath.Base(name), ".eml")] = string(text)
	}
	return all
}

func TestWhatPostfixWritesIsRead(t *testing.T) {
	want := map[string]smtpmail.Report{
		"postfix-gone":      {Action: "failed", Status: "5.1.1"},
		"postfix-expired":   {Action: "failed", Status: "4.2.0"},
		"postfix-delivered": {Action: "delivered", Status: "2.0.0"},
		"postfix-relayed":   {Action: "relayed", Status: "2.0.0"},
		"postfix-delayed":   {Action: "delayed", Status: "4.2.0"},
	}
	got := map[string]smtpmail.Report{}
	for name, text := range samples(t) {
		got[name] = mustReadNamed(t, name, text)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func FuzzReport(f *testing.F) {
	for _, text := range samples(f) {
		f.Add([]byte(text))
	}
	f.Add([]byte(notification("Action: failed", "Status: 5.0.0", "Diagnostic-Code: smtp;", " 550 5.1.1 unknown")))
	f.Add([]byte("Content-Type: multipart/report; boundary=a\n\n--a\nContent-Type: message/delivery-status\nContent-Transfer-Encoding: base64\n\nQWN0aW9uOiBmYWlsZWQ=\n--a--"))
	f.Add([]byte("\x00: \x00\n\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := smtpmail.ReadReport(strings.NewReader(string(text)))
		rc, ok := r.Receipt(anAttempt, 3, "smtp-test")
		switch {
		case err != nil && (r != smtpmail.Report{} || !errors.Is(err, smtpmail.ErrNoReport)):
			t.Errorf("%+v and %v", r, err)
		case len(r.Reason()) > len("dsn_5.123.123") || strings.ContainsAny(r.Reason(), "@ \n"):
			t.Errorf("a reason of its own: %q", r.Reason())
		case !ok && rc != (otp.Receipt{}):
			t.Errorf("it decides nothing: %+v", rc)
		case ok && (rc.Order != anAttempt || rc.Attempt != 3 || rc.Ref != ""):
			t.Errorf("about another attempt: %+v", rc)
		case ok && (rc.State == otp.Undelivered) != (rc.Class != "" && rc.Reason != ""):
			t.Errorf("%+v", rc)
		case ok && rc.State != otp.Undelivered && rc.State != otp.Delivered:
			t.Errorf("%+v", rc)
		case rc.Permanent && !strings.HasPrefix(r.Status, "5.1."):
			t.Errorf("%+v suppresses", r)
		}
	})
}
