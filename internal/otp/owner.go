package otp

import "fmt"

// Partition is the share of all recipients whose keys live in one Redis slot.
type Partition uint8

// String is the partition as it stands in key names and ids: two hex digits.
func (p Partition) String() string { return fmt.Sprintf("%02x", uint8(p)) }

// MaxPartitions is the largest number of partitions; the number is a power of two.
const MaxPartitions = 256

// Fingerprint is a keyed hash of a recipient: 128 bits in base64url.
type Fingerprint string

// Anchor is the keyed hash of an exact recipient under a key that never
// changes. Digests and seals are bound to it, so they outlive a change of the
// fingerprint keys.
type Anchor string

const fingerprintBytes = 16

// Owner says whose state is meant, in everything a store needs to find it. It
// holds no address.
type Owner struct {
	Namespace Namespace
	Partition Partition
	Identity  []Fingerprint // of the exact recipient, under every live key, the primary's first
	Limit     []Fingerprint // of the form that limits count, likewise
	Anchor    Anchor
	Binding   Fingerprint // of what the caller bound the verification to; "" if to nothing
}

// Owner names the state that belongs to a recipient in a namespace. binding is
// an opaque string of the caller, such as a device or a browser session; ""
// means none. partitions is the number of partitions of the store.
func (k Keys) Owner(ns Namespace, r Recipient, binding string, partitions int) Owner {
	ch, address, limit := string(r.channel), r.Reveal(), r.limit.reveal()
	o := Owner{
		Namespace: ns,
		Partition: k.partition(ch, limit, partitions),
		Anchor:    k.AnchorOf(r),
		Binding:   k.BindingOf(binding),
	}
	for _, key := range k.Fingerprint.All() {
		o.Identity = append(o.Identity, Fingerprint(key.mac(fingerprintBytes, "identity", ch, address)))
		o.Limit = append(o.Limit, Fingerprint(key.mac(fingerprintBytes, "limit", ch, limit)))
	}
	return o
}

// AnchorOf is the anchor of a recipient.
func (k Keys) AnchorOf(r Recipient) Anchor {
	return Anchor(k.Anchor.mac(fingerprintBytes, "anchor", string(r.channel), r.Reveal()))
}

// BindingOf is the fingerprint of a binding, or "" of none.
func (k Keys) BindingOf(binding string) Fingerprint {
	if binding == "" {
		return ""
	}
	return Fingerprint(k.Anchor.mac(fingerprintBytes, "binding", binding))
}

// partition comes from the form that limits count, so that all spellings of one
// mailbox share the slot in which their common limits are kept.
func (k Keys) partition(channel, limit string, partitions int) Partition {
	b := k.Anchor.sum("partition", channel, limit)
	return Partition(int(b[0]) & (partitions - 1))
}
