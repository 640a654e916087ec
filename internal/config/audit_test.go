package config_test

import (
	"strings"
	"testing"

	"github.com/otpipe/otpipe/internal/config"
)

func TestASinkIsOneOfFour(t *testing.T) {
	t.Parallel()
	for sink, want := range map[string]string{
		"postgres://otp:pass@db:5432/otpipe?sslmode=verify-full": "postgres ", "postgresql://db/otpipe": "postgres ",
		"sqlite:///var/lib/otpipe/audit.db": "sqlite /var/lib/otpipe/audit.db", "jsonl:///var/log/otpipe": "jsonl /var/log/otpipe", "stdout": "stdout ",
		"sqlite://audit.db": "", "jsonl://host/dir": "", "audit.db": "", "mysql://db/otpipe": "", "postgres://otp:pa ss@[": "",
	} {
		a := config.Audit{Sink: config.NewSecret(sink)}
		kind, where, err := a.Place()
		if got := kind + " " + where; err == nil && got != want || (err != nil) != (want == "") {
			t.Errorf("%s: %q, %v", sink, got, err)
		}
		if err != nil && strings.Contains(err.Error(), "pa ss") {
			t.Errorf("it quotes: %v", err)
		}
	}
}

func TestATrailThatIsWrongIsSaidWithWhatItWants(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`sink = "mysql://db"`:                   "audit.sink: want postgres://",
		`strict = true`:                         "audit.strict: there is no sink",
		"sink = \"stdout\"\nretention = \"1m\"": "audit.retention: want at least 1h",
		"sink = \"stdout\"\nfile_size = 0":      "audit.file_size: want 1 or more",
	} {
		if _, err := config.Parse(file, []byte(least+"[audit]\n"+text+"\n")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// file: before a secret names a file that has it, so no sink may begin so.
func TestASinkInTheFileIsTheSinkItself(t *testing.T) {
	t.Parallel()
	for _, sink := range []string{"postgres://db/otpipe", "sqlite:///var/lib/otpipe/audit.db", "jsonl:///var/log/otpipe", "stdout"} {
		if c := parse(t, least+"[audit]\nsink = \""+sink+"\"\n"); c.Audit.Sink.Reveal() != sink {
			t.Errorf("%s is read as something else", sink)
		}
	}
}
