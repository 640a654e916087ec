package login_test

import (
	"strings"
	"testing"

	"github.com/otpipe/otpipe/internal/login"
	"github.com/otpipe/otpipe/internal/otp"
)

func parsed(t testing.TB, text string) otp.PasswordHash {
	t.Helper()
	h, err := otp.ParsePasswordHash(text)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestAPasswordIsTheOneThatWasHashed(t *testing.T) {
	t.Parallel()
	text, err := login.HashPassword("correct horse battery")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(text, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("other costs: %.32s", text)
	}
	for password, want := range map[string]bool{"correct horse battery": true, "correct horse batterY": false, "": false, "correct horse battery ": false} {
		if got := login.CheckPassword(parsed(t, text), password); got != want {
			t.Errorf("%q: %t", password, got)
		}
	}
}

// The hash is one of the test vectors of argon2's reference implementation.
func TestHashesOfOtherToolsAreUnderstood(t *testing.T) {
	t.Parallel()
	h := parsed(t, "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")
	if !login.CheckPassword(h, "password") || login.CheckPassword(h, "passwort") {
		t.Error("not argon2id as others make it")
	}
}

func TestTwoHashesOfOnePasswordDiffer(t *testing.T) {
	t.Parallel()
	one, err := login.HashPassword("correct horse battery")
	other, err2 := login.HashPassword("correct horse battery")
	if err != nil || err2 != nil || one == other {
		t.Error("no salt of its own")
	}
}

func TestHowALetterIsComposedDoesNotMatter(t *testing.T) {
	t.Parallel()
	text, err := login.HashPassword("café au lait, s'il vous plaît")
	if err != nil || !login.CheckPassword(parsed(t, text), "cafe\u0301 au lait, s'il vous plai\u0302t") {
		t.Error("the same letters, composed otherwise, are another password")
	}
}

func TestAPasswordThatNobodyShouldHaveIsNotHashed(t *testing.T) {
	t.Parallel()
	for _, password := range []string{"", "gr5Kq", "éééééééé", "eleven char", strings.Repeat("x", 1025), "not utf-8 \xff\xff\xff"} {
		if _, err := login.HashPassword(password); err == nil || len(password) > 3 && strings.Contains(err.Error(), password) {
			t.Errorf("%.20q: %v", password, err)
		}
	}
}

func TestAHashOfNothingIsNoPassword(t *testing.T) {
	t.Parallel()
	if login.CheckPassword(otp.PasswordHash{Memory: 8, Passes: 1, Lanes: 1}, "") {
		t.Error("the zero hash lets in whoever types nothing")
	}
}
