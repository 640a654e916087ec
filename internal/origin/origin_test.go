package origin_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/otpipe/otpipe/internal/origin"
)

func TestARequestComesFromWhereOurOwnProxiesSay(t *testing.T) {
	t.Parallel()
	ours := origin.Proxies{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32")}
	for name, c := range map[string]struct {
		proxies origin.Proxies
		remote  string
		hops    []string
		want    string
	}{
		"no proxy":                   {nil, "192.0.2.1:5", nil, "192.0.2.1"},
		"a lie to nobody":            {nil, "192.0.2.1:5", []string{"198.51.100.7"}, "192.0.2.1"},
		"a lie of a stranger":        {ours, "192.0.2.1:5", []string{"198.51.100.7"}, "192.0.2.1"},
		"one proxy":                  {ours, "10.1.1.1:5", []string{"198.51.100.7"}, "198.51.100.7"},
		"a lie before the proxy":     {ours, "10.1.1.1:5", []string{"203.0.113.9, 198.51.100.7"}, "198.51.100.7"},
		"two proxies":                {ours, "10.1.1.1:5", []string{"203.0.113.9, 198.51.100.7, 10.2.2.2"}, "198.51.100.7"},
		"two headers":                {ours, "10.1.1.1:5", []string{"203.0.113.9", "198.51.100.7, 10.2.2.2"}, "198.51.100.7"},
		"all are ours":               {ours, "10.1.1.1:5", []string{"10.3.3.3, 10.2.2.2"}, "10.3.3.3"},
		"what is no address":         {ours, "10.1.1.1:5", []string{"198.51.100.7, unknown"}, "10.1.1.1"},
		"IPv4 in IPv6":               {ours, "[::ffff:10.1.1.1]:5", []string{"::ffff:198.51.100.7"}, "198.51.100.7"},
		"IPv6":                       {ours, "[2001:db8::1]:5", []string{"2001:db9::7"}, "2001:db9::7"},
		"a zone":                     {nil, "[fe80::1%eth0]:5", nil, "fe80::1"},
		"no address of a connection": {ours, "@", []string{"198.51.100.7"}, "invalid IP"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = c.remote
		for _, h := range c.hops {
			r.Header.Add("X-Forwarded-For", h)
		}
		if got := c.proxies.Of(r).String(); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
