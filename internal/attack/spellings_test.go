package attack_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
)

func spellings() []attack {
	return []attack{
		{name: "spellings of a number", what: "starts, each spelled otherwise", due: "one within the cooldown", play: numberSpellings},
		{name: "spellings of a mailbox", what: "starts, each spelled otherwise", due: "one within the cooldown", play: mailboxSpellings},
		{name: "a code by another spelling", what: "right codes for an address that only looks the same", due: "", play: lookalikes},
	}
}

// numbersLike are ways to write a German mobile number, given without country code.
func numbersLike(rest string) (all []string) {
	for _, before := range []string{
		"+49", "+49 ", "+49-", "+49.", "+490", "+49 0", "+49 (0)", "+49(0) ", "(+49)", "+(49)", " +49", "+ 49",
		"0049", "00 49", "49", "++49", "+0049", "+00 49", "＋49", "+４９", "+٤٩", "tel:+49", "sip:+49", "+49\u00a0", "\u200e+49", "+49\t", "%2B49",
	} {
		all = append(all, before+rest)
	}
	mixed := strings.Join(strings.Split(rest, ""), "-")
	return append(all, "+49"+mixed, "+49"+rest+" ", "+49"+rest+";ext=1", "+49"+rest+" x1", "+49"+rest+",,1", "+49"+rest+"#", "+49"+rest+"\x00",
		"+49"+rest+"\n", "+49"+fullWidth(rest), "+49"+arabic(rest), "+49 "+rest[:3]+"/"+rest[3:], "+49 "+rest[:3]+"\u2011"+rest[3:])
}

func fullWidth(s string) string { return shifted(s, '０'-'0') }
func arabic(s string) string    { return shifted(s, '٠'-'0') }

// shifted moves digits and letters to where another script has them.
func shifted(s string, by rune) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' {
			return r + by
		}
		return r
	}, s)
}

func numberSpellings(r *raid) {
	for range either(1, 10) {
		r.may++
		spelled := numbersLike(strings.TrimPrefix(r.phone(), "+49"))
		r.spelled("phone-auth", spelled)
	}
	for _, spelled := range otherNumbers {
		r.may++
		r.spelled("phone-auth", spelled)
	}
}

// otherNumbers have digits that belong to a number within its country, or to a
// call of a mobile from a fixed line, and reach the same handset without them.
var otherNumbers = [][]string{
	{"+5491123456789", "+54 11 15 2345-6789", "+54 (011) 15 2345 6789", "+540111523456789", "+54 9 011 2345 6789"},
	{"+525512345678", "+5215512345678", "+52 1 55 1234 5678", "+52 044 55 1234 5678", "+52 045 55 1234 5678", "+52 01 55 1234 5678"},
	{"+79161234567", "+7 8 916 123-45-67", "+789161234567"},
	{"+36301234567", "+36 06 30 123 4567", "+3606301234567"},
	{"+8613812345678", "+86 0 138 1234 5678"},
	{"+821012345678", "+82 010-1234-5678"},
	{"+12125550123", "+1 1 212 555 0123", "+1 (212) 555-0123"},
	{"+5511961234567", "+55 0 11 96123-4567", "+55 0 15 11 96123 4567", "+55 (011) 96123-4567"},
	{"+6281234567890", "+62 0812 3456 7890"},
}

// spelled starts for every spelling at once. What is no address to otpipe is refused.
func (r *raid) spelled(namespace string, spelled []string) {
	r.tries(len(spelled))
	var mu sync.Mutex
	var in []string
	r.atOnce(len(spelled), func(i int) {
		a := r.owner.start(namespace, spelled[i])
		switch {
		case a.status == http.StatusAccepted:
			r.through(1)
			mu.Lock()
			defer mu.Unlock()
			in = append(in, spelled[i])
		case a.status != http.StatusTooManyRequests && a.status != http.StatusBadRequest:
			r.Errorf("%q: %v", spelled[i], a)
		}
	})
	if len(in) != 1 {
		r.Errorf("admitted: %q", in)
	}
}

// mailboxesLike are ways to write kim<n>@gmail.com that one person can make up.
func mailboxesLike(name string) (all []string) {
	for _, local := range []string{
		name, strings.ToUpper(name), strings.ToUpper(name[:1]) + name[1:], name[:1] + "." + name[1:], name[:2] + "." + name[2:3] + "." + name[3:],
		name + "+a", name + "+b", name + "+", name + "+a+b", strings.ToUpper(name) + "+A", "." + name, name + ".", name[:1] + ".." + name[1:],
		`"` + name + `"`, name + "(comment)", " " + name, name + " ", name + "\u200b", fullWidth(name), "\u202e" + name, name + "\x00",
	} {
		for _, domain := range []string{
			"gmail.com", "GMAIL.COM", "Gmail.com", "googlemail.com", "gmail.com.", "ｇｍａｉｌ.com", "gmail。com", "gmail．com", "gma\u00adil.com",
			"gmail.com ", " gmail.com", "[gmail.com]", "gmail..com", "gmail.com\r\n", "g\u200bmail.com",
		} {
			all = append(all, local+"@"+domain)
		}
	}
	return append(all, "<"+name+"@gmail.com>", "Kim <"+name+"@gmail.com>", name+"@gmail.com,"+name+"@gmail.com", "mailto:"+name+"@gmail.com", name+"@gmail.com@gmail.com")
}

func mailboxSpellings(r *raid) {
	for range either(1, 10) {
		r.may++
		r.spelled("verify-email", mailboxesLike(fmt.Sprintf("zebulonquirk%d", r.people.Add(1))))
	}
}

func lookalikes(r *raid) {
	name := fmt.Sprintf("zebulonquirk%d", r.people.Add(1))
	to := name + "@mail.example"
	r.owner.opened(r, "verify-email", to)
	right := r.mail(r, to, 1).code()
	if right == "" {
		r.Fatalf("no code in %s", r.mail(r, to, 1).raw)
	}
	for _, other := range []string{
		strings.ToUpper(name) + "@mail.example", name + "+x@mail.example", name[:3] + "." + name[3:] + "@mail.example",
		name + "@mаil.example", name + "@mail.exаmple", name + "@mail.example.example", name + "@mai1.example", name + "@m\u00e4il.example",
		"x" + to, name + "x@mail.example", name + "@xmail.example",
	} {
		r.tries(1)
		if v, a := r.owner.guess("verify-email", other, right); v.Valid {
			r.broken("%s: %v", other, a)
		}
	}
	v, a := r.owner.guess("verify-email", to, right)
	if !v.Valid {
		r.Fatalf("the owner is kept out: %v", a)
	}
	for _, other := range []string{strings.ToUpper(name) + "@mail.example", name + "+x@mail.example", name + "@mаil.example"} {
		r.tries(1)
		if r.owner.active("introspect", v.Session.Token, "verify-email", other) {
			r.broken("a session of %s proves %s", to, other)
		}
	}
}
