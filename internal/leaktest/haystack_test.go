package leaktest_test

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/otpipe/otpipe/internal/leaktest"
)

// quiet keeps what a search says from failing the test.
type quiet struct{ testing.TB }

func (quiet) Errorf(string, ...any) {}

func TestWhatIsHiddenIsFoundHoweverItIsWritten(t *testing.T) {
	t.Parallel()
	const code, mailbox, key = "7391824650", "Zebulon.Quirk@mail.example", "otk_Q7X2M4P9"
	n := leaktest.NewNeedles()
	n.Code(code)
	n.Address(mailbox)
	n.Address("+4915123456789")
	n.Secret("a key", key)
	binary := strings.Repeat("\xff\xfe\xc3", 100) + "\x00"
	for what, text := range map[string]string{
		"as it is": code, "among others": "x" + code + "y", "backwards": "0564281937", "in halves": "73918 24650", "in threes": "739-182-4650",
		"in hex": hex.EncodeToString([]byte(code)), "in base64": base64.StdEncoding.EncodeToString([]byte("ab" + code + "c")),
		"a mailbox in capitals": strings.ToUpper(mailbox), "its name": "zebulon.quirk@elsewhere.example", "a number without a plus": "4915123456789",
		"a key in small letters": strings.ToLower(key), "a key in hex": hex.EncodeToString([]byte(key)),
	} {
		h := &leaktest.Haystack{}
		h.Add("a dump", []byte(binary+text+binary))
		if h.Search(quiet{t}, n) == 0 {
			t.Errorf("not found: %s", what)
		}
	}
	h := &leaktest.Haystack{}
	h.Add("a dump", []byte(binary+"17391824650 73918246501 +49•••••••••89 z•••@m•••.example"))
	if found := h.Search(t, n); found > 0 {
		t.Errorf("%d findings where there is nothing", found)
	}
}
