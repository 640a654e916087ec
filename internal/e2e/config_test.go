package e2e_test

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestAProcessWithAnotherKeyRingRefusesToRun: it could read nothing, and would
// damage what the others wrote.
func TestAProcessWithAnotherKeyRingRefusesToRun(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.startAPI(settings{})
	secret := "1f2e3d4c5b6a79880917263544536271f0e1d2c3b4a5968778695a4b3c2d1e0f"
	for _, p := range []*process{r.launchAPI(settings{Secret: secret}).process, r.launchWorker(settings{Secret: secret})} {
		if code := p.exit(t, 10*time.Second); code != 78 {
			t.Errorf("%s ended with %d, want 78", p.name, code)
		}
		if !p.said("the store was set up with") || p.said(secret) {
			t.Errorf("%s said %s", p.name, p.tail())
		}
	}
	r.startWorker(settings{})
	to := r.phone()
	a.start(t, "load", to)
	r.code(to, 5*time.Second)
}

// TestAConfigurationIsRefusedWithEveryComplaintAndNoValue starts both processes
// with a file that is wrong in several places, and with one that is no TOML.
func TestAConfigurationIsRefusedWithEveryComplaintAndNoValue(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	wrong := settings{Secret: "sesame", KeyHash: "sesame", PublicURL: "sesame", SMSConcurrency: -1, More: "[store]\npartitions = 3\n[namespaces.x1]\ndigits = 99\n"}
	for name, c := range map[string]struct {
		file string
		want []string
	}{
		"several": {r.write(wrong), []string{"keys.ring[0]", "callers[0].key_sha256", "api.public_url", "worker.sms_concurrency", "store.partitions", "namespaces.x1.digits"}},
		"unknown": {r.write(settings{More: "[sesame]\nopen = \"sesame-secret\"\n"}), []string{"there is no setting sesame"}},
		"no toml": {r.write(settings{More: "password = sesame-secret"}), []string{"this is not TOML"}},
		"absent":  {r.path("nowhere.toml"), []string{"read configuration"}},
	} {
		for _, program := range []string{"api", "worker"} {
			p := run(t, r.dir, program, c.file, "")
			if code := p.exit(t, 5*time.Second); code != 78 {
				t.Errorf("%s: %s ended with %d, want 78", name, program, code)
			}
			for _, want := range c.want {
				if !p.said(want) {
					t.Errorf("%s: %s does not say %q: %s", name, program, want, p.text())
				}
			}
			if text := strings.ReplaceAll(p.text(), "setting sesame", ""); strings.Contains(text, "sesame") {
				t.Errorf("%s: %s quotes a value: %s", name, program, text)
			}
		}
	}
}

// TestAPortThatIsTakenIsNamed takes the api's port, and either admin listener's.
func TestAPortThatIsTakenIsNamed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	taken := l.Addr().String()
	for _, p := range []*process{
		r.launchAPI(settings{Listen: taken}).process,
		run(t, r.dir, "api", r.write(settings{Admin: taken}), taken),
		run(t, r.dir, "worker", r.write(settings{Admin: taken}), taken),
	} {
		if code := p.exit(t, 5*time.Second); code != 1 {
			t.Errorf("%s ended with %d, want 1", p.name, code)
		}
		if !p.said(taken) || !p.said("address already in use") {
			t.Errorf("%s does not name %s: %s", p.name, taken, p.tail())
		}
	}
}

// TestAProcessAnswersOnItsAdminListener asks for every page there, and for one
// that is not.
func TestAProcessAnswersOnItsAdminListener(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, p := range []*process{r.startAPI(settings{}).process, r.startWorker(settings{})} {
		for path, want := range map[string]int{"/livez": http.StatusOK, "/readyz": http.StatusOK, "/metrics": http.StatusOK, "/v1/verifications": http.StatusNotFound} {
			if status, _ := p.fetch(path); status != want {
				t.Errorf("%s: %s: %d, want %d", p.name, path, status, want)
			}
		}
		p.terminate()
		if code := p.exit(t, 5*time.Second); code != 0 {
			t.Errorf("%s ended with %d", p.name, code)
		}
	}
}
