package otp_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/otpipe/otpipe/internal/otp"
)

func TestABounceMarkIsGoodForItsAttemptAlone(t *testing.T) {
	t.Parallel()
	k := keysOf(t, "k1")
	o := otp.Order{ID: "VE0011223344556677889900aabbccddee", Send: 2}
	mark := k.BounceMark(o, 1)
	if !regexp.MustCompile(`^[a-z2-7]{13}$`).MatchString(mark) {
		t.Errorf("a mark of another form: %q", mark)
	}
	if !k.OwnsBounce(mark, o, 1) || !k.OwnsBounce(strings.ToUpper(mark), o, 1) {
		t.Error("its own mark is refused")
	}
	other := otp.Order{ID: "VE0011223344556677889900aabbccddef", Send: 2}
	for what, owned := range map[string]bool{
		"another attempt":      k.OwnsBounce(mark, o, 2),
		"another send":         k.OwnsBounce(mark, otp.Order{ID: o.ID, Send: 3}, 1),
		"another verification": k.OwnsBounce(mark, other, 1),
		"digits shifted":       k.OwnsBounce(k.BounceMark(otp.Order{ID: o.ID, Send: 1}, 21), otp.Order{ID: o.ID, Send: 12}, 1),
		"a part of it":         k.OwnsBounce(mark[:12], o, 1),
		"nothing":              k.OwnsBounce("", o, 1),
		"other keys":           keysOf(t, "k1=x").OwnsBounce(mark, o, 1),
	} {
		if owned {
			t.Errorf("%s: the mark is accepted", what)
		}
	}
}

func TestABounceMarkOutlivesTheChangeOfThePrimary(t *testing.T) {
	t.Parallel()
	o := otp.Order{ID: "VE0011223344556677889900aabbccddee", Send: 1}
	mark := keysOf(t, "k1").BounceMark(o, 1)
	if !keysOf(t, "k2", "k1").OwnsBounce(mark, o, 1) {
		t.Error("refused, though its key is still in the ring")
	}
	if keysOf(t, "k2").OwnsBounce(mark, o, 1) {
		t.Error("accepted, though its key has left the ring")
	}
}
