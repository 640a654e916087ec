package otp

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"strconv"
)

// PasswordHash is what is kept of a person's password: a hash by argon2id with
// its salt, and what it costs to make. It prints as dots.
type PasswordHash struct {
	Memory uint32 // KiB
	Passes uint32
	Lanes  uint8
	Salt   []byte
	Sum    []byte
}

// The bounds of a hash. Below the least, which is OWASP's weakest setting, a
// stolen hash is guessed quickly; above the most, a sign-in could take the
// memory of the process.
const (
	leastMemory = 7 << 10   // KiB
	mostMemory  = 128 << 10 // KiB
	leastWork   = 35 << 10  // KiB times passes
	mostPasses  = 16
	mostLanes   = 16
	leastSalt   = 8 // bytes
	mostSalt    = 64
	leastSum    = 16
	mostSum     = 64
)

// passwordForm is the PHC string format of argon2id, without keyid and data.
var passwordForm = regexp.MustCompile(`^\$argon2id\$v=19\$m=([1-9]\d{0,9}),t=([1-9]\d{0,9}),p=([1-9]\d{0,2})\$([A-Za-z0-9+/]{1,86})\$([A-Za-z0-9+/]{1,86})$`)

// ParsePasswordHash reads $argon2id$v=19$m=…,t=…,p=…$salt$hash. Its error says
// what is wrong and quotes nothing of it.
func ParsePasswordHash(s string) (PasswordHash, error) {
	m := passwordForm.FindStringSubmatch(s)
	if m == nil {
		return PasswordHash{}, errors.New("want a hash by argon2id as PHC strings are written, $argon2id$…")
	}
	salt, badSalt := base64.RawStdEncoding.Strict().DecodeString(m[4])
	sum, badSum := base64.RawStdEncoding.Strict().DecodeString(m[5])
	memory, passes, lanes := number(m[1]), number(m[2]), number(m[3])
	switch {
	case badSalt != nil || len(salt) < leastSalt || len(salt) > mostSalt || badSum != nil || len(sum) < leastSum || len(sum) > mostSum:
		return PasswordHash{}, fmt.Errorf("want a salt of %d to %d bytes and a hash of %d to %d", leastSalt, mostSalt, leastSum, mostSum)
	case memory > mostMemory || passes > mostPasses || lanes > mostLanes:
		return PasswordHash{}, fmt.Errorf("costs more than a sign-in may: want at most m=%d, t=%d and p=%d", mostMemory, mostPasses, mostLanes)
	case memory < leastMemory || memory*passes < leastWork:
		return PasswordHash{}, errors.New("can be guessed too quickly: want m=19456 and t=2, or another of OWASP's settings")
	}
	return PasswordHash{Memory: uint32(memory), Passes: uint32(passes), Lanes: uint8(lanes), Salt: salt, Sum: sum}, nil
}

func number(digits string) uint64 {
	n, _ := strconv.ParseUint(digits, 10, 64)
	return n
}

// Reveal writes the hash as ParsePasswordHash reads it.
func (h PasswordHash) Reveal() string {
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s", h.Memory, h.Passes, h.Lanes, b64(h.Salt), b64(h.Sum))
}

// Format prints dots whatever the verb.
func (h PasswordHash) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, dots) }

// LogValue logs dots.
func (h PasswordHash) LogValue() slog.Value { return slog.StringValue(dots) }

// MarshalJSON refuses.
func (h PasswordHash) MarshalJSON() ([]byte, error) {
	return nil, errors.New("otp: a password's hash is never marshalled")
}
