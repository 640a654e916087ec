package supportui

import (
	"fmt"
	"html/template"
	"strconv"
	"time"
)

// Times are shown in UTC: a ticket goes from one zone to another. Each carries
// itself for machines, and the script adds the reader's own clock.

// day is an instant with its date.
func day(t time.Time) template.HTML { return element(t, "2 Jan 2006, 15:04:05") }

// clock is an instant of a day that is told elsewhere.
func clock(t time.Time) template.HTML { return element(t, "15:04:05") }

func element(t time.Time, form string) template.HTML {
	t = t.UTC()
	return template.HTML(fmt.Sprintf(`<time datetime="%s">%s</time>`, t.Format("2006-01-02T15:04:05.000Z"), t.Format(form))) //nolint:gosec // made of a time alone
}

// ago is how long before now something was.
func ago(t, now time.Time) string {
	d := now.Sub(t)
	if d < time.Second {
		return "just now"
	}
	return rough(d) + " ago"
}

// left is how long something still lasts.
func left(t, now time.Time) string { return rough(t.Sub(now)) }

func rough(d time.Duration) string {
	switch {
	case d < time.Minute:
		return strconv.Itoa(max(0, int(d.Seconds()))) + " s"
	case d < time.Hour:
		return strconv.Itoa(int(d.Minutes())) + " min"
	case d < 48*time.Hour:
		return strconv.Itoa(int(d.Hours())) + " h"
	}
	return strconv.Itoa(int(d.Hours()/24)) + " days"
}

// took is how long a hand-over was.
func took(d time.Duration) string {
	if d < time.Second {
		return strconv.Itoa(int(d.Milliseconds())) + " ms"
	}
	return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
}
