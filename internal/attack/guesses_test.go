package attack_test

import (
	"fmt"
	"net/http"
	"sync/atomic"
)

// crowd is how many requests come at once.
const crowd = 100

func guesses() []attack {
	return []attack{
		{name: "the right code, 100 times at once", what: "checks", due: "each code opens one session", play: rightAtOnce},
		{name: "wrong codes, 100 at once", what: "guesses, each with another code", due: "five are compared per recipient", play: wrongAtOnce},
		{name: "the right code after too many wrong ones", what: "checks by recipient and by id, and starts", due: "the recipient is locked", play: rightWhenLocked},
		{name: "the right code in the wrong place", what: "checks with another namespace, recipient, binding, or of a verification that is over", due: "", play: rightElsewhere},
	}
}

func rightAtOnce(r *raid) {
	for range either(3, 50) {
		to := r.phone()
		_, code := r.code(r, "open", to)
		r.may++
		r.tries(crowd)
		r.atOnce(crowd, func(int) {
			if v, _ := r.owner.guess("open", to, code); v.Valid {
				r.through(1)
			}
		})
	}
}

func wrongAtOnce(r *raid) {
	for range either(3, 50) {
		id, _, _, compared := lockOut(r)
		r.may += 5
		r.tries(crowd)
		r.through(compared)
		if made := r.owner.get(r, id).Checks.Made; made != compared {
			r.Errorf("%d were compared by the answers, and %d by the count", compared, made)
		}
	}
}

// lockOut guesses at a recipient's code until nothing is compared.
func lockOut(r *raid) (id, to, right string, compared int) {
	to = r.phone()
	id, right = r.code(r, "open", to)
	var seen atomic.Int64
	r.atOnce(crowd, func(i int) {
		if v, _ := r.owner.guess("open", to, wrong(right, i)); v.compared() {
			seen.Add(1)
		}
	})
	return id, to, right, int(seen.Load())
}

// wrong is the ith code that is not the right one; all have as many digits.
func wrong(right string, i int) string {
	var n int
	_, _ = fmt.Sscan(right, &n)
	most := 1
	for range right {
		most *= 10
	}
	return fmt.Sprintf("%0*d", len(right), (n+1+i)%most)
}

func rightWhenLocked(r *raid) {
	for range either(3, 20) {
		id, to, right, _ := lockOut(r)
		_, byID := r.owner.check(fields{"id": id, "code": right})
		_, byRecipient := r.owner.guess("open", to, right)
		for _, a := range []answer{byID, byRecipient, r.owner.start("open", to)} {
			r.tries(1)
			if a.code() != "recipient_locked" {
				r.broken("%v", a)
			}
		}
	}
}

func rightElsewhere(r *raid) {
	to, neighbour := r.phone(), r.phone()
	id, code := r.code(r, "open", to)
	r.code(r, "theirs", to)
	r.code(r, "open", neighbour)
	bound := r.phone()
	boundID := read[told](r, r.owner.startBound("open", bound, "one device")).ID
	boundCode := r.text(r, bound, 1).code
	canceled := r.phone()
	canceledID, canceledCode := r.code(r, "open", canceled)
	r.owner.do(http.MethodPost, "/v1/verifications/"+canceledID+"/cancel", nil)
	for _, body := range []fields{
		{"namespace": "theirs", "to": to, "code": code},
		{"namespace": "phone-auth", "to": to, "code": code},
		{"namespace": "open", "to": neighbour, "code": code},
		{"namespace": "open", "to": to, "code": code, "binding": "a device"},
		{"id": id, "code": code, "binding": "a device"},
		{"namespace": "open", "to": bound, "code": boundCode},
		{"namespace": "open", "to": bound, "code": boundCode, "binding": "another device"},
		{"namespace": "open", "to": bound, "code": boundCode, "binding": "ONE DEVICE"},
		{"namespace": "open", "to": bound, "code": boundCode, "binding": "one device "},
		{"id": boundID, "code": boundCode},
		{"id": boundID, "code": boundCode, "binding": "one"},
		{"id": boundID, "code": code},
		{"id": canceledID, "code": canceledCode},
		{"namespace": "open", "to": canceled, "code": canceledCode},
	} {
		r.tries(1)
		if v, a := r.owner.check(body); v.Valid || v.Session.Token != "" {
			r.broken("%v: %v", body, a)
		}
	}
	// All of these are still good where they belong.
	for _, body := range []fields{{"id": id, "code": code}, {"id": boundID, "code": boundCode, "binding": "one device"}} {
		if v, a := r.owner.check(body); !v.Valid {
			r.Errorf("the owner is kept out: %v", a)
		}
	}
}
