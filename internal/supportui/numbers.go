package supportui

import (
	"math"
	"strconv"
	"time"
)

// number is a count with its thousands apart: 12,304.
func number(n int) string {
	if n < 0 {
		return "−" + number(-n)
	}
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// short is a count where there is little room: 9,870, 12.3k, 4.5M.
func short(n int) string {
	for _, unit := range []struct {
		of   float64
		name string
	}{{1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		if n < 10_000 || float64(n) < unit.of {
			continue
		}
		value := float64(n) / unit.of
		if value < 99.95 {
			return strconv.FormatFloat(value, 'f', 1, 64) + unit.name
		}
		return strconv.FormatFloat(math.Floor(value), 'f', 0, 64) + unit.name
	}
	return number(n)
}

// percent is a share. Nearly all is not all, and hardly any is not none.
func percent(share float64) string {
	value := math.Round(share*1000) / 10
	switch {
	case value == 100 && share < 1:
		value = 99.9
	case value == 0 && share > 0:
		value = 0.1
	}
	return strconv.FormatFloat(value, 'f', -1, 64) + " %"
}

// part is n's share of all, or a dash of nothing.
func part(n, all int) string {
	if all == 0 {
		return "–"
	}
	return percent(float64(n) / float64(all))
}

// delay is how long a delivery took, as well as a tally knows it: two digits.
func delay(d time.Duration) string {
	switch {
	case d == 0:
		return "–"
	case d < time.Second:
		return strconv.FormatInt(twoDigits(d.Milliseconds()), 10) + " ms"
	case d < 10*time.Second:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
	case d < 2*time.Minute:
		return strconv.FormatFloat(d.Seconds(), 'f', 0, 64) + " s"
	}
	return rough(d)
}

func twoDigits(n int64) int64 {
	if n < 100 {
		return n
	}
	return (n + 5) / 10 * 10
}
