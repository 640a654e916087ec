package e2e_test

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/otpipe/otpipe/internal/pgtest"
)

// kept are namespaces whose codes are kept in each of the ways.
const kept = namespaces + `
[namespaces.in-sql]
codes = "sql"
cooldown = "0s"
all_cooldown = "0s"

[namespaces.in-ticket]
codes = "jwe"
cooldown = "0s"
all_cooldown = "0s"

[namespaces.open]
codes = "jwe"
session = "jwt"
fail = "open"
cooldown = "0s"
all_cooldown = "0s"

[namespaces.alone]
codes = "jwe"
session = "jwt"
guard = "none"
cooldown = "0s"
all_cooldown = "0s"

`

// keptCode is one that was delivered, with the ticket that goes with it.
type keptCode struct {
	namespace, to, code, ticket string
}

func (r *rig) keep(a api, namespace string) keptCode {
	r.Helper()
	to := r.phone()
	got := a.ask(namespace, to)
	var v struct{ Ticket string }
	got.read(r, &v)
	if got.status != http.StatusAccepted || (v.Ticket != "") != (namespace != "in-sql") {
		r.Fatalf("%s: %v", namespace, got)
	}
	return keptCode{namespace, to, r.code(to, 20*time.Second), v.Ticket}
}

func (k keptCode) check(a api, code string) (v checked, got answer) {
	got = a.do(http.MethodPost, "/v1/verifications/check", map[string]string{"namespace": k.namespace, "to": k.to, "code": code, "ticket": k.ticket})
	_ = json.Unmarshal(got.body, &v)
	return v, got
}

func wrongOf(code string) string {
	if code[0] == '9' {
		return "0" + code[1:]
	}
	return "9" + code[1:]
}

func TestCodesAreCheckedWhereverTheyAreKept(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]func(*testing.T) string{
		"postgres": func(t *testing.T) string { t.Helper(); return pgtest.URL(t) },
		"sqlite":   func(t *testing.T) string { t.Helper(); return "sqlite://" + filepath.Join(t.TempDir(), "a.db") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			s := settings{More: kept + "[database]\nurl = \"" + url(t) + "\"\n"}
			one, two := r.startAPI(s), r.startAPI(s)
			r.startWorker(s)
			for _, ns := range []string{"in-sql", "in-ticket", "open", "alone"} {
				k := r.keep(one, ns)
				if v, got := k.check(two, wrongOf(k.code)); v.Valid || v.Reason != "code_mismatch" {
					t.Errorf("%s: a wrong code: %v", ns, got)
				}
				v, got := k.check(two, k.code)
				if !v.Valid || v.Session == nil {
					t.Errorf("%s: the right code: %v", ns, got)
				}
				if v, got := k.check(one, k.code); v.Valid != (ns == "alone") {
					t.Errorf("%s: once more: %v", ns, got)
				}
			}
		})
	}
}

// TestChecksAndSessionsWithoutRedis kills it, and has products go on as far as their
// policies say.
func TestChecksAndSessionsWithoutRedis(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := settings{More: strings.ReplaceAll(kept, `codes = "sql"`, "")}
	a := r.startAPI(s)
	r.startWorker(s)
	before := r.keep(a, "open")
	v, got := before.check(a, before.code)
	if !v.Valid {
		t.Fatal(got)
	}
	codes := map[string]keptCode{}
	for _, ns := range []string{"in-ticket", "open", "alone"} {
		codes[ns] = r.keep(a, ns)
	}
	r.redis.Kill()
	for ns, want := range map[string]int{"in-ticket": http.StatusServiceUnavailable, "open": http.StatusOK, "alone": http.StatusOK} {
		k := codes[ns]
		v, got := k.check(a, k.code)
		if got.status != want || v.Valid != (want == http.StatusOK) {
			t.Errorf("%s: %v", ns, got)
		}
		if v.Valid {
			offline(t, a, v.Session.Token, ns, v.ID)
		}
	}
	offline(t, a, v.Session.Token, "open", v.ID) // from before
	if v, got := codes["open"].check(a, codes["open"].code); v.Valid {
		t.Errorf("the same ticket again: %v", got)
	}
	if got := a.ask("open", r.phone()); got.status != http.StatusServiceUnavailable {
		t.Errorf("a start: %v", got)
	}
}

// offline verifies a session as a product does that has the published keys.
func offline(t *testing.T, a api, token, namespace, id string) {
	t.Helper()
	_, text := page(a.base + "/.well-known/jwks.json")
	var keys jose.JSONWebKeySet
	if err := json.Unmarshal([]byte(text), &keys); err != nil {
		t.Fatal(err)
	}
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.EdDSA})
	if err != nil {
		t.Fatal(err)
	}
	var c jwt.Claims
	if err := parsed.Claims(keys, &c); err != nil {
		t.Fatal(err)
	}
	if err := c.Validate(jwt.Expected{AnyAudience: jwt.Audience{namespace}, Subject: id, Time: time.Now()}); err != nil {
		t.Errorf("%s: %v", namespace, err)
	}
}

// TestADatabaseThatIsAwayCountsNothingAndComesBack shuts everybody out of it.
func TestADatabaseThatIsAwayCountsNothingAndComesBack(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	url := pgtest.URL(t)
	a := r.startAPI(settings{More: kept + "[database]\nurl = \"" + url + "\"\n"})
	r.startWorker(settings{More: kept + "[database]\nurl = \"" + url + "\"\n"})
	k := r.keep(a, "in-sql")
	open := pgtest.Shut(t, url)
	began := time.Now()
	for range 10 {
		if _, got := k.check(a, k.code); got.status != http.StatusServiceUnavailable {
			t.Fatalf("a check: %v", got)
		}
		if got := a.ask("in-sql", r.phone()); got.status != http.StatusServiceUnavailable {
			t.Fatalf("a start: %v", got)
		}
	}
	if took := time.Since(began); took > slack(20*time.Second) {
		t.Errorf("twenty answers took %s", took)
	}
	if got := a.ask("load", r.phone()); got.status != http.StatusAccepted {
		t.Errorf("a namespace that needs no database: %v", got)
	}
	open()
	eventually(t, 20*time.Second, "the code is right", func() bool {
		v, _ := k.check(a, k.code)
		return v.Valid
	})
}
