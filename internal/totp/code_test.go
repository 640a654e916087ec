package totp_test

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/totp"
)

// digits are the secrets of the RFCs: so many digits, over and over.
func digits(n int) otp.FactorSecret {
	return otp.FactorSecretOf([]byte(strings.Repeat("1234567890", 7)[:n]))
}

func TestTheVectorsOfRFC4226(t *testing.T) {
	t.Parallel()
	for step, want := range []string{"755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"} {
		if got := totp.CodeAt(digits(20), otp.DefaultClockwork(), int64(step)); got != want {
			t.Errorf("step %d: %s, want %s", step, got, want)
		}
	}
}

func TestTheVectorsOfRFC6238(t *testing.T) {
	t.Parallel()
	at := []int64{59, 1111111109, 1111111111, 1234567890, 2000000000, 20000000000}
	for algorithm, row := range map[otp.Algorithm]struct {
		secret int
		want   []string
	}{
		otp.SHA1:   {20, []string{"94287082", "07081804", "14050471", "89005924", "69279037", "65353130"}},
		otp.SHA256: {32, []string{"46119246", "68084774", "67062674", "91819424", "90698825", "77737706"}},
		otp.SHA512: {64, []string{"90693936", "25091201", "99943326", "93441116", "38618901", "47863826"}},
	} {
		c := otp.Clockwork{Algorithm: algorithm, Digits: 8, Period: 30 * time.Second}
		for i, want := range row.want {
			if got := totp.CodeAt(digits(row.secret), c, c.Step(time.Unix(at[i], 0))); got != want {
				t.Errorf("%s at %d: %s, want %s", algorithm, at[i], got, want)
			}
		}
	}
}

// oathtool is another's generator of the same codes.
func TestOathtoolShowsTheSameCodes(t *testing.T) {
	t.Parallel()
	dice := rand.New(rand.NewPCG(1, 2))
	for _, algorithm := range []otp.Algorithm{otp.SHA1, otp.SHA256, otp.SHA512} {
		for range 15 {
			c := otp.Clockwork{Algorithm: algorithm, Digits: 6 + dice.IntN(3), Period: time.Duration(20+dice.IntN(41)) * time.Second}
			secret, at := otp.NewFactorSecret(algorithm), time.Unix(dice.Int64N(4e9), 0)
			out, err := exec.CommandContext(t.Context(), "oathtool", "--totp="+string(algorithm), fmt.Sprintf("--digits=%d", c.Digits),
				fmt.Sprintf("--time-step-size=%ds", c.Period/time.Second), "--now=@"+fmt.Sprint(at.Unix()), hex.EncodeToString(secret.Reveal())).CombinedOutput()
			if err != nil {
				t.Fatalf("oathtool: %v: %s (make deps installs it)", err, out)
			}
			if got := totp.CodeAt(secret, c, c.Step(at)); got != strings.TrimSpace(string(out)) {
				t.Errorf("%+v at %d: %s, oathtool says %s", c, at.Unix(), got, out)
			}
		}
	}
}
