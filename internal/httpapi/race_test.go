package httpapi_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// at once sends a hundred requests and counts the answers.
func atOnce(r *rig, say func(a answer) string, q func(i int) request) map[string]int {
	var mu sync.Mutex
	count := map[string]int{}
	var wg sync.WaitGroup
	gate := make(chan struct{})
	for i := range 100 {
		wg.Go(func() {
			<-gate
			a := r.do(q(i))
			mu.Lock()
			defer mu.Unlock()
			count[say(a)]++
		})
	}
	close(gate)
	wg.Wait()
	return count
}

func said(a answer) string {
	return fmt.Sprint(a.status, a.text("code"), a.text("reason"))
}

func TestOfAHundredStartsAtOnceOneIsAdmitted(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	got := atOnce(r, said, func(int) request { return request{path: "/v1/verifications", body: toPhone} })
	if got["202"] != 1 || got["429cooldown_active"] != 99 {
		t.Errorf("%v", got)
	}
	if rung := r.ringer.all(); len(rung) != 1 {
		t.Errorf("rung %d times", len(rung))
	}
}

func TestOfAHundredRightChecksAtOnceOneIsValid(t *testing.T) {
	eachWay(t, func(t *testing.T, r *rig, way func(id, code string) fields) {
		id, code := r.started(toPhone)
		got := atOnce(r, said, func(int) request { return request{path: "/v1/verifications/check", body: way(id, code)} })
		if got["200"] != 1 || got["200already_used"] != 99 {
			t.Errorf("%v", got)
		}
	})
}

func TestOfAHundredWrongChecksAtOnceFiveAreCompared(t *testing.T) {
	eachWay(t, func(t *testing.T, r *rig, way func(id, code string) fields) {
		id, code := r.started(toPhone)
		got := atOnce(r, said, func(int) request { return request{path: "/v1/verifications/check", body: way(id, wrong(code))} })
		if got["200code_mismatch"] != 5 || got["429recipient_locked"] != 95 {
			t.Errorf("%v", got)
		}
		if made := r.get(id).ok().body["checks"].(map[string]any)["made"]; made != 5.0 {
			t.Errorf("%v checks made", made)
		}
	})
}

func TestAHundredRepetitionsOfOneStartAtOnceAreOneStart(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	q := again(request{path: "/v1/verifications", body: toPhone}, "order-17")
	got := atOnce(r, func(a answer) string { return a.text("id") + a.text("code") }, func(int) request { return q })
	delete(got, "idempotency_in_flight")
	if len(got) != 1 || got[r.do(q).want(http.StatusAccepted, "").text("id")] == 0 {
		t.Errorf("%v", got)
	}
}

func TestAHundredRepetitionsOfOneCheckAtOnceGetOneSession(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id, code := r.started(toPhone)
	q := again(request{path: "/v1/verifications/check", body: fields{"id": id, "code": code}}, "guess-1")
	got := atOnce(r, func(a answer) string { return a.raw + a.text("code") }, func(int) request { return q })
	for told := range got {
		if strings.HasSuffix(told, "idempotency_in_flight") {
			delete(got, told)
		}
	}
	if first := r.do(q).ok().raw; len(got) != 1 || got[first] == 0 {
		t.Errorf("%v", got)
	}
}
