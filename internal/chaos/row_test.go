package chaos_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
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

// thousands writes a number as 10,000.
func thousands(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%d,%03d", n/1000, n%1000)
}

// brief is a time with as many digits as it is worth.
func brief(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

// account compares what was promised with what arrived, and complains about what
// the scenario does not excuse.
func (h *house) account(s scenario) row {
	h.Helper()
	r := row{scenario: s.name, remark: h.remark}
	var mu sync.Mutex
	promises := h.ledger.promised()
	crowd(promises, func(p promise) {
		v, ok := h.client.get(p.id)
		got := h.ledger.of(p.to)
		mu.Lock()
		defer mu.Unlock()
		r.add(p, v, got)
		if bad := s.complaint(v, ok, len(got)); bad != "" {
			h.Errorf("%s: %s, %d messages: %s", p.id, bad, len(got), v.life())
		}
	})
	h.sameCodes()
	h.rightCodes(promises)
	return r
}

func (r *row) add(p promise, v told, got []arrival) {
	r.asked++
	switch {
	case len(got) == 1:
		r.once++
	case len(got) > 1:
		r.more++
	case v.failed():
		r.told++
	default:
		r.lost++
	}
	if len(got) > 0 {
		r.longest = max(r.longest, got[0].at.Sub(p.asked))
	}
}

// complaint is what is wrong with one code's delivery; "" for nothing. A code may
// come once more for every hand-over of which nobody knows how it ended.
func (s scenario) complaint(v told, known bool, messages int) string {
	switch {
	case !known:
		return "the api does not know it"
	case messages == 0 && !v.failed():
		return "lost"
	case messages == 0 && s.told == "":
		return "not delivered"
	case messages > 1 && s.twice == "":
		return "delivered twice"
	case messages > 1+v.unknown():
		return "delivered twice though the outcome was known"
	default:
		return ""
	}
}

// sameCodes looks for recipients who got two codes, whether or not their start
// was answered.
func (h *house) sameCodes() {
	h.Helper()
	for to, got := range h.ledger.everything() {
		for _, one := range got {
			if one.code == "" || one.code != got[0].code {
				h.Errorf("%s got no code, or another one, from %s", to, one.vendor)
			}
		}
	}
}

// rightCodes checks every code that arrived.
func (h *house) rightCodes(promises []promise) {
	h.Helper()
	crowd(promises, func(p promise) {
		if got := h.ledger.of(p.to); len(got) > 0 && !h.client.proves(p.id, got[0].code) {
			h.Errorf("%s: the code that arrived is not the one", p.id)
		}
	})
}

// idOf is the id in the answer to a start.
func idOf(a answer) string {
	var v told
	_ = json.Unmarshal(a.body, &v)
	return v.ID
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
