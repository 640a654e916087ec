package webhook

import (
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"

	"github.com/otpipe/otpipe/internal/notify"
	"github.com/otpipe/otpipe/internal/vendorhttp"
)

// private are the networks that are not the Internet, and those through which
// one of them can be reached under another name
// (https://www.iana.org/assignments/iana-ipv4-special-registry, …-ipv6-special-registry).
var private = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),        // this network
	netip.MustParsePrefix("10.0.0.0/8"),       // private
	netip.MustParsePrefix("100.64.0.0/10"),    // carriers' own
	netip.MustParsePrefix("127.0.0.0/8"),      // loopback
	netip.MustParsePrefix("168.63.129.16/32"), // Azure's own, a public one by its looks: secrets as well
	netip.MustParsePrefix("169.254.0.0/16"),   // link-local: clouds tell secrets here
	netip.MustParsePrefix("172.16.0.0/12"),    // private
	netip.MustParsePrefix("192.0.0.0/24"),     // protocols
	netip.MustParsePrefix("192.0.2.0/24"),     // documentation
	netip.MustParsePrefix("192.88.99.0/24"),   // 6to4 relays
	netip.MustParsePrefix("192.168.0.0/16"),   // private
	netip.MustParsePrefix("198.18.0.0/15"),    // benchmarks
	netip.MustParsePrefix("198.51.100.0/24"),  // documentation
	netip.MustParsePrefix("203.0.113.0/24"),   // documentation
	netip.MustParsePrefix("224.0.0.0/3"),      // multicast, reserved, broadcast
	netip.MustParsePrefix("::/8"),             // unspecified, loopback, IPv4 inside, NAT64 (64:ff9b::)
	netip.MustParsePrefix("100::/64"),         // discard
	netip.MustParsePrefix("2001::/23"),        // protocols, Teredo
	netip.MustParsePrefix("2001:db8::/32"),    // documentation
	netip.MustParsePrefix("2002::/16"),        // 6to4: an IPv4 address inside
	netip.MustParsePrefix("3fff::/20"),        // documentation
	netip.MustParsePrefix("5f00::/16"),        // segment routing
	netip.MustParsePrefix("fc00::/7"),         // unique local
	netip.MustParsePrefix("fe80::/9"),         // link-local, site-local
	netip.MustParsePrefix("ff00::/8"),         // multicast
}

// public tells whether an address is one of the Internet.
func public(ip netip.Addr) bool {
	ip = ip.Unmap().WithZone("")
	for _, p := range private {
		if p.Contains(ip) {
			return false
		}
	}
	return ip.IsValid()
}

// onlyPublic refuses what is about to be dialled: the address itself, after every
// name was looked up, so that no name can mean one thing when it is checked and
// another when it is used.
func onlyPublic(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil || !public(at.Addr()) {
		return notify.ErrPrivate
	}
	return nil
}

const (
	dialLimit    = 5 * time.Second
	dialInterval = 15 * time.Second // of probes on a quiet connection
)

// NewGuardedClient makes a client for Notices whose calls run concurrency at a
// time. Unless private addresses are allowed, it connects to none of them. It
// knows no proxy, which would connect to them in its place.
func NewGuardedClient(concurrency int, allowPrivate bool) *http.Client {
	t := vendorhttp.NewTransport(concurrency)
	t.Proxy = nil
	d := &net.Dialer{Timeout: dialLimit, KeepAlive: dialInterval}
	if !allowPrivate {
		d.Control = onlyPublic
	}
	t.DialContext = d.DialContext
	return &http.Client{Transport: t, CheckRedirect: vendorhttp.Stay}
}
