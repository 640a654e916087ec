package attack_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// What the target allows beside the policies of its namespaces: ten starts an
// hour from an address, ten texts to a range of Norway, and ten to Sweden for the
// day's money; no texts to a range of Germany, and none from abroad's namespace to
// another country. disposable is a file of mail domains.
const bounds = `
[destinations]
countries = ["*"]
deny_prefixes = ["+4915566"]
disposable_domains = "{{.Disposable}}"
prices = { SE = "1" }
daily_spend = { SE = "10" }

[[limits]]
name = "per-ip"
by = ["ip"]
max = 10
interval = "1h"

[[limits]]
name = "per-range"
by = ["prefix"]
digits = 7
max = 10
interval = "1h"
countries = ["NO"]

[namespaces.abroad]
digits = 10
cooldown = "0s"
all_cooldown = "0s"
countries = ["DE"]
`

func tolls() []attack {
	return []attack{
		{name: "starts from one address, 300 at once", what: "starts over recipients, namespaces and spellings of the address", due: "ten an hour", play: addressRace},
		{name: "texts to a range, 100 at once", what: "starts, each for another number of the range", due: "ten an hour", play: rangeRace},
		{name: "texts for the day's money, 100 at once", what: "starts, each for another number of the country", due: "as many as it pays for", play: spendRace},
		{name: "texts to where none go", what: "starts for numbers abroad, of ranges that are shut, or that cost those who call them", due: "", play: nowhere},
		{name: "mails to disposable mailboxes", what: "starts, each spelled otherwise", due: "", play: disposable},
		{name: "decoys told from codes", what: "answers about a decoy compared with those about a code", due: "", play: decoys},
	}
}

func addressRace(r *raid) {
	for _, spelled := range [][]string{
		{"203.0.113.9", "::ffff:203.0.113.9", "::FFFF:cb00:7109", "0:0:0:0:0:ffff:203.0.113.9"},
		{"2001:db8::1", "2001:DB8:0:0::2", "2001:0db8:0000:0000:ffff:ffff:ffff:ffff", "2001:db8::1%eth0", "2001:db8::1%x"},
	} {
		r.may += 10
		places := []string{"first", "second", "third", "open"}
		r.admitted(3*crowd, func(i int) answer {
			return r.owner.insist("/v1/verifications", fields{
				"namespace": places[i%len(places)], "to": r.phone(), "limits": fields{"ip": spelled[i%len(spelled)]},
			})
		})
	}
}

func rangeRace(r *raid) {
	r.may += 10
	places := []string{"first", "second", "open"}
	r.admitted(crowd, func(i int) answer { return r.owner.start(places[i%len(places)], fmt.Sprintf("+4740612%03d", i)) })
}

func spendRace(r *raid) {
	r.may += 10
	r.admitted(crowd, func(i int) answer { return r.owner.start("open", fmt.Sprintf("+467012300%02d", i)) })
}

func nowhere(r *raid) {
	for _, c := range []struct{ namespace, to string }{
		{"abroad", "+43664123456"},
		{"abroad", "+447911123456"},
		{"abroad", "+12125550123"},
		{"abroad", "+79161234567"},
		{"abroad", "+1 (212) 555-0123"},
		{"open", "+4915566123456"},
		{"open", "+49 (0) 1556 6123456"},
		{"open", "+49-0-15566-123456"},
		{"open", "+499001234567"},
		{"open", "+491801234567"},
		{"open", "+498001234567"},
		{"open", "+449098790879"},
		{"open", "+19002345678"},
		{"open", "+881612345678"},
		{"open", "+870773123456"},
		{"open", "+88213123456"},
		{"open", "+979123456789"},
		{"open", "+80012345678"},
		{"open", "+4989123456"},
		{"open", "+49110"},
		{"open", "+1911"},
	} {
		for _, body := range []fields{
			{"to": c.to},
			{"to": c.to, "channel": "sms"},
			{"to": c.to, "binding": "b"},
			{"to": c.to, "decoy": true},
			{"to": r.phone(), "fallback": []fields{{"to": c.to}}},
		} {
			r.tries(1)
			body["namespace"] = c.namespace
			if a := r.owner.insist("/v1/verifications", body); a.status != http.StatusBadRequest && a.status != http.StatusForbidden {
				r.broken("%v: %v", body, a)
			}
		}
	}
}

// disposables are what is in the file.
const disposables = "burner.example\nb\u00fcrner.example # and those below it\n"

func disposable(r *raid) {
	for _, domain := range []string{
		"burner.example", "BURNER.example", "mx.burner.example", "a.b.burner.example", "ｂｕｒｎｅｒ.example", "burner。example", "bur\u00adner.example", "burner.example.",
		"bürner.example", "BÜRNER.example", "xn--brner-kva.example", "xn--brner-kva.EXAMPLE", "bu\u0308rner.example", "www.bürner.example",
	} {
		for _, namespace := range []string{"open", "verify-email"} {
			r.tries(1)
			to := fmt.Sprintf("zebulonquirk%d@%s", r.people.Add(1), domain)
			if a := r.owner.start(namespace, to); a.status != http.StatusBadRequest && a.status != http.StatusForbidden {
				r.broken("%s: %v", to, a)
			}
		}
	}
}

// volatile is what differs between the answers about any two recipients.
var volatile = regexp.MustCompile(`"(id|to_masked|expires_at|resend_at|request_id|verification_id|locked_until)":"[^"]*"|"(retry_after)":\d+`)

// shapeOf is an answer without it.
func shapeOf(a answer) string {
	return fmt.Sprint(a.status, slices.Sorted(maps.Keys(a.header)), volatile.ReplaceAllString(string(a.body), "$1$2"))
}

// decoys does with a decoy and with a code all that a stranger can do by a form.
func decoys(r *raid) {
	for range either(2, 20) {
		known, nobody := r.phone(), r.phone()
		check := func(what string, ask func(to string) answer) {
			r.tries(1)
			if real, decoy := shapeOf(ask(known)), shapeOf(ask(nobody)); real != decoy {
				r.broken("%s: %s\nand of a code: %s", what, decoy, real)
			}
		}
		start := func(to string) answer {
			return r.owner.insist("/v1/verifications", fields{"namespace": "phone-auth", "to": to, "decoy": to == nobody})
		}
		guess := func(to string) answer {
			_, a := r.owner.guess("phone-auth", to, wrong(r.text(r, known, 1).code, 0))
			return a
		}
		check("start", start)
		check("start again", start)
		var found struct{ Items []told }
		_ = json.Unmarshal(r.owner.do(http.MethodPost, "/v1/verifications/search", fields{"to": nobody}).body, &found)
		for _, v := range found.Items {
			r.delivered(v.ID) // or not, which is what is tried
		}
		for range 6 {
			check("guess", guess)
		}
		check("start when locked", start)
		check("search in another namespace", func(to string) answer {
			return r.owner.do(http.MethodPost, "/v1/verifications/search", fields{"namespace": "open", "to": to})
		})
		if got := r.handsets.of(nobody); len(got) > 0 || strings.Contains(strings.Join(r.post.recipients(), " "), nobody) {
			r.broken("a decoy was sent: %v", got)
		}
	}
}
