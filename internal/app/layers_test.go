package app_test

import (
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/otpipe/otpipe/"

// layer says how far from the core a room lies. A room may import what lies
// nearer to the core, nothing beside it and nothing further out.
var layer = map[string]int{
	"internal/otp": 0, "templates": 0, "client": 0,
	"internal/verify": 1, "internal/deliver": 1, "internal/totp": 1, "internal/audit": 1, "internal/origin": 1, "internal/certfile": 1, "internal/notify": 1, "internal/support": 1, "internal/vendorhttp": 1, "internal/widget": 1,
	"internal/address": 2, "internal/redisstore": 2, "internal/asynqueue": 2, "internal/twilio": 2, "internal/breaker": 2, "internal/webhook": 2, "internal/smtpmail": 2, "internal/message": 2, "internal/login": 2, "internal/auditfile": 2, "internal/jwtsession": 2, "internal/jwestore": 2, "internal/sqlstore": 2,
	"internal/httpapi": 2, "internal/supportui": 2, "internal/telemetry": 2, "internal/config": 2, "internal/devkit": 2,
	"internal/app":    3,
	"internal/doctor": 2, "internal/ctl": 4,
	"cmd/api": 5, "cmd/worker": 5, "cmd/dev": 5, "examples/login-go": 5, "cmd/otpctl": 5, "bench": 5,
}

// testOnly rooms are imported by tests alone, and devkit by dev mode too.
var testOnly = map[string][]string{
	"internal/redistest":   nil,
	"internal/audittest":   nil,
	"internal/storetest":   nil,
	"internal/storebench":  nil,
	"internal/pgtest":      nil,
	"internal/browsertest": nil,
	"internal/twiliotest":  nil,
	"internal/idptest":     nil,
	"internal/e2e":         nil,
	"internal/chaos":       nil,
	"internal/attack":      nil,
	"internal/processtest": nil,
	"internal/leaktest":    nil,
	"internal/devkit":      {"cmd/dev", "bench"},
}

func TestImportsRunDownwardsOnly(t *testing.T) {
	t.Parallel()
	for from, imports := range packages(t) {
		if _, ok := testOnly[from]; ok && from != "internal/devkit" {
			continue
		}
		mine, known := layer[from]
		if !known {
			t.Errorf("%s has no layer: give it one in this test and in docs/adr", from)
			continue
		}
		for _, imp := range imports {
			to, ours := strings.CutPrefix(imp, module)
			if !ours {
				if mine < 2 && strings.Contains(strings.Split(imp, "/")[0], ".") {
					t.Errorf("%s must not import %s: only the outer layers know vendors", from, imp)
				}
				continue
			}
			if allowed, only := testOnly[to]; only && !contains(allowed, from) {
				t.Errorf("%s must not import %s outside of its tests", from, to)
			}
			if layer[to] >= mine {
				t.Errorf("%s must not import %s", from, to)
			}
		}
	}
}

func TestNothingCompilesTheWholeTwilioSDK(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", module+"...").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		if strings.TrimSpace(line) == "github.com/twilio/twilio-go" {
			t.Fatal("something imports the root of twilio-go, which is 270,000 lines; use its client and rest/api/v2010")
		}
	}
}

func TestNoProcessCarriesTheValidatorOfTheTests(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", module+"cmd/...").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if strings.Contains(string(out), "kin-openapi") {
		t.Error("a command imports kin-openapi, which is for tests")
	}
}

// packages lists every package of ours with what it imports outside of its tests.
func packages(t *testing.T) map[string][]string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, module+"...").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	all := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		all[strings.TrimPrefix(f[0], module)] = f[1:]
	}
	return all
}

func contains(all []string, s string) bool {
	for _, a := range all {
		if a == s {
			return true
		}
	}
	return false
}
