package address_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/otpipe/otpipe/internal/address"
	"github.com/otpipe/otpipe/internal/otp"
)

func FuzzPhone(f *testing.F) {
	for _, row := range phones {
		f.Add(row.in)
	}
	for _, row := range phoneRefusals {
		f.Add(row.in)
	}
	f.Fuzz(func(t *testing.T, s string) { holds(t, otp.SMS, s) })
}

func FuzzMailbox(f *testing.F) {
	for _, row := range mailboxes {
		f.Add(row.in)
	}
	for _, row := range mailboxRefusals {
		f.Add(row.in)
	}
	f.Fuzz(func(t *testing.T, s string) { holds(t, otp.Email, s) })
}

// FuzzTyped reads what a person of the staff pastes: nothing, or a recipient that
// reads as itself.
func FuzzTyped(f *testing.F) {
	for _, text := range []string{
		"0151 / 234 567 89", "+49 (0) 151 23456789", "tel:+49-151-23456789", "Kim Doe <kim@example.com>", "mailto:kim@example.com?subject=x", "kim＠example.com",
		"+४९१५१२३४५६७८९", "\u202a+49 151 23456789\u202c", "", "@", "\"", "<", "+", "(0)",
	} {
		f.Add(text, "DE")
	}
	f.Add("151 23456789", "")
	f.Fuzz(func(t *testing.T, text, country string) {
		r, err := address.Typed(text, country)
		if err == nil {
			holds(t, r.Channel(), r.Reveal())
			return
		}
		if ie, ok := errors.AsType[*otp.InputError](err); !ok || ie.Detail == "" {
			t.Fatalf("%q: refused with %v", text, err)
		}
	})
}

// holds says what must be so whatever somebody types.
func holds(t *testing.T, ch otp.Channel, s string) {
	t.Helper()
	r, err := address.Parse(ch, s)
	if err != nil {
		ie, ok := errors.AsType[*otp.InputError](err)
		if !ok || ie.Detail == "" || ie.Field == "" {
			t.Fatalf("%q: refused with %v", s, err)
		}
		return
	}
	canonical := r.Reveal()
	if strings.ContainsAny(canonical, " \r\n\t<>,;\x00") {
		t.Errorf("%q: %q could break out of a header", s, canonical)
	}
	again, err := address.Parse(ch, canonical)
	if err != nil || !again.Equal(r) {
		t.Errorf("%q is read as %q, and that as %q, %v", s, canonical, again.Reveal(), err)
	}
	if m := r.Masked(); strings.ContainsAny(m, " \r\n") || tells(ch, canonical, m) {
		t.Errorf("%q: the mask %q tells too much", s, m)
	}
}

// tells says whether a mask shows more than a country code and two digits, or
// than the first letters of a mailbox and the end of its domain.
func tells(ch otp.Channel, canonical, mask string) bool {
	if ch == otp.SMS {
		const plus, country, end = 1, 3, 2
		return strings.Count(mask, "•") < len(canonical)-plus-country-end
	}
	local, domain, _ := strings.Cut(canonical, "@")
	if len(local) > 1 {
		return strings.Contains(mask, local+"@")
	}
	return strings.Contains(mask, "@"+domain)
}
