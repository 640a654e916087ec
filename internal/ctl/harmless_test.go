package ctl_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
)

// evil clears the screen in two ways, renames the window, and turns the direction of
// writing.
const evil = "tw\x1b[2Jil\u009b2Jio\x1b]0;owned\x07\u202egnp\u200b\U000e0041"

// evilAPI answers everything with texts that a terminal would obey.
func evilAPI(t *testing.T, status int) (env []string) {
	t.Helper()
	id := "VE" + strings.Repeat("0a", 16)
	told := map[string]any{
		"id": id, "namespace": evil, "channel": evil, "to_masked": evil, "status": evil, "send": 1,
		"delivery":    map[string]any{"status": "failed", "provider": evil, "to_masked": evil},
		"explanation": map[string]any{"what": evil, "next": evil},
		"timeline":    []any{map[string]any{"send": 1, "state": evil, "provider": evil, "ref": evil, "reason": evil}},
		"name":        evil, "driver": evil, "drained_at": "2026-11-26T12:00:00Z", "drained_reason": evil, "drained_by": evil,
	}
	problem := map[string]any{"code": evil, "detail": evil, "request_id": evil, "errors": []any{map[string]any{"pointer": evil, "detail": evil}}}
	fake := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		body := told
		switch {
		case status != http.StatusOK:
			body = problem
		case strings.HasSuffix(r.URL.Path, "/search"), strings.HasSuffix(r.URL.Path, "/providers"):
			body = map[string]any{"items": []any{told}}
		}
		_ = json.NewEncoder(w).Encode(body)
	}))
	t.Cleanup(fake.Close)
	return []string{"OTPIPE_URL=" + fake.URL, "OTPIPE_KEY=" + apiKey}
}

// obeyed tells whether a terminal would do more with a text than show it.
func obeyed(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return r != '\n' && !unicode.IsGraphic(r) })
}

func TestWhatAnAPITellsIsNoOrderToTheTerminal(t *testing.T) {
	t.Parallel()
	for name, status := range map[string]int{"answers": 200, "refusals": 400} {
		env := evilAPI(t, status)
		for _, args := range [][]string{
			{"show", "VE" + strings.Repeat("0a", 16)},
			{"show", "+4915123456789"},
			{"provider", "list"},
			{"provider", "drain", "twilio", "--reason", "why"},
			{"send", "--to", "+4915123456789", "--namespace", "phone-auth"},
			{"unlock", "+4915123456789", "--namespace", "phone-auth", "--reason", "why"},
		} {
			for _, more := range [][]string{nil, {"--json"}} {
				line := append(append([]string{}, args...), more...)
				out, wrong, _ := otpctlIn(t, env, "", line...)
				if obeyed(out) || obeyed(wrong) {
					t.Errorf("%s: otpctl %v writes %q and %q", name, line, out, wrong)
				}
				if !strings.Contains(out+wrong, "owned") && args[0] != "unlock" {
					t.Errorf("%s: otpctl %v leaves texts out: %q and %q", name, line, out, wrong)
				}
			}
		}
	}
}

func TestWhatIsHarmlessInJSONIsStillTheSameText(t *testing.T) {
	t.Parallel()
	out, _, _ := otpctlIn(t, evilAPI(t, 200), "", "provider", "list", "--json")
	var got struct{ Items []struct{ Name string } }
	if err := json.Unmarshal([]byte(out), &got); err != nil || len(got.Items) != 1 || got.Items[0].Name != evil {
		t.Errorf("%v: %q", err, out)
	}
}

func TestAMessageIsNoOrderToTheTerminalAndKeepsItsScript(t *testing.T) {
	t.Parallel()
	const mark = "\u200f" // which Hebrew needs
	for _, args := range [][]string{{"phone-auth"}, {"verify-email"}, {"verify-email", "--html"}} {
		line := append([]string{"template", "preview", "-c", "testdata/otpipe.toml", "--param", "brand=Ac\x1b[2Jme\u009b2J" + mark}, args...)
		out, wrong, code := otpctl(t, line...)
		if code != 0 || strings.ContainsAny(out+wrong, "\x1b\u009b") || !strings.Contains(out, mark) {
			t.Errorf("otpctl %v ended with %d and writes %q and %q", args, code, out, wrong)
		}
	}
}

func TestWhatWasTypedIsNoOrderEither(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/otpipe.toml")
	if err != nil {
		t.Fatal(err)
	}
	there := filepath.Join(t.TempDir(), evil)
	if err := os.WriteFile(there, text, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{evil},
		{"config", "check", "-c", there},
		{"keys", "rotate", "-c", there, "--write", "--id", evil},
		{"show", "--" + evil},
		{"template", "preview", evil, "-c", "testdata/otpipe.toml"},
		{"config", "check", "-c", evil},
		{"config", "check", "--json", "-c", evil},
	} {
		if out, wrong, code := otpctl(t, args...); code == 0 || obeyed(out) || obeyed(wrong) {
			t.Errorf("otpctl %q ended with %d and writes %q and %q", args, code, out, wrong)
		}
	}
}
