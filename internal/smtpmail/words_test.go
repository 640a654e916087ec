package smtpmail_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/smtpmail"
)

// found are what a pattern finds in a file of this package.
func found(t *testing.T, file, pattern string) (all []string) {
	t.Helper()
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(source), -1) {
		all = append(all, m[1])
	}
	if len(all) == 0 {
		t.Fatalf("%s has none of %s", file, pattern)
	}
	return all
}

// plain tells what is wrong with words for somebody who knows no mail server.
func plain(text string) string {
	switch {
	case text == "":
		return "no words"
	case len(text) > 90:
		return "too long"
	case !unicode.IsUpper(rune(text[0])):
		return "no capital at its beginning"
	case strings.ContainsAny(text, "0123456789_.:;"):
		return "a code, or more than a sentence"
	}
	for _, jargon := range []string{"SMTP", "DKIM", "SPF", "DMARC", "TLS", "DNS", "MX", "relay", "bounce", "greylist", "bad sender"} {
		if strings.Contains(text, jargon) {
			return "jargon: " + jargon
		}
	}
	return ""
}

func TestEveryFaultOfAHandOverHasPlainWords(t *testing.T) {
	t.Parallel()
	codes := strings.Fields(found(t, "faults.go", `strings\.Fields\("([^"]+)"\)`)[0])
	codes = append(codes, "4xx", "5xx", "utf8")
	codes = append(codes, found(t, "faults.go", `(?m)^\t(?:busy|late|canceled|lost|odd) += "(\w+)"`)...)
	for _, step := range found(t, "faults.go", `(?m)^\tcase outcome\[0\] > '9' && \((.*)\):$`) {
		for _, name := range regexp.MustCompile(`s == (\w+)`).FindAllStringSubmatch(step, -1) {
			codes = append(codes, found(t, "failure.go", `(?m)^\t`+name[1]+` +step = "(\w+)"`)...)
		}
	}
	if len(codes) != 25+3+5+4 {
		t.Errorf("%d codes: %q", len(codes), codes)
	}
	for _, code := range codes {
		if wrong := plain(smtpmail.Words("smtp_" + code)); wrong != "" {
			t.Errorf("%s: %s: %q", code, wrong, smtpmail.Words("smtp_"+code))
		}
	}
}

func TestEveryStatusOfTheRegisterHasPlainWords(t *testing.T) {
	t.Parallel()
	// The register of RFC 5248, and what two large mail systems add to it.
	register := strings.Fields(`0.0 1.0 1.1 1.2 1.3 1.4 1.6 1.7 1.8 1.9 1.10 2.0 2.1 2.2 2.3 2.4 3.0 3.1 3.2 3.3 3.4 3.5
		4.0 4.1 4.2 4.3 4.4 4.5 4.6 4.7 5.0 5.1 5.2 5.3 5.4 5.5 5.6 6.0 6.1 6.2 6.3 6.4 6.5 6.6 6.7 6.8 6.9 6.10
		7.0 7.1 7.2 7.3 7.4 7.5 7.6 7.7 7.8 7.9 7.10 7.11 7.12 7.13 7.14 7.15 7.16 7.17 7.18 7.19 7.20 7.21 7.22 7.23 7.24
		7.25 7.26 7.27 7.28 7.29 7.30 7.509 7.511`)
	table := found(t, "words.go", `(?m)^\t"(\d\.\d+)": `)
	slices.Sort(register)
	slices.Sort(table)
	if !slices.Equal(register, table) {
		t.Errorf("the table has\n%q", table)
	}
	for _, code := range register {
		for _, reason := range []string{"dsn_4." + code, "dsn_5." + code, "smtp_550_5." + code, "smtp_450_4." + code} {
			if wrong := plain(smtpmail.Words(reason)); wrong != "" {
				t.Errorf("%s: %s: %q", reason, wrong, smtpmail.Words(reason))
			}
		}
	}
}

func TestTheMorePreciseCodeHasTheWord(t *testing.T) {
	t.Parallel()
	for reason, want := range map[string]string{
		"smtp_550_5.1.1": "This mailbox does not exist",
		"smtp_550_5.7.1": "The rules of the mail server do not let our mail in",
		"smtp_450_4.7.1": "The mail server does not know us yet and asks us to come again in some minutes",
		"smtp_550":       "The mail server takes no mail for this mailbox, or none from us",
		"smtp_550_9.9.9": "The mail server takes no mail for this mailbox, or none from us",
		"dsn_5.2.2":      "The mailbox is full",
		"dsn_5.2.99":     "Something is wrong with the mailbox",
		"dsn_failed":     "The mail system gave the mail up and did not say why",
	} {
		if got := smtpmail.Words(reason); got != want {
			t.Errorf("%s: %q", reason, got)
		}
	}
}

func TestThereAreNoWordsForWhatIsNotKnown(t *testing.T) {
	t.Parallel()
	for _, reason := range []string{"", "smtp_", "smtp_999", "dsn_", "dsn_9.9.9", "dsn_5", "550", "5.1.1", "twilio_21211", "http_500", "smtp_550x"} {
		if got := smtpmail.Words(reason); got != "" {
			t.Errorf("%q: %q", reason, got)
		}
	}
}

func TestAnEnhancedCodeOfARelaysOwnLeavesNoTraceOfWhatItHides(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]verdict{
		"550 5.739.182 no":    refused("smtp_550"), // half of a code in each part
		"550 5.1.639 no":      gone("smtp_550_5.1.0"),
		"550 5.7.133 members": ours("smtp_550_5.7.0"),
	} {
		_, err := script{"RCPT": answer}.start(t).Send(t.Context(), message())
		if got := verdictOf(t, err); got != want {
			t.Errorf("%s: %+v", answer, got)
		}
	}
}

func TestNoMoreDoesOneInABounce(t *testing.T) {
	t.Parallel()
	for status, want := range map[string]string{"5.739.182": "dsn_failed", "5.1.639": "dsn_5.1.0", "5.7.133": "dsn_5.7.0"} {
		got, _ := mustRead(t, notification("Action: failed", "Status: "+status)).Receipt(anAttempt, 3, "smtp-test")
		if got.Reason != want {
			t.Errorf("%s: %s", status, got.Reason)
		}
	}
}

func TestACodeSaysAtWhoseDoorTheFaultLies(t *testing.T) {
	t.Parallel()
	for reason, want := range map[string]otp.Class{
		"smtp_550_5.1.1": otp.FaultRecipient, "smtp_552_5.2.2": otp.FaultRecipient, "smtp_452_4.2.2": otp.FaultRecipient, "dsn_5.1.1": otp.FaultRecipient,
		"smtp_550_5.7.1": otp.FaultUs, "smtp_535_5.7.8": otp.FaultUs, "smtp_550_5.1.8": otp.FaultUs, "dsn_5.7.26": otp.FaultUs,
		"smtp_450_4.2.0": otp.FaultProvider, "smtp_451_4.3.0": otp.FaultProvider, "dsn_4.4.7": otp.FaultProvider, "dsn_failed": otp.FaultProvider,
		"smtp_535": otp.FaultUs, "smtp_tls": otp.FaultUs, "smtp_auth": otp.FaultUs, "smtp_sender": otp.FaultUs,
		"smtp_address": otp.FaultRecipient, "smtp_timeout": otp.FaultProvider, "smtp_connection": otp.FaultProvider,
		"smtp_550": "", "smtp_554": "", "twilio_21211": "", "http_500": "", "": "", // a bare 550 is anybody's
	} {
		if got := smtpmail.Blame(reason); got != want {
			t.Errorf("%s: %q, want %q", reason, got, want)
		}
	}
}
