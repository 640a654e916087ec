package otp

import "time"

// TollGuard is the name that the guard's refusals have, as that of a rate.
const TollGuard = "toll-guard"

// Guard keeps texts from ranges of numbers where hardly anybody types a code in:
// those are asked for by whoever earns by the texts (toll fraud, SMS pumping).
type Guard struct {
	Block  bool // refuse, and not only tell
	Ratio  float64
	Window time.Duration // that sends and approvals are counted in
	Grace  time.Duration // that a code may take to be typed in, before its send counts
	Length time.Duration // of a block
	Counts bool          // this start's send is one more; a decoy's is none
	Ranges []Range
}

// Range is what a guard looks at: a prefix with its +, or a country.
type Range struct {
	Name  string
	Least int // sends that are enough to decide
}

// RangeState is how a range stands.
type RangeState struct {
	Name        string
	Blocked     time.Duration // for how long from now on; 0: it is not
	Sends, Used int           // within the window
}
