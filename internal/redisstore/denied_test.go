package redisstore_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/redisstore"
	"github.com/otpipe/otpipe/internal/redistest"
)

func TestWhatAUserMayNotDoIsNamed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ takes, what, says string }{
		"a command":             {"+evalsha", "enter", "'evalsha'"},
		"a key":                 {"~otpipe:store", "enter", "key"},
		"a command in a script": {"+xadd", "start", "call('XADD', events_key(p)"},
		"a key in a script":     {"~*:daily:{??}*", "start", "call('MGET', otp, own_pauses"},
		"the clock":             {"+time", "start", "call('TIME')"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, redistest.Client(t))
			rules := redistest.Rules(t, "otpipe-api")
			kept := slices.DeleteFunc(slices.Clone(rules), func(rule string) bool { return rule == c.takes })
			if len(kept) != len(rules)-1 {
				t.Fatalf("nobody has %s", c.takes)
			}
			r.store.Redis = redistest.As(t, r.rdb, "without"+c.takes, kept...)
			err := r.store.Enter(t.Context(), 16, r.keys)
			if err == nil {
				_, err = r.start(ask{})
			}
			denied, ok := errors.AsType[*redisstore.DeniedError](err)
			if !ok || denied.What != c.what || !errors.Is(err, otp.ErrStoreUnavailable) {
				t.Fatalf("%v", err)
			}
			for _, want := range []string{c.says, "ACL LOG", "deploy/redis/users.acl"} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("it does not say %q: %v", want, err)
				}
			}
			if strings.Contains(err.Error(), "4915112345678") || strings.Contains(err.Error(), "123456") {
				t.Errorf("it tells too much: %v", err)
			}
		})
	}
}
