package attack_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/leaktest"
	"github.com/otpipe/otpipe/internal/processtest"
)

// search comes last: what all attacks and their victims have left behind is
// searched for what they used.
var search = attack{name: "what is left behind, searched", what: "texts: dumps and files of Redis and of the queue, logs at debug level, spans, metrics, notices, audit trail, pages and answers", play: searchAll}

func searchAll(r *raid) {
	state, queue := r.stores(r)
	kept := &leaktest.Haystack{} // must hold none of anything
	kept.AddRedis(r, state, "state")
	kept.AddRedis(r, queue, "queue")
	kept.AddRedisFiles(r, state)
	kept.AddRedisFiles(r, queue)
	said := &leaktest.Haystack{} // must not repeat what a stranger wrote either
	id, pages := r.pages()
	r.exported(id)
	for _, p := range []*processtest.Process{r.api, r.worker} {
		said.Add("log of the "+p.Name, []byte(p.Text()))
		said.Add("metrics of the "+p.Name, page(r, &http.Client{}, "http://"+p.Admin+"/metrics"))
	}
	said.Add("spans", r.spans.bytes())
	said.Add("notices", r.notices.bytes())
	kept.AddFiles(r, r.trail)
	for name, text := range pages {
		said.Add(name, text)
	}
	answers := &leaktest.Haystack{} // hold the tokens that were earned
	answers.Add("answers", r.heard.text.Bytes())
	all, open := r.needles()
	r.through(kept.Search(r, all) + answers.Search(r, open))
	all.Secret("what was written to forge something", canary)
	r.through(said.Search(r, all))
	r.tries(kept.Texts() + said.Texts() + answers.Texts())
	r.Logf("%d words to find in %.1f MB", all.Len(), float64(kept.Size()+said.Size()+answers.Size())/1e6)
}

// needles are all secrets that were used, and those that no answer holds either.
func (r *raid) needles() (all, open leaktest.Needles) {
	all, open = leaktest.NewNeedles(), leaktest.NewNeedles()
	for _, n := range []leaktest.Needles{all, open} {
		codes := []string{}
		for _, m := range r.handsets.everything() {
			codes = append(codes, m.code)
			n.Address(m.to)
		}
		for _, to := range r.post.recipients() {
			n.Address(to)
			for _, m := range r.post.of(to) {
				codes = append(codes, m.code())
			}
		}
		for _, code := range codes {
			if len(code) == 10 { // shorter ones are found everywhere
				n.Code(code)
			}
		}
		for name, b := range map[string]*backend{"owner": r.owner, "other": r.other, "narrow": r.narrow} {
			n.Secret("the key of "+name, b.key)
		}
		n.Secret("the vendor's token", r.token)
		n.Secret("the gateway's secret", r.secret[len("whsec_"):])
		n.Secret("the key of the ring", r.ringKey)
		n.Secret("the password of the admin", r.password)
	}
	for _, token := range r.heard.tokens {
		all.Secret("a session", token[4:])
	}
	return all, open
}

// exported waits until all that has been said elsewhere is there: the spans of a
// request that comes last, those of a verification's delivery, and its notices.
func (r *raid) exported(id string) {
	r.Helper()
	trace := random(16)
	r.owner.do(http.MethodGet, "/v1/providers", nil, "Traceparent", fmt.Sprintf("00-%x-%s-01", trace, inHex(8)))
	processtest.Until(r, time.Minute, "spans and notices", func() bool {
		spans := r.spans.bytes()
		return bytes.Contains(spans, trace) && bytes.Contains(spans, []byte(id)) && bytes.Contains(r.notices.bytes(), []byte(id)) && recorded(r.trail, id)
	})
}

// recorded tells whether the audit trail knows of a verification.
func recorded(trail, id string) bool {
	files, _ := filepath.Glob(filepath.Join(trail, "*"))
	return slices.ContainsFunc(files, func(name string) bool {
		text, err := os.ReadFile(name)
		return err == nil && bytes.Contains(text, []byte(id))
	})
}

// pages are those of the support pages about a verification, as somebody who may
// see everything gets them.
func (r *raid) pages() (id string, all map[string][]byte) {
	r.Helper()
	to := r.phone()
	id, _ = r.code(r, "open", to)
	jar, _ := cookiejar.New(nil)
	person := &http.Client{Jar: jar, Timeout: 30 * time.Second}
	home := "http://" + r.support
	post := func(path string, form url.Values) []byte {
		res, err := person.PostForm(home+path, form)
		if err != nil {
			r.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		text, _ := io.ReadAll(res.Body)
		if res.StatusCode != http.StatusOK {
			r.Fatalf("%s: %s %s", path, res.Status, text)
		}
		return text
	}
	all = map[string][]byte{"page after signing in": post("/login", url.Values{"name": {"admin"}, "password": {r.password}})}
	all["page of a recipient"] = post("/search", url.Values{"q": {to}})
	for _, path := range []string{"/overview", "/verifications/" + id, "/verifications/" + id + "/summary.txt"} {
		all["page "+path] = page(r, person, home+path)
	}
	return id, all
}

func page(t testing.TB, c *http.Client, url string) []byte {
	t.Helper()
	res, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK || len(text) == 0 {
		t.Fatalf("%s: %s %v", url, res.Status, err)
	}
	return text
}

// pageOf reads a page of the docs.
func pageOf(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
