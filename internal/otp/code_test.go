package otp_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/otpipe/otpipe/internal/otp"
)

// It cannot flake: with nine degrees of freedom a fair draw
// passes the bound once in 10^27, and a digit that is a tenth likelier does not.
func TestCodesAreUniformWithLeadingZerosAndOfTheLengthAskedFor(t *testing.T) {
	t.Parallel()
	const draws, bound = 20_000, 150.0
	for n := 4; n <= 10; n++ {
		count := make([][10]float64, n)
		for range draws {
			code := otp.NewCode(n).Reveal()
			if _, err := otp.ParseCode(code, n); err != nil {
				t.Fatalf("a code of %d digits came out with %d characters", n, len(code))
			}
			for place := range n {
				count[place][code[place]-'0']++
			}
		}
		for place, digits := range count {
			chi := 0.0
			for _, c := range digits {
				chi += (c - draws/10) * (c - draws/10) / (draws / 10)
			}
			if chi > bound {
				t.Errorf("%d digits, place %d: chi-square %.0f of %v", n, place, chi, digits)
			}
		}
	}
}

func TestTwoCodesOfTenDigitsAreNotTheSame(t *testing.T) {
	t.Parallel()
	a, b, c := otp.NewCode(10).Reveal(), otp.NewCode(10).Reveal(), otp.NewCode(10).Reveal()
	if a == b && b == c {
		t.Fatal("the same code again and again")
	}
}

func TestParseCodeTakesDigitsOfTheRightLengthAndNothingElse(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, in string
		n        int
		ok       bool
	}{
		{"six digits", "123456", 6, true},
		{"leading zeros", "000001", 6, true},
		{"four digits", "0000", 4, true},
		{"ten digits", "9999999999", 10, true},
		{"too short", "12345", 6, false},
		{"too long", "1234567", 6, false},
		{"nothing", "", 6, false},
		{"a letter", "12345a", 6, false},
		{"a space", "123 56", 6, false},
		{"spaces around", " 1234 ", 6, false},
		{"a sign", "+12345", 6, false},
		{"a minus", "-12345", 6, false},
		{"a line break", "12345\n", 6, false},
		{"a nul", "12345\x00", 6, false},
		{"the character before 0", "12345/", 6, false},
		{"the character after 9", "12345:", 6, false},
		{"Arabic digits of six bytes", "٣٤٥", 6, false},
		{"full-width digits", "123", 9, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c, err := otp.ParseCode(test.in, test.n)
			if test.ok {
				if err != nil || c.Reveal() != test.in {
					t.Fatalf("got %v", err)
				}
				return
			}
			if !errors.Is(err, otp.ErrCodeFormat) || c.Reveal() != "" {
				t.Fatalf("error %v, code %q", err, c.Reveal())
			}
			if test.in != "" && strings.Contains(err.Error(), test.in) {
				t.Fatalf("the error quotes what was typed: %v", err)
			}
		})
	}
}

func FuzzParseCode(f *testing.F) {
	for _, s := range []string{"123456", "000000", "", "12345a", "+12345", "٣٤٥"} {
		f.Add(s, 6)
	}
	f.Fuzz(func(t *testing.T, s string, n int) {
		c, err := otp.ParseCode(s, n)
		if form := len(s) == n && strings.Trim(s, "0123456789") == ""; form != (err == nil) {
			t.Fatalf("%q as %d digits: %v", s, n, err)
		}
		if err != nil {
			if !errors.Is(err, otp.ErrCodeFormat) || c.Reveal() != "" {
				t.Fatalf("refused with %v and a code", err)
			}
			return
		}
		if c.Reveal() != s {
			t.Fatalf("%q became %q", s, c.Reveal())
		}
	})
}
