package support

import (
	"fmt"
	"strconv"
	"time"
)

// clock is a time of day as sentences have it. All of the staff read the same
// clock: a ticket goes from one zone to another.
func clock(t time.Time) string { return t.UTC().Format("15:04 UTC") }

// span is a duration as people say it.
func span(d time.Duration) string {
	switch d = max(d, 0); {
	case d < time.Second:
		return "a moment"
	case d < 2*time.Minute:
		return strconv.Itoa(int(d.Seconds())) + " s"
	case d < 2*time.Hour:
		return strconv.Itoa(int(d.Minutes())) + " min"
	case d < 48*time.Hour:
		return strconv.Itoa(int(d.Hours())) + " h"
	}
	return strconv.Itoa(int(d.Hours()/24)) + " days"
}

// count is a number of things.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

func was(n int) string {
	if n == 1 {
		return "was"
	}
	return "were"
}
