package e2e_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/devkit"
)

// pair is an api and a worker, each with a file of its own that can be written anew.
type pair struct {
	*rig
	api    api
	worker *process
	at     [2]settings // what cannot change
}

func (r *rig) startPair(s settings) *pair {
	r.Helper()
	p := &pair{rig: r}
	for i, name := range []string{"api", "worker"} {
		p.at[i] = settings{File: filepath.Join(r.TempDir(), name+".toml"), Listen: port(r), Admin: port(r)}
	}
	p.at[1].Listen = "127.0.0.1:0" // an api's, which the worker does not look at
	p.api, p.worker = r.launchAPI(p.with(0, s)), r.launchWorker(p.with(1, s))
	p.api.ready(r)
	p.worker.ready(r)
	return p
}

// with are the settings in one of the files.
func (p *pair) with(i int, s settings) settings {
	s.File, s.Listen, s.Admin, s.PublicURL = p.at[i].File, p.at[i].Listen, p.at[i].Admin, "http://"+p.at[0].Listen
	return s
}

// take writes both files anew, and tells which of the two took it.
func (p *pair) take(s settings) (api, worker bool) {
	p.Helper()
	p.write(p.with(0, s))
	p.write(p.with(1, s))
	return p.api.reload(p), p.worker.reload(p)
}

func (p *pair) mustTake(s settings) {
	p.Helper()
	if api, worker := p.take(s); !api || !worker {
		p.Fatalf("taken by the api: %v, by the worker: %v\n%s\n%s", api, worker, p.api.tail(), p.worker.tail())
	}
}

// TestAConfigurationIsTakenWholeOrNotAtAll has running processes read files that are
// wrong in one place and other in another.
func TestAConfigurationIsTakenWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	p := newRig(t).startPair(settings{})
	const other = "[messages]\nbrand = \"Other\"\n"
	typo := t.TempDir()
	if err := os.MkdirAll(filepath.Join(typo, "en", "default"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(typo, "en", "default", "sms.txt"), []byte("{{.Code"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		settings settings
		says     string
	}{
		"no TOML":                      {settings{More: namespaces + other + "password = sesame"}, "this is not TOML"},
		"a policy that cannot be":      {settings{More: namespaces + other + "[namespaces.x1]\ndigits = 99\n"}, "namespaces.x1.digits"},
		"another place to listen":      {settings{More: namespaces + other + "[store]\npartitions = 32\n"}, "store.partitions: a restart takes another value"},
		"another secret of a known id": {settings{More: namespaces + other, Secret: strings.Repeat("0123456789abcdef", 4)}, "the store was set up with"},
		"a template that is broken":    {settings{More: namespaces + other + "directory = \"" + typo + "\"\n"}, "en/default/sms.txt"},
	} {
		if api, worker := p.take(c.settings); api || worker {
			t.Errorf("%s: taken by the api: %v, by the worker: %v", name, api, worker)
		}
		for _, one := range []*process{p.api.process, p.worker} {
			if text := one.text(); !strings.Contains(text, c.says) || strings.Contains(text, "sesame") {
				t.Errorf("%s: %s says %s", name, one.name, one.tail())
			}
			if _, metrics := one.fetch("/metrics"); !strings.Contains(metrics, "otpipe_config_last_reload_successful 0") {
				t.Errorf("%s: nothing of it in the metrics of the %s", name, one.name)
			}
		}
		to := p.phone()
		p.api.start(t, "load", to)
		p.code(to, 10*time.Second)
		if text := p.inbox(to)[0].Body; strings.Contains(text, "Other") {
			t.Errorf("%s, and half of it is in force: %s", name, text)
		}
	}
	p.mustTake(settings{More: namespaces + other})
	to := p.phone()
	p.api.start(t, "load", to)
	p.code(to, 10*time.Second)
	if text := p.inbox(to)[0].Body; !strings.Contains(text, "Other") {
		t.Errorf("the new brand is not in force: %s", text)
	}
	if _, metrics := p.api.fetch("/metrics"); !strings.Contains(metrics, "otpipe_config_last_reload_successful 1") {
		t.Error("the metrics still say that it was refused")
	}
	taken, refused := p.happened("process.reloaded"), p.happened("process.reload_refused")
	if taken != 2 || refused != 10 {
		t.Errorf("the events tell of %d reloads and %d refused ones, want 2 and 10", taken, refused)
	}
}

// happened counts events of a kind that belong to nobody.
func (r *rig) happened(kind string) (n int) {
	r.Helper()
	all, err := r.store().XRange(r.Context(), "events:{00}", "-", "+").Result()
	if err != nil {
		r.Fatal(err)
	}
	for _, e := range all {
		if e.Values["type"] == kind {
			n++
		}
	}
	return n
}

// TestWhatARunningProcessTakes changes what operators change: keys of callers, a
// policy, a route, a provider.
func TestWhatARunningProcessTakes(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	p := r.startPair(settings{})
	old := newClient(p.api.base)
	p.api.key = "otk_another"
	if a := p.api.ask("load", r.phone()); a.status != http.StatusUnauthorized {
		t.Fatalf("a key that nobody has: %v", a)
	}
	p.mustTake(settings{KeyHash: sha256Hex(p.api.key), More: namespaces + "[namespaces.fresh]\ndigits = 8\n"})
	if a := old.ask("load", r.phone()); a.status != http.StatusUnauthorized {
		t.Errorf("the old key: %v", a)
	}
	to := r.phone()
	p.api.start(t, "fresh", to)
	if code := r.code(to, 10*time.Second); len(code) != 8 {
		t.Errorf("the new policy's code is %q", code)
	}
}

// TestAHandOverThatIsRunningIsNotDoneTwiceByAReload has the vendor take its time.
func TestAHandOverThatIsRunningIsNotDoneTwiceByAReload(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	p := r.startPair(settings{})
	r.chaos("twilio", devkit.Slow, 20)
	to := r.phones(20)
	all(to, func(one string) { p.api.start(t, "load", one) })
	for range 3 {
		p.mustTake(settings{})
	}
	r.arrived(30*time.Second, to...)
	for _, one := range to {
		if n := len(r.inbox(one)); n != 1 {
			t.Errorf("%d messages to %s", n, one)
		}
	}
}
