package webhook_test

import (
	"testing"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

func TestTheStandardsLibraryBelievesWhatWePost(t *testing.T) {
	t.Parallel()
	g := &gateway{}
	p := against(t, g.ServeHTTP)
	if _, err := p.Send(t.Context(), message()); err != nil {
		t.Fatal(err)
	}
	if err := verify(t, secret, g.heads[0], g.bodies[0]); err != nil {
		t.Error(err)
	}
	if err := verify(t, stranger, g.heads[0], g.bodies[0]); err == nil {
		t.Error("it believes anybody")
	}
	if err := verify(t, secret, g.heads[0], g.bodies[0]+" "); err == nil {
		t.Error("it believes any body")
	}
}

func TestBothSecretsSignWhileOneReplacesTheOther(t *testing.T) {
	t.Parallel()
	g := &gateway{}
	p := against(t, g.ServeHTTP)
	p.Secrets = secrets(t, next, secret)
	if _, err := p.Send(t.Context(), message()); err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{secret, next} {
		if err := verify(t, s, g.heads[0], g.bodies[0]); err != nil {
			t.Error(err)
		}
	}
}

func TestTheTimestampIsThatOfTheHandOver(t *testing.T) {
	t.Parallel()
	g := &gateway{}
	p := against(t, g.ServeHTTP)
	p.Now = func() time.Time { return time.Now().Add(-6 * time.Minute) }
	if _, err := p.Send(t.Context(), message()); err != nil {
		t.Fatal(err)
	}
	wh, err := standard.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	if wh.VerifyIgnoringTimestamp([]byte(g.bodies[0]), g.heads[0]) != nil || wh.Verify([]byte(g.bodies[0]), g.heads[0]) == nil {
		t.Error("an old message is taken for a new one")
	}
}
