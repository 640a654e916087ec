package redisstore_test

import (
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/otpipe/otpipe/internal/otp"
)

// inspectTallies wants the tallies to be what the records say, counted anew.
func (w *world) inspectTallies(all map[otp.ID]otp.History) {
	w.t.Helper()
	now := time.Now().Add(time.Duration(w.ahead.Load()))
	got, err := w.store.Tallies(w.t.Context(), 16, time.Now().Add(-time.Hour), now)
	w.must(err)
	var want recount
	for _, h := range all {
		want.verification(h)
		for n, s := range h.Sends {
			want.send(h, n+1, s, w.arrivedOnce(otp.Order{ID: h.ID, Send: n + 1}, s))
		}
	}
	if diff := cmp.Diff(want.all, sizeless(got), cmpopts.EquateEmpty(), cmpopts.SortSlices(byHourAndChannel)); diff != "" {
		w.t.Errorf("the tallies differ from the records: -recounted +tallied\n%s", diff)
	}
}

// arrivedOnce tells whether a send's delay was counted: a text's when it is
// delivered, a mail's when a relay takes it that has not given it up before.
func (w *world) arrivedOnce(o otp.Order, s otp.SendRecord) bool {
	if s.Channel == otp.SMS {
		return s.Status() == otp.Delivered
	}
	if _, known := w.arrived[o]; !known {
		givenUp := slices.ContainsFunc(s.Attempts, func(a otp.Attempt) bool { return a.State == otp.Undelivered })
		taken := s.Status() == otp.Accepted || s.Status() == otp.Sent
		if givenUp || taken {
			w.arrived[o] = !givenUp
		}
	}
	return w.arrived[o]
}

// recount is what tallies should be.
type recount struct{ all []otp.Tally }

func (c *recount) of(at time.Time, ns otp.Namespace, ch otp.Channel) *otp.Tally {
	hour := at.Truncate(time.Hour)
	i := slices.IndexFunc(c.all, func(t otp.Tally) bool { return t.Hour.Equal(hour) && t.Namespace == ns && t.Channel == ch })
	if i < 0 {
		i = len(c.all)
		c.all = append(c.all, otp.Tally{
			Hour: hour, Namespace: ns, Channel: ch,
			Stand: map[otp.Standpoint]int{}, Refused: map[string]int{}, Delays: otp.Delays{},
		})
	}
	return &c.all[i]
}

func (c *recount) verification(h otp.History) {
	t := c.of(h.CreatedAt, h.Namespace, h.Sends[0].Channel)
	t.Opened++
	if h.Status == otp.Approved {
		t.Approved++
	}
}

func (c *recount) send(h otp.History, n int, s otp.SendRecord, arrived bool) {
	t := c.of(s.AskedAt, h.Namespace, s.Channel)
	if n > 1 {
		t.Resent++
	}
	if arrived {
		t.Delays[0]++
	}
	for i, a := range s.Attempts {
		if first := firstNews(h, n, i+1); first == otp.Failed || first == otp.Unknown {
			t.Refused[a.Provider]++
		}
	}
	status := s.Status()
	if s.State == otp.Queued && status != otp.Delivered {
		return // work is left on it
	}
	by := doer(h, n, s, status)
	if status == otp.Sent {
		status = otp.Accepted
	}
	t.Stand[otp.Standpoint{State: status, Provider: by}]++
}

// doer is who brought a send to where it stands: who delivered it first, or had it
// last, or was asked last.
func doer(h otp.History, n int, s otp.SendRecord, status otp.State) string {
	for _, step := range h.Steps {
		if step.Send == n && step.State == string(otp.Delivered) {
			return step.Provider
		}
	}
	for _, a := range slices.Backward(s.Attempts) {
		if a.State == status {
			return a.Provider
		}
	}
	return s.Provider()
}

// firstNews is what was told first of an attempt.
func firstNews(h otp.History, n, attempt int) otp.State {
	for _, s := range h.Steps {
		if s.Send == n && s.Attempt == attempt && s.State != string(otp.Sending) {
			return otp.State(s.State)
		}
	}
	return ""
}

// sizeless forgets how long each delay was: only how many there are is known here.
func sizeless(all []otp.Tally) []otp.Tally {
	for i, t := range all {
		all[i].Delays = otp.Delays{}
		if n := t.Delays.Count(); n > 0 {
			all[i].Delays[0] = n
		}
	}
	return all
}

func byHourAndChannel(a, b otp.Tally) bool {
	if !a.Hour.Equal(b.Hour) {
		return a.Hour.Before(b.Hour)
	}
	return a.Channel < b.Channel
}
