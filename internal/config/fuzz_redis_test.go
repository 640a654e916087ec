package config_test

import (
	"strings"
	"testing"

	"github.com/otpipe/otpipe/internal/config"
)

// FuzzRedisURL plants a password in a URL that may be wrong in any way. It leads
// somewhere, or the complaint does not show it.
func FuzzRedisURL(f *testing.F) {
	for _, url := range []string{
		"redis://u:%@h:1/0", "rediss://%@h", "redis+sentinel://u:%@a:1,b:2/m/0?sentinel_password=%", "redis+cluster://:%@a,[::1]:2", "redis://h/%", "redis://%",
		"%://h", "redis://u:p@h?%=1", "redis://[::1", "redis://u:%@h:x/0", "://%@,,", "redis://%2f@h#%",
	} {
		f.Add(url)
	}
	f.Fuzz(func(t *testing.T, url string) {
		if strings.Contains(url, "file") {
			t.Skip("it could read anything")
		}
		o, err := config.Redis{URL: config.NewSecret(strings.ReplaceAll(url, "%", planted))}.State()
		if err == nil {
			if len(o.Addrs) == 0 {
				t.Errorf("%q leads nowhere", url)
			}
			return
		}
		for i := 0; i+6 <= len(planted); i++ {
			if part := planted[i : i+6]; strings.Contains(err.Error(), part) {
				t.Fatalf("the complaint shows %q: %s", part, err)
			}
		}
	})
}
