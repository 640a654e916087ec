package chaos_test

import (
	"sync"
	"time"
)

// settled waits until no promise is worked on any more.
func (h *house) settled() {
	h.Helper()
	left := h.ledger.promised()
	for end := time.Now().Add(h.patience); ; time.Sleep(100 * time.Millisecond) {
		if left = h.restless(left); len(left) == 0 {
			return
		}
		if time.Now().After(end) {
			v, _ := h.client.get(left[0].id)
			h.Errorf("%d sends do not come to rest within %s, such as %s: %s", len(left), h.patience, v.ID, v.life())
			return
		}
	}
}

// restless are the promises that are still worked on, and those of which a vendor
// has yet to report what became of them.
func (h *house) restless(all []promise) (left []promise) {
	var mu sync.Mutex
	crowd(all, func(p promise) {
		v, ok := h.client.get(p.id)
		if ok && v.rests() && (v.failed() || len(h.ledger.of(p.to)) > 0) {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		left = append(left, p)
	})
	return left
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
	if r.more > 0 {
		r.remark = note(r.remark, s.twice)
	}
	if r.told > 0 {
		r.remark = note(r.remark, s.told)
	}
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
// come once more for every hand-over of which nobody knows how it ended. On a
// machine with other work, which the short form is made for, a hand-over may take
// too long without anybody's doing.
func (s scenario) complaint(v told, known bool, messages int) string {
	switch {
	case !known:
		return "the api does not know it"
	case messages == 0 && !v.failed():
		return "lost"
	case messages == 0 && s.told == "" && (long || !v.late()):
		return "not delivered"
	case messages > 1 && s.twice == "" && (long || !v.late()):
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
