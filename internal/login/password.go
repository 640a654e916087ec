package login

import (
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"github.com/otpipe/otpipe/internal/otp"
)

// OWASP's setting for argon2id: 19 MiB, two passes, one lane.
const (
	memory    = 19 << 10 // KiB
	passes    = 2
	lanes     = 1
	saltBytes = 16
	sumBytes  = 32
)

const (
	leastPassword = 12   // characters
	mostPassword  = 1024 // bytes
)

// HashPassword makes of a password what may stand in the configuration:
// $argon2id$v=19$m=19456,t=2,p=1$salt$hash. Its error says what the password lacks.
func HashPassword(password string) (string, error) {
	switch {
	case !utf8.ValidString(password):
		return "", errors.New("the password is not text in UTF-8")
	case utf8.RuneCountInString(password) < leastPassword:
		return "", fmt.Errorf("the password is too short: want %d characters or more", leastPassword)
	case len(password) > mostPassword:
		return "", fmt.Errorf("the password is too long: want at most %d bytes", mostPassword)
	}
	h := otp.PasswordHash{Memory: memory, Passes: passes, Lanes: lanes, Salt: random(saltBytes), Sum: make([]byte, sumBytes)}
	h.Sum = sum(h, password)
	return h.Reveal(), nil
}

// CheckPassword tells whether a password is the one that was hashed. How long it
// takes says nothing about where they differ.
func CheckPassword(h otp.PasswordHash, password string) bool {
	if len(h.Sum) == 0 || len(password) > mostPassword {
		return false
	}
	return subtle.ConstantTimeCompare(sum(h, password), h.Sum) == 1
}

// sum hashes a password as h was. One text can be typed in more than one way (é,
// or e and an accent): all count as the same.
func sum(h otp.PasswordHash, password string) []byte {
	return argon2.IDKey(norm.NFC.Bytes([]byte(password)), h.Salt, h.Passes, h.Memory, h.Lanes, uint32(len(h.Sum)))
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return b
}
