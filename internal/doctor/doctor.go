// Package doctor looks at what a running system depends on and says what to do
// about it. It changes nothing and sends nothing. It runs in otpctl.
package doctor

import (
	"context"
	"errors"
	"time"
)

// Grade says how bad a finding is.
type Grade string

// The grades.
const (
	OK   Grade = "ok"
	Warn Grade = "warn" // somebody should know; what is asked for works
	Fail Grade = "fail" // something that is asked for does not work
)

// Finding is one thing that was looked at. Nothing in it is secret.
type Finding struct {
	About string `json:"about"` // what was looked at, such as "redis" or "provider twilio"
	Grade Grade  `json:"grade"`
	Says  string `json:"says"`         // what was found
	Do    string `json:"do,omitempty"` // what to do about it
}

// Check looks at one thing. Look returns when ctx ends; a finding without About is
// about the check's own.
type Check struct {
	About string
	Look  func(ctx context.Context) []Finding
}

// Examine makes all checks beside each other, none for longer than limit, and
// returns what they found in their order.
func Examine(ctx context.Context, checks []Check, limit time.Duration) (all []Finding) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	found := make([]chan []Finding, len(checks))
	for i, c := range checks {
		found[i] = make(chan []Finding, 1)
		go func() { found[i] <- c.Look(ctx) }()
	}
	for i, c := range checks {
		for _, f := range await(ctx, found[i], limit) {
			if f.About == "" {
				f.About = c.About
			}
			all = append(all, f)
		}
	}
	return all
}

// grace is what a check may take to say that its time is up.
const grace = time.Second

// await takes what a check found, or says that it found nothing in time.
func await(ctx context.Context, found <-chan []Finding, limit time.Duration) []Finding {
	select {
	case all := <-found:
		return all
	case <-ctx.Done():
	}
	select {
	case all := <-found:
		return all
	case <-time.After(grace):
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return nil
	}
	return []Finding{{Grade: Fail, Says: "no answer within " + limit.String(), Do: "see whether it can be reached from this host"}}
}

// Worst is the worst grade of all.
func Worst(all []Finding) Grade {
	worst := OK
	for _, f := range all {
		if f.Grade == Fail || worst == OK {
			worst = f.Grade
		}
		if worst == Fail {
			break
		}
	}
	return worst
}
