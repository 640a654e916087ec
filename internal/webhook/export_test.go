package webhook

import (
	"net/netip"
	"strings"
)

// Public tells whether an address, with brackets or without, may be dialled.
func Public(host string) bool { return public(netip.MustParseAddr(strings.Trim(host, "[]"))) }
