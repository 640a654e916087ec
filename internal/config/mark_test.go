package config_test

import (
	"slices"
	"testing"

	"github.com/otpipe/otpipe/internal/config"
)

func TestAMarkTellsConfigurationsApart(t *testing.T) {
	t.Parallel()
	one := parse(t, good)
	if len(one.Mark()) != 8 || one.Mark() != parse(t, good).Mark() {
		t.Errorf("%s is not the same again", one.Mark())
	}
	other := one
	other.API.Listen = ":1"
	if other.Mark() == one.Mark() {
		t.Error("another listener has the same mark")
	}
	for name, change := range map[string]func(*config.Config){
		"where Redis is": func(c *config.Config) { c.Redis.URL = config.NewSecret("redis://other:1") },
		"a vendor's token": func(c *config.Config) {
			c.Providers = slices.Clone(c.Providers)
			c.Providers[0].Twilio.AuthTokens = []config.Secret{config.NewSecret("0123456789abcdef0123456789abcde0")}
		},
		"the anchor": func(c *config.Config) { c.Keys.Anchor = config.NewSecret("other") },
	} {
		other := one
		if change(&other); other.Mark() == one.Mark() {
			t.Errorf("%s is another, the mark is not", name)
		}
	}
}
