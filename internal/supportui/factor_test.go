package supportui_test

import (
	"context"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/sqlstore"
	"github.com/otpipe/otpipe/internal/totp"
	"github.com/otpipe/otpipe/internal/verify"
)

// factors are kept in a real database beside the rig's store.
func (r *rig) factors() *totp.Service {
	r.t.Helper()
	path := filepath.Join(r.t.TempDir(), "factors.db")
	db := sqlstore.Factors{DB: &sqlstore.Lazy{Open: func(ctx context.Context) (*sqlstore.DB, error) { return sqlstore.OpenSQLite(ctx, path) }}}
	if _, err := db.DB.DB(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = db.DB.Close() })
	r.support.Factors = db
	return &totp.Service{
		Factors: db, Guesses: db, Sessions: r.store, Records: r.store, Repeats: verify.Repeater{Repeats: r.store, Keys: r.keys}, Namespaces: otp.BuiltIn(), Keys: r.keys, Partitions: 16, Now: r.support.Now,
	}
}

func TestAnAppIsFoundByItsIDAndTellsHowItStands(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s, who := r.factors(), otp.Caller{Scopes: otp.Scopes}
	f, err := s.Enrol(t.Context(), who, totp.EnrolRequest{Namespace: otp.PhoneAuth, Subject: "user-<7>", Issuer: "Example", Account: "kim", Clockwork: otp.DefaultClockwork()})
	if err != nil {
		t.Fatal(err)
	}
	shown := func() string { return totp.CodeAt(f.Plain, f.Clockwork, f.Step(s.Now())) }
	at := r.search(" " + string(f.ID)).header.Get("Location")
	if at != "/factors/"+string(f.ID) {
		t.Fatalf("it leads to %q", at)
	}
	tells := func(words ...string) {
		t.Helper()
		page := r.page(at)
		for _, w := range append(words, "user-&lt;7&gt;", string(f.ID)) {
			if !strings.Contains(page, w) {
				t.Errorf("%q is not on the page", w)
			}
		}
		for _, secret := range []string{f.Plain.Base32(), string(f.Secret), shown()} {
			if strings.Contains(page, secret) {
				t.Error("the page tells a secret")
			}
		}
	}
	tells("has not shown a right code yet", "in 14 min")
	if c, err := s.Confirm(t.Context(), who, f.ID, shown()); err != nil || !c.Right() {
		t.Fatal(c.Reason, err)
	}
	tells("Confirmed and not locked", "10 left", "just now")
	for n := range 5 {
		if _, err := s.Check(t.Context(), who, totp.CheckRequest{ID: f.ID, Recovery: "00000-00000"}); err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			tells("since the last right code: 1 wrong one")
		}
	}
	tells("Locked after too many wrong codes", "another 14 min")
	r.pass(15 * time.Minute)
	tells("Confirmed and not locked")
	r.enter(otp.Staff{Name: "vera", Role: otp.Viewer, Namespaces: []otp.Namespace{otp.AddPhone}})
	for _, id := range []string{string(f.ID), "FA12", "FA" + strings.Repeat("0", 32)} {
		if a := r.get("/factors/" + id); a.status != http.StatusNotFound || strings.Contains(a.body, "user-") {
			t.Errorf("%s: %d", id, a.status)
		}
	}
}

func TestWithoutADatabaseThereIsNoApp(t *testing.T) {
	t.Parallel()
	if a := newRig(t).get("/factors/FA" + strings.Repeat("0", 32)); a.status != http.StatusNotFound {
		t.Errorf("%d", a.status)
	}
}
