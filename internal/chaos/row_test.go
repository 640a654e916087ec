package chaos_test

import (
	"fmt"
	"strings"
	"time"
)

// row is what became of the codes of one scenario.
type row struct {
	scenario string
	asked    int
	once     int
	more     int // delivered more than once, the same code each time
	lost     int // neither delivered nor told as failed
	told     int // as failed, by the journal
	longest  time.Duration
	remark   string
}

const heading = `| scenario | asked | once | more than once | lost | told as failed | longest | |
|---|---|---|---|---|---|---|---|
`

// String is the row in Markdown.
func (r row) String() string {
	return fmt.Sprintf("| %s | %s | %s | %d | %d | %d | %s | %s |", r.scenario, thousands(r.asked), thousands(r.once), r.more, r.lost, r.told, brief(r.longest), r.remark)
}

// note adds to a remark.
func note(remark, more string) string {
	if remark == "" {
		return more
	}
	return remark + "; " + more
}

// thousands writes a number as 10,000.
func thousands(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%d,%03d", n/1000, n%1000)
}

// brief is a time with as many digits as it is worth; none is a dash.
func brief(d time.Duration) string {
	switch {
	case d == 0:
		return "–"
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	default:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
}

// table is the rows in Markdown, in the order of the scenarios.
func table(rows map[string]row) string {
	var b strings.Builder
	b.WriteString(heading)
	for _, s := range scenarios() {
		if r, ok := rows[s.name]; ok {
			fmt.Fprintln(&b, r)
		}
	}
	return b.String()
}
