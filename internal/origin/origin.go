// Package origin tells where requests come from.
package origin

import (
	"net/http"
	"net/netip"
	"strings"
)

// Proxies are the networks of one's own reverse proxies: what these say of where a
// request comes from is believed, and nothing that anybody else says.
type Proxies []netip.Prefix

// Of is where a request comes from: the connection's address or, where that is one
// of the proxies, what the proxy says in X-Forwarded-For, as far as proxies are
// ours. It is the zero Addr if that is not known.
//
// Forwarded (RFC 7239) is not read: a proxy that sets the one header lets the other
// through as its client wrote it.
func (p Proxies) Of(r *http.Request) netip.Addr {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	from := at.Addr().Unmap()
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && p.trust(from); i-- {
		before, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		from = before.Unmap()
	}
	return from.WithZone("") // which is the machine's own business
}

func (p Proxies) trust(proxy netip.Addr) bool {
	for _, network := range p {
		if network.Contains(proxy) {
			return true
		}
	}
	return false
}
