package address_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/otpipe/otpipe/internal/address"
	"github.com/otpipe/otpipe/internal/otp"
)

// refusal is an input with the sentence that refuses it.
type refusal struct{ name, in, detail string }

func checkRefusals(t *testing.T, ch otp.Channel, rows []refusal) {
	t.Helper()
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			_, err := address.Parse(ch, row.in)
			var in *otp.InputError
			if !errors.As(err, &in) || !errors.Is(err, otp.ErrInvalidRecipient) {
				t.Fatalf("got %v, want an input error of an invalid recipient", err)
			}
			if in.Field != "to" || in.Detail != row.detail {
				t.Errorf("got %s: %q, want to: %q", in.Field, in.Detail, row.detail)
			}
		})
	}
}

func TestAnUnknownChannelIsRefusedByName(t *testing.T) {
	_, err := address.Parse("fax", "+4915123456789")
	var in *otp.InputError
	if !errors.As(err, &in) || in.Field != "channel" || !errors.Is(err, otp.ErrInvalid) {
		t.Errorf("got %v, want an input error of the field channel", err)
	}
}

func TestARecipientPrintsItsMaskOnly(t *testing.T) {
	address.Warm()
	r := parse(t, otp.SMS, "+4915123456789")
	if got, want := fmt.Sprintf("%v %s %+v", r, r, r), "+49•••••••••89 +49•••••••••89 +49•••••••••89"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// FuzzParse holds three promises: nothing panics, a canonical form is its own
// canonical form, and an error is one of the known sentences, so that it cannot
// carry what was typed.
func FuzzParse(f *testing.F) {
	var sentences []string
	for _, row := range slices.Concat(phoneRefusals, mailboxRefusals) {
		sentences = append(sentences, "to: "+row.detail)
		f.Add(row.in)
	}
	for _, row := range slices.Concat(phones, mailboxes) {
		f.Add(row.in)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, ch := range otp.Channels {
			r, err := address.Parse(ch, s)
			if err != nil {
				if !slices.Contains(sentences, err.Error()) {
					t.Errorf("%s: %q is refused by an unknown sentence: %v", ch, s, err)
				}
				continue
			}
			if again, err := address.Parse(ch, r.Reveal()); !again.Equal(r) {
				t.Errorf("%s: %q is read as %q, and that as %q, %v", ch, s, r.Reveal(), again.Reveal(), err)
			}
		}
	})
}

// BenchmarkParse keeps an eye on what a start pays for its recipient.
func BenchmarkParse(b *testing.B) {
	address.Warm()
	for name, in := range map[otp.Channel]string{otp.SMS: "+4915123456789", otp.Email: "someone+tag@bücher.example"} {
		b.Run(string(name), func(b *testing.B) {
			for b.Loop() {
				if _, err := address.Parse(name, in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func parse(t *testing.T, ch otp.Channel, s string) otp.Recipient {
	t.Helper()
	r, err := address.Parse(ch, s)
	if err != nil {
		t.Fatalf("%q is refused: %v", s, err)
	}
	return r
}
