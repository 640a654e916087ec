package otp

import "time"

// Standing is what operators and workers have said about a provider to all
// workers. The zero value is one that nothing was said about.
type Standing struct {
	Drained *Drain
	// Paused is for how long the provider wants no message: it said so, or its
	// account is shut. PausedWhy is the fault's code.
	Paused    time.Duration
	PausedWhy string
	// Tripped is for how long other workers had better not find out for
	// themselves that the provider fails on a channel.
	Tripped map[Channel]time.Duration
}

// Drain is an operator's order to use a provider no more.
type Drain struct {
	By     string // the caller's name
	Reason string
	At     time.Time
}
