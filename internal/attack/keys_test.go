package attack_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

func keys() []attack {
	return []attack{
		{name: "keys like a good one", what: "requests with a key that differs in a letter, in its form or in where it stands", due: "", play: nearMisses},
		{name: "keys outside of their scope", what: "requests, every operation of /openapi.json with every scope", due: "the operations of each scope", play: outOfScope},
		{name: "keys outside of their namespace", what: "requests about another namespace", due: "", play: outOfNamespace},
		{name: "ids of another namespace", what: "answers compared with those about ids that there are not", due: "", play: foreignIDs},
	}
}

// nearMisses asks with keys that are nearly good.
func nearMisses(r *raid) {
	good := r.owner.key
	headers := []string{
		"", "Bearer", "Bearer ", "Bearer  ", good, "bearer" + good, "Bearer:" + good, "Bearer\t" + good, "Basic " + good, "Token " + good, "Bearer Bearer " + good,
		"Bearer " + good + " x", "Bearer " + good + "," + good, "Bearer \"" + good + "\"", "Bearer " + good + "\u00a0x", "Bearer " + good + "%00", "Bearer " + good + "=",
		"Bearer " + strings.TrimPrefix(good, "otk_"), "Bearer otk_", "Bearer *", "Bearer " + strings.ToLower(good), "Bearer " + strings.ToUpper(good),
		"Bearer " + caller{Key: good}.KeySHA256(), "Bearer otk_" + strings.Repeat("A", 4000),
	}
	for i := range good {
		headers = append(headers, "Bearer "+good[:i])
		for bit := range 8 {
			if c := good[i] ^ 1<<bit; c > ' ' && c < 0x7f {
				headers = append(headers, "Bearer "+good[:i]+string(c)+good[i+1:])
			}
		}
	}
	for _, h := range headers {
		r.outside(fmt.Sprintf("%q", h), "/v1/providers", http.Header{"Authorization": {h}})
	}
	r.outside("in the query", "/v1/providers?access_token="+good+"&key="+good, http.Header{})
	r.outside("as a cookie", "/v1/providers", http.Header{"Cookie": {"Authorization=Bearer " + good + "; key=" + good}})
	r.outside("behind a bad one", "/v1/providers", http.Header{"Authorization": {"Bearer otk_bad", "Bearer " + good}})
	for _, name := range []string{"X-Api-Key", "Proxy-Authorization", "X-Authorization", "Api-Key", "X-Forwarded-Authorization"} {
		r.outside(name, "/v1/providers", http.Header{name: {"Bearer " + good}})
	}
	r.outside("without a header", "/v1/providers", http.Header{})
}

// outside sends a request that nobody may be known by.
func (r *raid) outside(what, path string, h http.Header) {
	r.Helper()
	r.tries(1)
	req, err := http.NewRequestWithContext(r.Context(), http.MethodGet, "http://"+r.at+path, http.NoBody)
	if err != nil {
		r.Fatal(err)
	}
	req.Header = h
	if a := r.owner.ask(req); a.status != http.StatusUnauthorized || a.header.Get("Www-Authenticate") != "Bearer" {
		r.broken("%s: %v", what, a)
	}
}

// operation is one of the document.
type operation struct {
	method, path, id string
	scopes           []string // one of them is needed; none: anybody may
	body             any
}

// operations are read from the document that the api serves.
func (r *raid) operations() (all []operation) {
	r.Helper()
	var doc struct {
		Paths map[string]map[string]struct {
			OperationID string
			Security    []map[string][]string
			RequestBody struct {
				Content map[string]struct {
					Examples map[string]struct{ Value any }
				}
			}
		}
	}
	if err := json.Unmarshal(page(r, http.DefaultClient, "http://"+r.at+"/openapi.json"), &doc); err != nil {
		r.Fatal(err)
	}
	for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
		for method, op := range doc.Paths[path] {
			o := operation{method: strings.ToUpper(method), path: path, id: op.OperationID}
			for _, s := range op.Security {
				o.scopes = append(o.scopes, s["key"]...)
			}
			examples := op.RequestBody.Content["application/json"].Examples
			for _, name := range slices.Sorted(maps.Keys(examples)) {
				o.body = examples[name].Value
			}
			all = append(all, o)
		}
	}
	if len(all) < 12 {
		r.Fatalf("%d operations", len(all))
	}
	return all
}

// at is the path with something in the place of its parameters.
func (o operation) at(id string) string {
	return strings.NewReplacer("{id}", id, "{name}", "nobody", "{provider}", "nobody").Replace(o.path)
}

// outOfScope sends every operation with a key for each scope. Those that the
// document names let it through, whatever else is wrong with it; no other does.
func outOfScope(r *raid) {
	for _, op := range r.operations() {
		if len(op.scopes) == 0 {
			continue
		}
		for _, scope := range scopes {
			r.tries(1)
			a := r.scoped[scope].do(op.method, op.at("VE00"+inHex(15)), op.body)
			in := a.status != http.StatusUnauthorized && a.code() != "insufficient_scope"
			if slices.Contains(op.scopes, scope) {
				r.may++
			} else if in {
				r.Errorf("GOT THROUGH: %s with the scope %s: %v", op.id, scope, a)
			}
			if in {
				r.through(1)
			}
		}
		r.tries(1)
		if a := newBackend(r.at, "otk_nobody", r.heard).do(op.method, op.at("VE00"+inHex(15)), op.body); a.status != http.StatusUnauthorized {
			r.broken("%s without a key: %v", op.id, a)
		}
	}
}

// outOfNamespace asks for another namespace by its name: the answer is the same as
// for one that there is not.
func outOfNamespace(r *raid) {
	to, token := r.session("theirs")
	for _, c := range []struct {
		path string
		body fields
	}{
		{"/v1/verifications", fields{"to": to}},
		{"/v1/verifications/check", fields{"to": to, "code": "1234567890"}},
		{"/v1/verifications/search", fields{"to": to}},
		{"/v1/recipients/unlock", fields{"to": to, "reason": "asked"}},
		{"/v1/sessions/introspect", fields{"to": to, "token": token}},
		{"/v1/sessions/consume", fields{"to": to, "token": token}},
	} {
		ask := func(namespace string) answer {
			r.tries(1)
			body := maps.Clone(c.body)
			body["namespace"] = namespace
			return r.narrow.do(http.MethodPost, c.path, body)
		}
		theirs, none := ask("theirs"), ask("nowhere")
		if theirs.status != http.StatusForbidden || seen(theirs) != seen(none) {
			r.broken("%s: %v\nand of one that there is not: %v", c.path, theirs, none)
		}
	}
	r.tries(3)
	if a := r.narrow.do(http.MethodPost, "/v1/verifications/search", fields{"to": to}); a.status != http.StatusOK || strings.Contains(string(a.body), "theirs") {
		r.broken("search: %v", a)
	}
	for _, what := range []string{"drain", "resume"} {
		if a := r.narrow.do(http.MethodPost, "/v1/providers/twilio/"+what, fields{"reason": "asked"}); a.status != http.StatusForbidden {
			r.broken("%s: %v", what, a)
		}
	}
	if !r.owner.active("introspect", token, "theirs", to) {
		r.broken("the session is gone")
	}
}

// foreignIDs asks about a verification of another namespace, and about one that
// there is not: nobody can tell the answers apart.
func foreignIDs(r *raid) {
	to := r.phone()
	live, code := r.code(r, "theirs", to)
	over, _ := r.code(r, "theirs", r.phone())
	r.owner.do(http.MethodPost, "/v1/verifications/"+over+"/cancel", nil)
	for range either(3, 30) {
		for what, ask := range map[string]func(id string) answer{
			"get":    func(id string) answer { return r.narrow.do(http.MethodGet, "/v1/verifications/"+id, nil) },
			"head":   func(id string) answer { return r.narrow.do(http.MethodHead, "/v1/verifications/"+id, nil) },
			"cancel": func(id string) answer { return r.narrow.do(http.MethodPost, "/v1/verifications/"+id+"/cancel", nil) },
			"check": func(id string) answer {
				return r.narrow.do(http.MethodPost, "/v1/verifications/check", fields{"id": id, "code": code})
			},
			"check of another form": func(id string) answer {
				return r.narrow.do(http.MethodPost, "/v1/verifications/check", fields{"id": id, "code": "12"})
			},
			"check under a key": func(id string) answer {
				return r.narrow.do(http.MethodPost, "/v1/verifications/check", fields{"id": id, "code": code}, keyed("key "+inHex(8))...)
			},
		} {
			none := seen(ask("VE" + live[2:4] + inHex(15)))
			for _, id := range []string{live, over} {
				r.tries(1)
				if got := seen(ask(id)); got != none {
					r.broken("%s: %s\nand of one that there is not: %s", what, got, none)
				}
			}
		}
	}
	if v := r.owner.get(r, live); v.Status != "pending" || v.Checks.Made != 0 {
		r.broken("it is %s, after %d checks", v.Status, v.Checks.Made)
	}
}

// seen is an answer without what differs between any two.
func seen(a answer) string {
	h := a.header.Clone()
	h.Del("Date")
	id := h.Get("X-Request-Id")
	h.Del("X-Request-Id")
	return fmt.Sprint(a.status, h, strings.ReplaceAll(string(a.body), id, "-"))
}
