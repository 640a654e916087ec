package attack_test

import (
	"fmt"
	"net/http"
)

func limits() []attack {
	return []attack{
		{name: "starts for one recipient, 100 at once", what: "starts", due: "one within the cooldown", play: cooldownRace},
		{name: "resends, 100 at once", what: "starts without a cooldown", due: "five sends a verification", play: sendsRace},
		{name: "starts under new bindings, 100 at once", what: "starts without a cooldown", due: "ten a day", play: quotaRace},
		{name: "starts over namespaces, 300 at once", what: "starts without a cooldown", due: "twenty a day in all", play: allQuotaRace},
		{name: "starting and canceling", what: "starts, each canceled at once", due: "ten a day, and three that are given back", most: true, play: cancelRace},
		{name: "texts by way of a fallback, 100 at once", what: "starts for as many numbers that are nobody's, all with the same fallback", due: "one text within the cooldown", play: fallbackRace},
		{name: "guesses after the budget, with resends", what: "guesses, a resend before each", due: "five", play: resendRace},
	}
}

// admitted counts starts that a crowd gets through.
func (r *raid) admitted(n int, start func(i int) answer) {
	r.tries(n)
	r.atOnce(n, func(i int) {
		switch a := start(i); a.status {
		case http.StatusAccepted:
			r.through(1)
		case http.StatusTooManyRequests, http.StatusBadRequest:
		default:
			r.Errorf("start: %v", a)
		}
	})
}

func cooldownRace(r *raid) {
	for _, to := range r.phones(either(3, 20)) {
		r.may++
		r.admitted(crowd, func(int) answer { return r.owner.start("phone-auth", to) })
	}
}

func sendsRace(r *raid) {
	for _, to := range r.phones(either(2, 20)) {
		r.may += 5
		r.admitted(crowd, func(int) answer { return r.owner.start("open", to) })
	}
}

func quotaRace(r *raid) {
	for _, to := range r.phones(either(2, 20)) {
		r.may += 10
		r.admitted(crowd, func(i int) answer { return r.owner.startBound("first", to, fmt.Sprint("device ", i)) })
	}
}

func allQuotaRace(r *raid) {
	places := []string{"first", "second", "third"}
	for _, to := range r.phones(either(1, 10)) {
		r.may += 20
		r.admitted(3*crowd, func(i int) answer { return r.owner.startBound(places[i%3], to, fmt.Sprint("device ", i)) })
	}
}

func cancelRace(r *raid) {
	for _, to := range r.phones(either(2, 10)) {
		r.may += 13
		for range 30 {
			r.tries(1)
			a := r.owner.start("first", to)
			if a.status != http.StatusAccepted {
				continue
			}
			r.through(1)
			r.owner.do(http.MethodPost, "/v1/verifications/"+read[told](r, a).ID+"/cancel", nil)
		}
	}
}

// fallbackRace has a victim's number be the fallback of many others.
func fallbackRace(r *raid) {
	for _, victim := range r.phones(either(1, 5)) {
		r.may++
		r.tries(crowd)
		ids := make([]string, crowd)
		r.atOnce(crowd, func(i int) {
			to := fmt.Sprintf("%s%06d", nobodys, r.people.Add(1))
			a := r.owner.do(http.MethodPost, "/v1/verifications", fields{"namespace": "phone-auth", "to": to, "fallback": []fields{{"to": victim}}})
			ids[i] = read[told](r, a).ID
		})
		for _, id := range ids {
			r.delivered(id)
		}
		r.through(len(r.handsets.of(victim)))
	}
}

func resendRace(r *raid) {
	for _, to := range r.phones(either(2, 20)) {
		_, right := r.code(r, "open", to)
		r.may += 5
		for i := range 20 {
			r.owner.start("open", to)
			r.tries(1)
			if v, _ := r.owner.guess("open", to, wrong(right, i)); v.compared() {
				r.through(1)
			}
		}
	}
}
