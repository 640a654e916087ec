package config

import (
	"slices"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/verify"
)

// TollGuard keeps texts from ranges of numbers, and from countries, where hardly
// anybody types a code in.
type TollGuard struct {
	Mode         string   `toml:"mode"`          // off; shadow: only tell; block: refuse texts
	Digits       int      `toml:"digits"`        // of a range's prefix, the country code included; never the last three of a number
	Least        int      `toml:"least"`         // sends to a range within the window that are enough to decide
	CountryLeast int      `toml:"country_least"` // the same to a country; 0 does not look at countries
	Ratio        float64  `toml:"ratio"`         // of sends that must be approved
	Window       Duration `toml:"window"`        // in which both are counted, in the whole of it and in its last 24th
	Grace        Duration `toml:"grace"`         // how old a send is before it counts: its code may still be typed in
	Block        Duration `toml:"block"`         // how long a range is blocked; then a quarter of least decides anew
}

func defaultTollGuard() TollGuard {
	return TollGuard{
		Mode: "off", Digits: 7, Least: 20, CountryLeast: 500, Ratio: 0.2,
		Window: Duration(24 * time.Hour), Grace: Duration(3 * time.Minute), Block: Duration(12 * time.Hour),
	}
}

// On tells whether ranges are watched.
func (g TollGuard) On() bool { return g.Mode == "shadow" || g.Mode == "block" }

// Toll is the guard as the service has it.
func (g TollGuard) Toll() verify.Toll {
	if !g.On() {
		return verify.Toll{}
	}
	return verify.Toll{
		Guard: otp.Guard{
			Block: g.Mode == "block", Ratio: g.Ratio,
			Window: time.Duration(g.Window), Grace: time.Duration(g.Grace), Length: time.Duration(g.Block),
		},
		Digits: g.Digits, Least: g.Least, CountryLeast: g.CountryLeast,
	}
}

func (c Config) checkTollGuard(cs *complaints) {
	g := c.TollGuard
	cs.want(slices.Contains([]string{"off", "shadow", "block"}, g.Mode), "toll_guard.mode", "want off, shadow or block")
	cs.want(g.Digits >= 3 && g.Digits <= 12, "toll_guard.digits", "want 3 to 12, such as 7")
	cs.want(g.Least >= 4, "toll_guard.least", "want 4 or more")
	cs.want(g.CountryLeast == 0 || g.CountryLeast >= g.Least, "toll_guard.country_least", "want at least least, or 0")
	cs.want(g.Ratio > 0 && g.Ratio < 1, "toll_guard.ratio", "want a share between 0 and 1, such as 0.2")
	cs.want(g.Window >= Duration(time.Hour) && g.Window <= Duration(7*24*time.Hour), "toll_guard.window", "want 1h to 168h")
	cs.want(g.Grace >= 0 && g.Grace < g.Window/24, "toll_guard.grace", "want less than a 24th of window")
	cs.want(g.Block >= Duration(time.Minute), "toll_guard.block", "want at least 1m")
	if state, err := c.Redis.State(); err == nil && state.IsClusterMode {
		cs.want(!g.On(), "toll_guard.mode", "want off: in a cluster no server sees all texts")
	}
}
