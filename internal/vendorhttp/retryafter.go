package vendorhttp

import (
	"net/http"
	"strconv"
	"time"
)

// RetryAfter is the header of that name, in seconds or as a date, and at most so
// much of it; the date counts from the answer's own, so that no two clocks are
// compared. What cannot be read is 0.
func RetryAfter(h http.Header, most time.Duration) time.Duration {
	value := h.Get("Retry-After")
	if s, err := strconv.Atoi(value); err == nil {
		return time.Duration(max(0, min(s, int(most/time.Second)))) * time.Second
	}
	until, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return 0
	}
	return max(0, min(until.Sub(now), most))
}
