package e2e_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/otpipe/otpipe/internal/devkit"
)

// TestTokensThatSignReceiptsAreExchanged goes through an exchange of Twilio's auth
// token: receipts signed with either count while there are two.
func TestTokensThatSignReceiptsAreExchanged(t *testing.T) {
	t.Parallel()
	const next = "fedcba9876543210fedcba9876543210"
	p := newRig(t).startPair(settings{})
	load := p.load([]api{p.api, p.api})
	for _, step := range []struct {
		tokens   string
		old, new int
	}{
		{fmt.Sprintf("%q", devkit.TwilioToken), 204, 403},
		{fmt.Sprintf("%q, %q", devkit.TwilioToken, next), 204, 204},
		{fmt.Sprintf("%q", next), 403, 204},
	} {
		p.mustTake(settings{Tokens: step.tokens})
		for token, want := range map[string]int{devkit.TwilioToken: step.old, next: step.new} {
			if got := p.receipt(token); got != want {
				t.Errorf("%s while there is %s: %d, want %d", token, step.tokens, got, want)
			}
		}
		load.turn()
	}
	load.end()
}

// TestKeysOfCallersAreExchanged has a product move from one key to the other while it
// works with both.
func TestKeysOfCallersAreExchanged(t *testing.T) {
	t.Parallel()
	p := newRig(t).startPair(settings{})
	moved := api{p.api.process, newClient(p.api.base)}
	moved.key = "otk_another"
	second := fmt.Sprintf("\n[[callers]]\nname = \"second\"\nkey_sha256 = %q\nscopes = [\"send\", \"check\"]\n", sha256Hex(moved.key))
	old := p.load([]api{p.api, p.api})
	p.mustTake(settings{More: namespaces + second})
	old.turn()
	fresh := p.load([]api{moved, moved})
	fresh.turn()
	old.end()
	p.mustTake(settings{KeyHash: sha256Hex(moved.key)})
	fresh.turn()
	fresh.end()
	if got := p.api.ask("load", p.phone()); got.status != http.StatusUnauthorized {
		t.Errorf("the old key: %v", got)
	}
}

// receipt posts one that is signed with a token, about nothing that there is.
func (p *pair) receipt(token string) (status int) {
	p.Helper()
	form := url.Values{"AccountSid": {devkit.TwilioAccount}, "MessageSid": {"SM" + strings.Repeat("0", 32)}, "MessageStatus": {"delivered"}}
	target := p.api.base + "/v1/receipts/twilio?id=VE03" + strings.Repeat("0", 30) + "&send=1&attempt=1"
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, target, strings.NewReader(form.Encode()))
	if err != nil {
		p.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("X-Twilio-Signature", devkit.SignTwilio(token, target, form))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		p.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode
}

// TestSecretsThatSignWhatOthersGetAreExchanged goes through an exchange of the secrets
// of a gateway that delivers and of an endpoint that is told, while both get
// something to do: neither sees anything that the secret it knows does not sign.
func TestSecretsThatSignWhatOthersGetAreExchanged(t *testing.T) {
	t.Parallel()
	const next = "whsec_bmV4dC1zaWduaW5nLXNlY3JldC1lMmUtbmV4dC1zaWduaW5n"
	r := newRig(t)
	gateway, endpoint := r.startBackend(), r.startBackend()
	with := func(secrets ...string) settings {
		list := strings.ReplaceAll(fmt.Sprintf("%q", secrets), `" "`, `", "`)
		both := gateway.provider("gateway") + endpoint.endpoint("product")
		return settings{SMS: "gateway", More: namespaces + strings.ReplaceAll(both, fmt.Sprintf("[%q]", signingSecret), list)}
	}
	p := r.startPair(with(signingSecret))
	knows := func(secret string) {
		wh, err := standard.NewWebhook(secret)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range []*backend{gateway, endpoint} {
			b.mu.Lock()
			b.wh = wh
			b.mu.Unlock()
		}
	}
	busy := func() {
		id := p.api.start(t, "load", r.phone()).ID
		for what, b := range map[string]*backend{"a message": gateway, "a notice": endpoint} {
			eventually(t, 30*time.Second, what, func() bool { return strings.Contains(string(b.everything()), id) })
		}
	}
	good := func(step string, good bool) {
		for name, b := range map[string]*backend{"gateway": gateway, "endpoint": endpoint} {
			b.mu.Lock()
			if (b.forged == 0) != good {
				t.Errorf("%s: what the %s got was not signed with what it knows %d times", step, name, b.forged)
			}
			b.mu.Unlock()
		}
	}
	stop, working := make(chan struct{}), sync.WaitGroup{}
	working.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				if got := p.api.ask("load", r.phone()); got.status != http.StatusAccepted {
					t.Errorf("start under load: %v", got)
				}
			}
		}
	})
	busy()
	good("at first", true)
	p.mustTake(with(next, signingSecret))
	busy()
	good("with two secrets, known the old one", true)
	knows(next)
	busy()
	good("with two secrets, known the new one", true)
	p.mustTake(with(next))
	busy()
	good("with the new one", true)
	close(stop)
	working.Wait()
	knows(signingSecret)
	busy()
	good("with the new one, known the old one", false)
}
