package config

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"reflect"

	"github.com/pelletier/go-toml/v2"
)

// Mark tells two configurations apart, also where only secrets differ: two
// processes with the same mark run with the same. It is made under the anchor, which
// is no part of it: it tells nothing to whoever does not have that.
func (c Config) Mark() string {
	text, err := toml.Marshal(c)
	if err != nil {
		return "unknown"
	}
	mac := hmac.New(sha256.New, []byte("otpipe mark "+c.Keys.Anchor.Reveal()))
	_, _ = mac.Write(text)
	c.Keys.Anchor = Secret{}
	for _, s := range secrets(reflect.ValueOf(c)) {
		_, _ = mac.Write([]byte("\x00" + s.Reveal()))
	}
	return hex.EncodeToString(mac.Sum(nil)[:4])
}

// secrets are all that lie in a value, in their order.
func secrets(v reflect.Value) (all []Secret) {
	if s, ok := v.Interface().(Secret); ok {
		return []Secret{s}
	}
	switch v.Kind() {
	case reflect.Struct:
		for f := range fields(v.Type()) {
			all = append(all, secrets(v.Field(f.index))...)
		}
	case reflect.Slice:
		for i := range v.Len() {
			all = append(all, secrets(v.Index(i))...)
		}
	}
	return all
}
