package otp

// Digest is the keyed hash under which a code is remembered, with the name of
// its key. Six digits have a million values: without the key nothing can be
// tried, with an unkeyed hash all of them could (see docs/adr/0003).
type Digest struct {
	Key string
	Sum string
}

// DigestOf is the digest under the primary key. It binds the code to the
// namespace and the recipient it was issued for.
func (k Keys) DigestOf(o Owner, c Code) Digest {
	return digestWith(k.Digest.Primary(), o, c)
}

// DigestsOf lists the digests under every live key: a code may have been
// remembered before the primary changed.
func (k Keys) DigestsOf(o Owner, c Code) []Digest {
	ds := make([]Digest, 0, len(k.Digest.keys))
	for _, key := range k.Digest.keys {
		ds = append(ds, digestWith(key, o, c))
	}
	return ds
}

func digestWith(key Key, o Owner, c Code) Digest {
	return Digest{Key: key.id, Sum: key.mac(32, "code", string(o.Namespace), string(o.Anchor), c.Reveal())}
}
