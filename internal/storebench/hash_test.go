package storebench_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"
)

// hashes is what the hash of a code costs, in each of the ways that are advised.
func hashes() string {
	code, pepper, salt := []byte("phone-auth +4915123456789 123456"), []byte(strings.Repeat("p", 32)), []byte(strings.Repeat("s", 16))
	var b strings.Builder
	b.WriteString("\n| hash | µs a check | guesses a second by one core, of a dump |\n|---|---|---|\n")
	for _, h := range []struct {
		name string
		hash func()
		who  string
	}{
		{"SHA-256", func() { sha256.Sum256(code) }, ""},
		{"HMAC-SHA-256 with a key that is not in the dump", func() { m := hmac.New(sha256.New, pepper); m.Write(code); m.Sum(nil) }, "none without the key"},
		{"bcrypt, cost 10", func() { _, _ = bcrypt.GenerateFromPassword(code[:32], 10) }, ""},
		{"argon2id, 19 MiB, t=2", func() { argon2.IDKey(code, salt, 2, 19<<10, 1, 32) }, ""},
	} {
		n, began := 0, time.Now()
		for time.Since(began) < 300*time.Millisecond {
			h.hash()
			n++
		}
		each := time.Since(began) / time.Duration(n)
		if h.who == "" {
			h.who = fmt.Sprintf("%d: all six digits in %s", time.Second/each, (each * 1_000_000).Round(100*time.Millisecond))
		}
		fmt.Fprintf(&b, "| %s | %.2f | %s |\n", h.name, float64(each.Nanoseconds())/1000, h.who)
	}
	return b.String()
}
