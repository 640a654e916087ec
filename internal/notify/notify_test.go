package notify_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/otpipe/otpipe/internal/asynqueue"
	"github.com/otpipe/otpipe/internal/notify"
	"github.com/otpipe/otpipe/internal/otp"
)

func TestAnEventReachesItsEndpointSignedAndSaysWhatHappened(t *testing.T) {
	t.Parallel()
	r := newRig(t, "shop")
	r.add("attempt.undelivered", "send", "2", "attempt", "3", "provider", "twilio", "reason", "twilio_30003")
	r.background(r.listener(notify.Endpoint{Name: "shop"}).Run)
	r.post()
	p := r.endpoints["shop"].await(t, 1)[0]
	if err := verify(p, secret); err != nil {
		t.Error(err)
	}
	if err := verify(p, "whsec_c29tZWJvZHktZWxzZSdzLXNlY3JldC0tLS0tLS0="); err == nil {
		t.Error("anybody could have signed it")
	}
	forged := p
	forged.body = strings.Replace(p.body, "undelivered", "delivered", 1)
	if err := verify(forged, secret); err == nil {
		t.Error("a changed body is believed")
	}
	entry := r.rdb.XRange(t.Context(), "events:{00}", "-", "+").Val()[0].ID
	if want := "evt_00-" + entry + "_shop"; p.id != want {
		t.Errorf("its id is %q, want %q", p.id, want)
	}
	var at struct{ Timestamp time.Time }
	if err := json.Unmarshal([]byte(p.body), &at); err != nil || fmt.Sprint(at.Timestamp.UnixMilli()) != strings.TrimSuffix(entry, "-0") {
		t.Errorf("it happened at %s, %v", at.Timestamp, err)
	}
	want := `{"type":"delivery.undelivered","timestamp":"` + at.Timestamp.Format("2006-01-02T15:04:05.000Z") + `","data":{"verification_id":"VE00000000000000000000000000000001",` +
		`"namespace":"phone-auth","to_masked":"+49•••••••89","send":2,"attempt":3,"provider":"twilio","reason":"twilio_30003"}}`
	if diff := cmp.Diff(want, p.body); diff != "" {
		t.Error(diff)
	}
}

func TestEveryChangeThatMattersHasItsNotice(t *testing.T) {
	t.Parallel()
	r := newRig(t, "shop")
	events := [][]string{
		{"verification.created", "send", "1", "reason", "sms"},
		{"send.claimed", "send", "1"},
		{"attempt.sending", "send", "1", "attempt", "1", "provider", "a"},
		{"attempt.failed", "send", "1", "attempt", "1", "provider", "a", "reason", "http_503"},
		{"attempt.unknown", "send", "1", "attempt", "2", "provider", "b"},
		{"attempt.accepted", "send", "1", "attempt", "2", "provider", "b"},
		{"attempt.sent", "send", "1", "attempt", "2", "provider", "b"},
		{"attempt.delivered", "send", "1", "attempt", "2", "provider", "b"},
		{"attempt.undelivered", "send", "1", "attempt", "2", "provider", "b"},
		{"send.queued", "send", "2"},
		{"send.failed", "send", "2", "reason", "http_422"},
		{"send.expired", "send", "2"},
		{"send.suppressed", "send", "2"},
		{"send.unknown", "send", "2"},
		{"send.superseded", "send", "2"},
		{"send.canceled", "send", "2"},
		{"verification.check_failed"},
		{"verification.unlocked"},
		{"verification.session_consumed"},
		{"verification.suppressed", "reason", "sms"},
		{"verification.approved"},
		{"verification.expired"},
		{"verification.locked"},
		{"verification.canceled"},
		{"something.new"},
	}
	for _, e := range events {
		r.add(e[0], e[1:]...)
	}
	r.background(r.listener(notify.Endpoint{Name: "shop"}).Run)
	r.post()
	want := []string{
		"delivery.accepted 1.2 ", "delivery.delivered 1.2 ", "delivery.failed 1.1 http_503", "delivery.failed 2.0 expired", "delivery.failed 2.0 http_422",
		"delivery.failed 2.0 suppressed", "delivery.sent 1.2 ", "delivery.undelivered 1.2 ", "delivery.unknown 1.2 ", "delivery.unknown 2.0 ",
		"verification.approved 0.0 ", "verification.canceled 0.0 ", "verification.created 1.0 sms", "verification.expired 0.0 ", "verification.locked 0.0 ",
	}
	var got []string
	for _, p := range r.endpoints["shop"].await(t, len(want)) {
		var n struct {
			Type string
			Data struct {
				Send, Attempt   int
				Channel, Reason string
			}
		}
		if err := json.Unmarshal([]byte(p.body), &n); err != nil || strings.Contains(p.body, "canary") {
			t.Fatalf("%s, %v", p.body, err)
		}
		got = append(got, fmt.Sprintf("%s %d.%d %s%s", n.Type, n.Data.Send, n.Data.Attempt, n.Data.Channel, n.Data.Reason))
		if !slices.Contains(notify.Types(), n.Type) {
			t.Errorf("%s is not among the types", n.Type)
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAnEndpointIsToldOfItsNamespacesAndTypesOnly(t *testing.T) {
	t.Parallel()
	r := newRig(t, "all", "other-namespace", "one-type")
	r.add("attempt.accepted", "send", "1", "attempt", "1", "provider", "a")
	r.add("verification.approved")
	r.background(r.listener(
		notify.Endpoint{Name: "other-namespace", Namespaces: []otp.Namespace{"verify-email"}},
		notify.Endpoint{Name: "one-type", Namespaces: []otp.Namespace{"verify-email", "phone-auth"}, Types: []string{"verification.approved"}},
		notify.Endpoint{Name: "all"},
	).Run)
	r.post()
	r.endpoints["all"].await(t, 2)
	if got := r.endpoints["one-type"].await(t, 1); len(got) != 1 || !strings.Contains(got[0].body, "verification.approved") {
		t.Errorf("%v", got)
	}
	if got := r.endpoints["other-namespace"].await(t, 0); len(got) != 0 {
		t.Errorf("%v", got)
	}
}

// dying is a queue whose worker dies while it puts: before or after the notices are in.
type dying struct {
	notify.Queue
	after bool
	died  chan struct{}
}

func (d dying) Put(ctx context.Context, all []notify.Notice) error {
	if d.after {
		if err := d.Queue.Put(ctx, all); err != nil {
			return err
		}
	}
	close(d.died)
	<-ctx.Done() // the process is gone: nothing more of it is run
	select {}
}

func TestAWorkerThatDiesBetweenReadingAndFinishingLosesNothing(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		r := newRig(t, "shop")
		for range 10 {
			r.add("verification.approved")
		}
		dead := r.listener(notify.Endpoint{Name: "shop"})
		d := dying{queueOf(dead), after, make(chan struct{})}
		setQueue(dead, d)
		go dead.Run(context.Background()) // never ends, as nobody waits for the dead
		<-d.died
		if after {
			stop := r.post()
			r.endpoints["shop"].await(t, 10)
			stop()
		}
		heir := r.listener(notify.Endpoint{Name: "shop"})
		heir.Left = 0
		r.background(heir.Run)
		r.post()
		want := 10
		if after {
			want = 20 // told twice, with the same ids
		}
		ids := map[string]int{}
		for _, p := range r.endpoints["shop"].await(t, want) {
			ids[p.id]++
		}
		if len(ids) != 10 {
			t.Errorf("after %v: %d of 10 events were told", after, len(ids))
		}
		for id, n := range ids {
			if n != want/10 {
				t.Errorf("after %v: %s came %d times", after, id, n)
			}
		}
	}
}

func TestAnEventThatIsHeardTwiceIsQueuedOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	q := asynqueue.NewNotices(r.rdb)
	n := notify.Notice{ID: "evt_00-1-0_shop", Endpoint: "shop", At: time.Now(), Body: []byte(`{}`)}
	for range 3 {
		if err := q.Put(t.Context(), []notify.Notice{n, n}); err != nil {
			t.Fatal(err)
		}
	}
	if waiting := r.rdb.LLen(t.Context(), "asynq:{events}:pending").Val(); waiting != 1 {
		t.Errorf("%d tasks wait", waiting)
	}
}

// down is a queue that refuses until it is let in.
type down struct {
	notify.Queue
	refused chan struct{}
	up      atomic.Bool
}

func (d *down) Put(ctx context.Context, all []notify.Notice) error {
	if !d.up.Load() {
		d.refused <- struct{}{}
		return errors.New("down")
	}
	return d.Queue.Put(ctx, all)
}

func TestAQueueThatIsAwayKeepsEventsWhereTheyAre(t *testing.T) {
	t.Parallel()
	r := newRig(t, "shop")
	for range 250 {
		r.add("verification.approved")
	}
	l := r.listener(notify.Endpoint{Name: "shop"})
	d := &down{Queue: queueOf(l), refused: make(chan struct{}, 100)}
	setQueue(l, d)
	r.background(l.Run)
	<-d.refused
	<-d.refused
	if taken := r.rdb.XPending(t.Context(), "events:{00}", "notices").Val().Count; taken != 100 {
		t.Errorf("%d events were taken while nothing could be queued", taken)
	}
	d.up.Store(true)
	r.post()
	if got := r.endpoints["shop"].await(t, 250); len(got) != 250 {
		t.Errorf("%d of 250 came", len(got))
	}
}

func TestAStopBetweenReadingAndQueueingFinishesWhatWasTaken(t *testing.T) {
	t.Parallel()
	r := newRig(t, "shop")
	r.add("verification.approved")
	l := r.listener(notify.Endpoint{Name: "shop"})
	ctx, cancel := context.WithCancel(t.Context())
	setQueue(l, stopping{queueOf(l), cancel})
	l.Run(ctx)
	if p := r.rdb.XPending(t.Context(), "events:{00}", "notices").Val(); p.Count != 0 {
		t.Errorf("%d events are left lying", p.Count)
	}
	if waiting := r.rdb.LLen(t.Context(), "asynq:{events}:pending").Val(); waiting != 1 {
		t.Errorf("%d tasks wait", waiting)
	}
}

// stopping is a queue whose process is told to stop while it puts.
type stopping struct {
	notify.Queue
	stop func()
}

func (s stopping) Put(ctx context.Context, all []notify.Notice) error {
	s.stop()
	return s.Queue.Put(ctx, all)
}

func TestAFailedPostIsTriedAgainWithTheSameIDAndCounted(t *testing.T) {
	t.Parallel()
	r := newRig(t, "shop")
	r.endpoints["shop"].status = func(n int) int { return map[bool]int{true: 500, false: 200}[n == 1] }
	r.add("verification.approved")
	r.background(r.listener(notify.Endpoint{Name: "shop"}).Run)
	stop := r.post()
	got := r.endpoints["shop"].await(t, 2)
	if got[0].id != got[1].id || verify(got[1], secret) != nil {
		t.Errorf("%v", got)
	}
	stop()
	r.mu.Lock()
	defer r.mu.Unlock()
	if diff := cmp.Diff(map[string]int{"shop retried": 1, "shop delivered": 1}, r.outcomes); diff != "" {
		t.Error(diff)
	}
}

func TestNothingIsLeftInTheQueueOnceItIsDone(t *testing.T) {
	t.Parallel()
	r := newRig(t, "shop", "gone")
	r.endpoints["gone"].status = func(int) int { return 410 }
	r.add("verification.approved")
	r.background(r.listener(notify.Endpoint{Name: "shop"}, notify.Endpoint{Name: "gone"}, notify.Endpoint{Name: "unconfigured"}).Run)
	stop := r.post()
	r.endpoints["shop"].await(t, 1)
	r.endpoints["gone"].await(t, 1)
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		r.mu.Lock()
		n := len(r.outcomes)
		r.mu.Unlock()
		if n == 3 || time.Now().After(end) {
			break
		}
	}
	stop()
	if diff := cmp.Diff(map[string]int{"shop delivered": 1, "gone dropped": 1, "unconfigured dropped": 1}, r.outcomes); diff != "" {
		t.Error(diff)
	}
	for _, key := range r.rdb.Keys(t.Context(), "asynq:{events}:*").Val() {
		if strings.Contains(key, ":t:") {
			t.Errorf("%s is left", key)
		}
	}
}

func TestAnEndpointThatHangsDoesNotHoldAnotherUp(t *testing.T) {
	t.Parallel()
	r := newRig(t, "hangs", "shop")
	free := make(chan struct{})
	r.endpoints["hangs"].status = func(int) int { <-free; return 200 }
	t.Cleanup(func() { close(free) })
	wants := []notify.Endpoint{{Name: "hangs"}, {Name: "shop"}}
	for range 100 {
		r.add("verification.approved")
	}
	r.background(r.listener(wants...).Run)
	r.post()
	began := time.Now()
	r.endpoints["shop"].await(t, 100)
	if took := time.Since(began); took > 9*time.Second {
		t.Errorf("it took %s", took)
	}
}
