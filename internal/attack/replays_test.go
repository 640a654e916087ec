package attack_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
)

func replays() []attack {
	return []attack{
		{name: "a session used up, 100 times at once", what: "consumes", due: "one a session", play: consumeRace},
		{name: "sessions elsewhere, and forged ones", what: "tokens, some with one letter changed", due: "", play: forgedSessions},
		{name: "a start repeated under its Idempotency-Key, 100 at once", what: "starts", due: "one send a key", play: startRepeats},
		{name: "a right check repeated under its Idempotency-Key, 100 at once", what: "checks", due: "one session a key", play: checkRepeats},
		{name: "an Idempotency-Key used for something else", what: "requests", due: "", play: foreignKeys},
	}
}

// session has a recipient's code checked.
func (r *raid) session(namespace string) (to, token string) {
	r.Helper()
	to = r.phone()
	_, code := r.code(r, namespace, to)
	v, a := r.owner.guess(namespace, to, code)
	if !v.Valid {
		r.Fatalf("check: %v", a)
	}
	return to, v.Session.Token
}

func consumeRace(r *raid) {
	for range either(3, 50) {
		to, token := r.session("open")
		r.may++
		r.tries(crowd)
		r.atOnce(crowd, func(int) {
			if r.owner.active("consume", token, "open", to) {
				r.through(1)
			}
		})
	}
}

func forgedSessions(r *raid) {
	to, token := r.session("open")
	other, theirs := r.session("open")
	for range crowd { // in every partition
		r.forged(token, "open", r.phone())
	}
	for _, c := range []struct{ token, namespace, to string }{
		{token, "theirs", to},
		{token, "phone-auth", to},
		{token, "open", other},
		{theirs, "open", to},
		{"", "open", to},
		{"ots_", "open", to},
		{strings.ToUpper(token), "open", to},
		{token + "=", "open", to},
		{token[:len(token)-1], "open", to},
		{" " + token, "open", to},
		{token + "\n", "open", to},
		{token + "\x00", "open", to},
		{"*", "open", to},
		{token[4:], "open", to},
	} {
		r.forged(c.token, c.namespace, c.to)
	}
	for i := range token { // one letter of it changed
		for _, letter := range []byte("aZ0_") {
			if token[i] != letter {
				r.forged(token[:i]+string(letter)+token[i+1:], "open", to)
			}
		}
	}
	if !r.owner.active("introspect", token, "open", to) {
		r.Error("the session itself is not good any more")
	}
}

func (r *raid) forged(token, namespace, to string) {
	for _, what := range []string{"introspect", "consume"} {
		r.tries(1)
		if r.owner.active(what, token, namespace, to) {
			r.broken("%s of %q in %s for %s", what, token, namespace, to)
		}
	}
}

// keyed is the header of a request that is repeated.
func keyed(key string) []string { return []string{"Idempotency-Key", key} }

func startRepeats(r *raid) {
	for i, to := range r.phones(either(3, 30)) {
		r.may++
		r.tries(crowd)
		var mu sync.Mutex
		ids := map[string]bool{}
		r.atOnce(crowd, func(int) {
			if a := r.owner.start("open", to, keyed(fmt.Sprint("start ", to, i))...); a.status == http.StatusAccepted {
				v := read[told](r, a)
				mu.Lock()
				defer mu.Unlock()
				ids[fmt.Sprint(v.ID, v.Send)] = true
			}
		})
		r.through(len(ids))
		r.text(r, to, 1)
	}
}

func checkRepeats(r *raid) {
	for range either(3, 30) {
		to := r.phone()
		_, code := r.code(r, "open", to)
		r.may++
		r.tries(crowd)
		var mu sync.Mutex
		tokens := map[string]bool{}
		r.atOnce(crowd, func(int) {
			if v, _ := r.owner.check(fields{"namespace": "open", "to": to, "code": code}, keyed("check "+to)...); v.Valid {
				mu.Lock()
				defer mu.Unlock()
				tokens[v.Session.Token] = true
			}
		})
		r.through(len(tokens))
	}
}

// foreignKeys repeats requests with something changed: neither the answer of the
// first is given, nor does the second do what the first has paid for.
func foreignKeys(r *raid) {
	to, key := r.phone(), "key "+r.phone()
	first := r.owner.start("open", to, keyed(key)...)
	id := read[told](r, first).ID
	code := r.text(r, to, 1).code
	for _, body := range []fields{
		{"namespace": "open", "to": r.phone()},
		{"namespace": "theirs", "to": to},
		{"namespace": "open", "to": to, "binding": "b"},
		{"namespace": "open", "to": to, "locale": "de"},
		{"namespace": "open", "to": to, "params": fields{"brand": "x"}},
	} {
		r.tries(1)
		if a := r.owner.do(http.MethodPost, "/v1/verifications", body, keyed(key)...); a.status != http.StatusUnprocessableEntity {
			r.broken("%v: %v", body, a)
		}
	}
	// Another caller's key of the same name, and the same one at another endpoint, name
	// other requests.
	for _, b := range []*backend{r.other, r.narrow} {
		r.tries(1)
		if a := b.start("open", to, keyed(key)...); a.status != http.StatusAccepted || a.header.Get("Idempotency-Replayed") != "" {
			r.broken("another caller: %v", a)
		}
	}
	r.tries(1)
	v, a := r.owner.check(fields{"id": id, "code": wrong(code, 0)}, keyed(key)...)
	if v.Reason != "code_mismatch" {
		r.broken("another endpoint: %v", a)
	}
	// Under the key of a wrong guess no other guess is made, and nobody else gets the
	// answer to a right one.
	r.tries(1)
	if v, a := r.owner.check(fields{"id": id, "code": code}, keyed(key)...); v.Valid || a.status != http.StatusUnprocessableEntity {
		r.broken("a right guess under the key of a wrong one: %v", a)
	}
	if v, a := r.owner.check(fields{"id": id, "code": code}, keyed(key+" right")...); !v.Valid {
		r.Fatalf("the owner is kept out: %v", a)
	}
	for _, b := range []*backend{r.other, r.narrow} {
		r.tries(1)
		if v, a := b.check(fields{"id": id, "code": code}, keyed(key+" right")...); v.Valid {
			r.broken("another caller gets the session: %v", a)
		}
	}
}
