package config_test

import (
	"strings"
	"testing"

	"github.com/otpipe/otpipe/internal/config"
)

func TestAWebhookDeliversOnBothChannels(t *testing.T) {
	t.Parallel()
	c := parse(t, good)
	c.Routes = config.Routes{SMS: []string{"gateway", "twilio-eu"}, Email: []string{"gateway"}}
	if err := c.Check(); err != nil {
		t.Error(err)
	}
	c.Routes.SMS = []string{"gateway", ""}
	if err := c.Check(); err == nil {
		t.Error("a provider without a name")
	}
}

func TestCodesThatTravelInClearAreWarnedOf(t *testing.T) {
	t.Parallel()
	for url, warned := range map[string]bool{
		"https://gateway.example.com": false, "http://canary-of-hook.example.com": true, "http://10.0.0.1/": true,
		"http://127.0.0.1:8000/": false, "http://localhost:8000/": false, "http://[::1]:8000/": false,
	} {
		c := parse(t, good)
		hookURL(url)(&c)
		all := strings.Join(c.Warnings(), "\n")
		if strings.Contains(all, "providers[2].webhook.url: without https") != warned || strings.Contains(all, "canary") {
			t.Errorf("%s: %s", url, all)
		}
	}
}
