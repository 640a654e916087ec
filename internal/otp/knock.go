package otp

import "net/netip"

// Knock is somebody who wants to come in, as tries are counted: keyed hashes of
// the name that they give and of where they are. It holds neither.
type Knock struct {
	Place string // where they are: an address, or the network that an IPv6 address is in
	Name  string // "" where no name is given, for an identity provider will tell
	Pair  string // of both
}

// KnockOf is the knock of a name from an address. A network of IPv6 is one
// place: whoever has one address has 2⁶⁴.
func (k Keys) KnockOf(name string, from netip.Addr) Knock {
	place := placeOf(from)
	one := Knock{Place: k.Anchor.mac(fingerprintBytes, "knock", "place", place)}
	if name != "" {
		one.Name = k.Anchor.mac(fingerprintBytes, "knock", "name", name)
		one.Pair = k.Anchor.mac(fingerprintBytes, "knock", "pair", name, place)
	}
	return one
}

func placeOf(from netip.Addr) string {
	from = from.Unmap()
	if from.Is4() || !from.IsValid() {
		return from.String()
	}
	network, _ := from.WithZone("").Prefix(64)
	return network.String()
}
