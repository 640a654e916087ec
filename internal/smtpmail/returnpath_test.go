package smtpmail_test

import (
	"strings"
	"testing"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/smtpmail"
)

const verification = "VE0011223344556677889900aabbccddee"

// returnPath is one with keys made of a word.
func returnPath(t testing.TB, word string) smtpmail.ReturnPath {
	t.Helper()
	key, err := otp.NewKey("k1", []byte(strings.Repeat(word, otp.KeySize)[:otp.KeySize]))
	if err != nil {
		t.Fatal(err)
	}
	ring, err := otp.NewRing("k1", key)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := otp.DeriveKeys(ring, key)
	if err != nil {
		t.Fatal(err)
	}
	return smtpmail.ReturnPath{Domain: "bounce.acme.example", Keys: keys}
}

func TestAReturnPathNamesItsAttempt(t *testing.T) {
	r := returnPath(t, "a")
	for _, o := range []otp.Order{{ID: verification, Send: 1}, {ID: verification, Send: 999}} {
		for _, attempt := range []int{1, 7, 9999} {
			address := r.Of(o, attempt)
			local, _, _ := strings.Cut(address, "@")
			if len(local) > 64 {
				t.Errorf("%s: the local part has %d octets, more than RFC 5321 allows", address, len(local))
			}
			for _, seen := range []string{address, strings.ToLower(address), strings.ToUpper(address)} {
				got, n, ok := r.Parse(seen)
				if !ok || got != o || n != attempt {
					t.Errorf("%s: got %v, %d, %v", seen, got, n, ok)
				}
			}
		}
	}
}

func TestAReturnPathThatNobodyMadeNamesNothing(t *testing.T) {
	r := returnPath(t, "a")
	good := r.Of(otp.Order{ID: verification, Send: 2}, 1)
	local, _, _ := strings.Cut(good, "@")
	for what, address := range map[string]string{
		"nothing":                "",
		"no tag":                 "bounce@bounce.acme.example",
		"another user":           strings.Replace(good, "bounce+", "admin+", 1),
		"another domain":         local + "@acme.example",
		"no domain":              local,
		"two domains":            good + "@bounce.acme.example",
		"another send":           strings.Replace(good, ".2.1.", ".3.1.", 1),
		"another attempt":        strings.Replace(good, ".2.1.", ".2.2.", 1),
		"another verification":   strings.Replace(good, "VE00", "VE01", 1),
		"another id":             strings.Replace(good, "VE0011", "VE001", 1),
		"an id of another kind":  strings.Replace(good, "VE", "VX", 1),
		"no numbers":             strings.Replace(good, ".2.1.", ".x.y.", 1),
		"no mark":                strings.Replace(good, local[strings.LastIndex(local, "."):], ".", 1),
		"a part too many":        strings.Replace(good, "@", ".x@", 1),
		"somebody else's keys":   returnPath(t, "b").Of(otp.Order{ID: verification, Send: 2}, 1),
		"angle brackets":         "<" + good + ">",
		"a header smuggled in":   good + "\r\nBcc: eve@example.org",
		"the same digits, moved": strings.Replace(good, ".2.1.", ".21..", 1),
		"a zero before a number": strings.Replace(good, ".2.1.", ".02.1.", 1),
		"a sign before a number": strings.Replace(good, ".2.1.", ".2.+1.", 1),
		"an id without its kind": strings.Replace(good, "VE", "", 1),
		"a letter like another":  strings.Replace(good, "bounce.", "boun\u0441e.", 1),
	} {
		if o, n, ok := r.Parse(address); ok {
			t.Errorf("%s: %q is taken for %v, %d", what, address, o, n)
		}
	}
	if _, _, ok := (smtpmail.ReturnPath{Keys: r.Keys}).Parse(local + "@"); ok {
		t.Error("an address is taken though no domain is configured")
	}
}

func FuzzReturnPath(f *testing.F) {
	r := returnPath(f, "a")
	f.Add(r.Of(otp.Order{ID: verification, Send: 2}, 1))
	f.Add("bounce+VE.1.1.@bounce.acme.example")
	f.Add(strings.Replace(r.Of(otp.Order{ID: verification, Send: 2}, 1), ".2.1.", ".02.1.", 1))
	f.Fuzz(func(t *testing.T, address string) {
		o, n, ok := r.Parse(address)
		if ok && !strings.EqualFold(r.Of(o, n), address) {
			t.Errorf("%q is taken for %v, %d, whose address is %s", address, o, n, r.Of(o, n))
		}
	})
}

func TestBouncesGoToTheAddressOfTheirAttempt(t *testing.T) {
	r := &relay{}
	p := r.start(t)
	p.ReturnPath = returnPath(t, "a")
	m := message()
	m.Attempt = 3
	mustSend(t, p, m)
	got := r.stored()[0]
	if o, n, ok := p.ReturnPath.Parse(got.from); !ok || o != m.Order || n != 3 {
		t.Errorf("MAIL FROM:<%s> names %v, %d, %v", got.from, o, n, ok)
	}
	if strings.Contains(got.raw, "bounce+") || strings.Contains(strings.ToLower(got.raw), "return-path:") {
		t.Errorf("the return path is the envelope's alone: the last server writes it down\n%s", got.raw)
	}
}

func TestABounceIsAskedToLeaveTheTextOut(t *testing.T) {
	for _, offered := range []bool{true, false} {
		r := &relay{dsn: offered}
		mustSend(t, r.start(t), message())
		got := r.stored()[0]
		if offered && (got.ret != "HDRS" || got.notify != "FAILURE") || !offered && got.ret+got.notify != "" {
			t.Errorf("offered: %v; asked for RET=%s NOTIFY=%s", offered, got.ret, got.notify)
		}
	}
}
