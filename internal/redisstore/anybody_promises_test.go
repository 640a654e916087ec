package redisstore_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/redisstore"
)

// mayBegin is asked when a hand-over has been let begin.
func (w *world) mayBegin(h handed, c otp.Claim) {
	w.t.Helper()
	for was, state := range w.told {
		if was.order == h.order && (state == otp.Accepted || state == otp.Delivered) {
			w.t.Errorf("%v begins, though %v was taken and may be delivered", h, was)
		}
	}
	now := time.Duration(w.ahead.Load())
	for was, at := range w.begun {
		givenUp := w.told[was] == otp.Undelivered // its receipt was faster than its answer
		if was.order == h.order && was != h && now < at+redisstore.Lease && !givenUp {
			w.t.Errorf("%v begins, though %v is under way", h, was)
		}
	}
	history := w.history(h.order.ID)
	if history.Status != otp.Pending || len(history.Sends) != h.order.Send {
		w.t.Errorf("%v begins for a verification that is %s and has %d sends", h, history.Status, len(history.Sends))
	}
	if left := history.ExpiresAt.Sub(time.Now().Add(now)); left < redisstore.LeastLife-time.Second {
		w.t.Errorf("%v begins with %s left", h, left)
	}
	code, err := w.keys.OpenCode(c.Owner, c.Code)
	w.must(err)
	owner := w.owner(ask{}.filled())
	held := w.rdb.Get(w.t.Context(), "phone-auth:otp:{"+owner.Partition.String()+"}"+string(owner.Identity[0])).Val()
	if d := w.keys.DigestOf(owner, code); !strings.Contains(held, " "+d.Sum+" ") {
		w.t.Errorf("%v begins with a code that is not the one", h)
	}
}

// mayTurn is asked when a send has been turned into another.
func (w *world) mayTurn(o otp.Order) {
	for was, state := range w.told {
		if was.order == o && state == otp.Delivered {
			w.t.Errorf("%s went to another address, though %v was delivered", o, was)
		}
	}
}

// kept is what a verification's record says of a send, beyond its history.
type kept struct {
	State      string
	Ask, Lease int64
	By         string
}

// inspect looks at all there is.
func (w *world) inspect() {
	w.t.Helper()
	now := map[otp.ID]otp.History{}
	for _, o := range w.orders {
		if _, seen := now[o.ID]; !seen {
			now[o.ID] = w.history(o.ID)
			w.inspectRecord(now[o.ID])
			w.inspectProgress(w.before[o.ID], now[o.ID])
		}
	}
	w.before = now
	w.inspectQuota(now)
	w.inspectTallies(now)
}

// inspectRecord wants an entry for whatever is not done, no other, and no letter
// that nobody will need.
func (w *world) inspectRecord(h otp.History) {
	w.t.Helper()
	p := h.ID.Partition().String()
	fields := w.rdb.HGetAll(w.t.Context(), "v:{"+p+"}"+string(h.ID)).Val()
	status, _, _ := strings.Cut(fields["v"], " ")
	due := map[string]float64{}
	for _, z := range w.rdb.ZRangeWithScores(w.t.Context(), "due:{"+p+"}", 0, -1).Val() {
		due[z.Member.(string)] = z.Score
	}
	if _, is := due[string(h.ID)+"/0"]; is != (status == "pending") {
		w.t.Errorf("a verification that is %s: to be settled %t", status, is)
	}
	if _, b := fields["b"]; b && status != "pending" {
		w.t.Errorf("the other addresses of a verification that is %s are kept", status)
	}
	for n := range h.Sends {
		order := fmt.Sprintf("%s/%d", h.ID, n+1)
		var s kept
		var text string
		s.State, text, _ = strings.Cut(fields[fmt.Sprint("s", n+1)], " ")
		w.must(json.Unmarshal([]byte(text), &s))
		at, is := due[order]
		if open := s.State == "queued" || s.Ask > 0; is != open {
			w.t.Errorf("%s is %s, asked after at %d: due %t", order, s.State, s.Ask, is)
		}
		if soon := time.Now().Add(time.Duration(w.ahead.Load()) + time.Minute).UnixMilli(); is && int64(at) > soon {
			w.t.Errorf("%s is due too late", order)
		}
		if _, l := fields[fmt.Sprint("l", n+1)]; l && (status != "pending" || s.State == "superseded") {
			w.t.Errorf("the letter of %s is kept: %s, %s", order, status, s.State)
		}
		if _, l := fields[fmt.Sprint("l", n+1)]; !l && s.State != "superseded" && status == "pending" && n+1 == len(h.Sends) {
			w.t.Errorf("%s has no letter", order)
		}
	}
}

var ranks = map[otp.State]int{otp.Accepted: 2, otp.Sent: 3, otp.Unknown: 4, otp.Undelivered: 5, otp.Failed: 5, otp.Delivered: 6}

// inspectProgress wants states to have moved forward only.
func (w *world) inspectProgress(was, is otp.History) {
	w.t.Helper()
	if was.Status != "" && was.Status != otp.Pending && was.Status != is.Status {
		w.t.Errorf("%s became %s", was.Status, is.Status)
	}
	for n, s := range was.Sends {
		next := is.Sends[n]
		ended := s.State != otp.Queued && s.State != otp.Accepted
		if ended && next.State != s.State || s.Refunded && !next.Refunded {
			w.t.Errorf("send %d: %s became %s, refunded %t, %t", n+1, s.State, next.State, s.Refunded, next.Refunded)
		}
		for i, a := range s.Attempts {
			if ranks[next.Attempts[i].State] < ranks[a.State] {
				w.t.Errorf("attempt %d.%d: %s became %s", n+1, i+1, a.State, next.Attempts[i].State)
			}
		}
	}
}

// inspectQuota wants every send that somebody took to be paid for.
func (w *world) inspectQuota(all map[otp.ID]otp.History) {
	w.t.Helper()
	owner := w.owner(ask{}.filled())
	var start, used, given int
	key := "phone-auth:daily:{" + owner.Partition.String() + "}" + string(owner.Limit[0])
	if text := w.rdb.Get(w.t.Context(), key).Val(); text != "" {
		_, err := fmt.Sscan(text, &start, &used, &given)
		w.must(err)
	}
	taken := map[otp.Order]bool{}
	for h, state := range w.told {
		if state != "" && all[h.order.ID].Sends[h.order.Send-1].Masked == "" {
			taken[h.order] = true
		}
	}
	if given > 3 || used != w.charged-given || used < len(taken) {
		w.t.Errorf("%d sends, %d taken: %d charged, %d given back", w.charged, len(taken), used, given)
	}
}

// ended wants nothing to be left that anybody should do.
func (w *world) ended() {
	w.t.Helper()
	for _, key := range w.rdb.Keys(w.t.Context(), "*").Val() {
		switch before, _, _ := strings.Cut(key, ":"); before {
		case "due", "events", "provider", "heard", "otpipe":
			if before == "due" {
				w.t.Errorf("still due: %v", w.rdb.ZRange(w.t.Context(), key, 0, -1).Val())
			}
		default:
			if w.rdb.PTTL(w.t.Context(), key).Val() <= 0 {
				w.t.Errorf("%s has no TTL", key)
			}
		}
	}
	for id, h := range w.before {
		for n, s := range h.Sends {
			if now := s.Status(); s.State == otp.Queued || now == otp.Queued || now == otp.Sending {
				w.t.Errorf("send %s/%d is %s for ever, %s", id, n+1, s.State, now)
			}
		}
	}
}
