package config_test

import (
	"testing"

	"github.com/otpipe/otpipe/internal/config"
)

func TestAMarkTellsConfigurationsApartAndNothingElse(t *testing.T) {
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
	secret := one
	secret.Redis.URL = config.NewSecret("redis://other:1")
	if secret.Mark() != one.Mark() {
		t.Error("the mark tells of a secret")
	}
}
