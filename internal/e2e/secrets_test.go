package e2e_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/otpipe/otpipe/internal/devkit"
)

// TestNothingTellsACodeOrAnAddress looks for every code that was sent, every
// wrong one that was tried and every address in all that Redis was ever told, in
// all that it holds while sends are pending, in retry and done, in its files, in
// the logs at debug level, in the metrics and in all answers.
//
// Codes have ten digits and count only as a whole run of digits, neither more
// nor fewer: the only other runs of ten are the unix times of asynq, about one a
// second, which makes a chance hit one in ten million.
func TestNothingTellsACodeOrAnAddress(t *testing.T) {
	t.Parallel()
	group := 50 // of four
	if soak {
		group = 250
	}
	r := newRig(t, "--appendonly", "yes", "--aof-use-rdb-preamble", "no", "--rdbcompression", "no", "--slowlog-log-slower-than", "0", "--slowlog-max-len", "100000")
	h := &haystack{}
	heard := r.monitor()
	s := settings{Listen: port(t)}
	s.PublicURL = "http://" + s.Listen
	told, deaf := r.startBackend(), r.startBackend()
	deaf.status = http.StatusInternalServerError
	s.More = namespaces + told.endpoint("told") + deaf.endpoint("deaf")
	api := r.startAPI(s)
	worker := r.startWorker(s)

	done := r.crowd(group)
	guesses := r.live(api, done)
	h.snapshot(r, "done")
	h.add("metrics of the first worker", metrics(t, worker))

	r.chaos("twilio", devkit.Refuse, 0)
	r.chaos("smtp", devkit.Refuse, 0)
	retried := r.crowd(group)
	ids := r.ask(api, retried)
	for _, id := range ids {
		eventually(t, 20*time.Second, "a refusal of "+id, func() bool {
			told := api.get(t, id)
			return told.count("failed") > 0 || told.waits() // for the breaker
		})
	}
	h.snapshot(r, "in retry")

	worker.kill()
	r.chaos("twilio", devkit.Reset, 4) // one more would open the breaker
	r.chaos("smtp", devkit.Reset, 4)
	pending := r.crowd(2 * group)
	r.ask(api, pending)
	h.snapshot(r, "pending")
	r.abuse(api)

	worker2 := r.startWorker(s)
	r.arrived(40*time.Second, slices.Concat(retried, pending)...)
	h.snapshot(r, "all done")
	h.add("metrics of the api", metrics(t, api.process))
	h.add("metrics of the second worker", metrics(t, worker2))
	h.addLogs(r)
	h.addFiles(r)
	h.add("answers", api.answers.Bytes())
	h.add("what the backend was told", told.everything())
	h.add("what the deaf one was told", deaf.everything())
	h.add("all that Redis was told", heard())

	n := newNeedles()
	codes := 0
	for _, to := range slices.Concat(done, retried, pending) {
		n.address(to)
		for _, m := range r.inbox(to) {
			if len(m.Code) != 10 {
				t.Fatalf("a code of %d digits", len(m.Code))
			}
			n.code(m.Code)
		}
		codes += min(1, len(r.inbox(to)))
	}
	for _, g := range guesses {
		n.code(g)
	}
	for _, a := range abusive {
		n.address(a)
	}
	if codes != 4*group {
		t.Errorf("%d codes of %d are known", codes, 4*group)
	}
	h.search(t, n)
	t.Logf("%d codes, %d words to find, %d texts, %.1f MB", codes, len(n.runs)+len(n.texts), len(h.texts), float64(h.size())/1e6)
}

// crowd is so many recipients, half of them on each channel.
func (r *rig) crowd(n int) (all []string) {
	for i := range n {
		if i%2 == 0 {
			all = append(all, r.phone())
		} else {
			all = append(all, r.mailbox())
		}
	}
	return all
}

// ask starts a verification for each and returns their ids.
func (r *rig) ask(a api, to []string) []string {
	r.Helper()
	ids := make([]string, len(to))
	limit := make(chan struct{}, 16)
	all(indices(to), func(i int) {
		limit <- struct{}{}
		defer func() { <-limit }()
		ids[i] = a.start(r, "long", to[i]).ID
	})
	return ids
}

// live takes verifications through all they may meet and returns the wrong codes
// that were tried.
func (r *rig) live(a api, to []string) (wrong []string) {
	r.Helper()
	ids := r.ask(a, to)
	r.arrived(20*time.Second, to...)
	for i, one := range to {
		code := r.inbox(one)[0].Code
		if i%5 == 1 {
			a.start(r, "long", one) // again, and refused by nobody
		}
		guess := fmt.Sprintf("77%08d", 31*i)
		switch i % 4 {
		case 0:
			token := a.check(r, "long", one, code).Session.Token
			a.session(r, "introspect", token, "long", one)
			a.session(r, "consume", token, "long", one)
		case 1:
			wrong = append(wrong, guess)
			for range 6 { // locks
				a.do(http.MethodPost, "/v1/verifications/check", map[string]string{"namespace": "long", "to": one, "code": guess})
			}
			a.ask("long", one)
		case 2:
			a.do(http.MethodPost, "/v1/verifications/"+ids[i]+"/cancel", nil)
			a.do(http.MethodPost, "/v1/verifications/check", map[string]string{"id": ids[i], "code": code})
		case 3:
			a.do(http.MethodPost, "/v1/recipients/unlock", map[string]string{"namespace": "long", "to": one, "reason": "asked"})
		}
		a.get(r, ids[i])
	}
	return wrong
}

// abusive are addresses as clients get them wrong.
var abusive = []string{"+4989123456", "+491512999999999", "brunhilde@", "brunhilde @mail.example", "kriemhild@mail.example\r\nBcc: x@mail.example"}

// abuse sends what clients send by mistake: the answer must not repeat it.
func (r *rig) abuse(a api) {
	for _, to := range abusive {
		a.ask("long", to)
		a.ask(to, "+4915123456789")
		a.do(http.MethodGet, "/v1/verifications/"+strings.ReplaceAll(fmt.Sprintf("%q", to), `"`, ""), nil)
		a.send(http.MethodGet, "/v1/verifications/search?to="+hex.EncodeToString([]byte(to)), nil)
		a.do(http.MethodPost, "/v1/sessions/introspect", map[string]string{"token": to, "namespace": "long", "to": to})
		a.do(http.MethodPost, "/v1/verifications/check", map[string]string{"namespace": "long", "to": to, "code": to})
		a.do(http.MethodPost, "/v1/verifications", map[string]any{"namespace": "long", "to": "+4915123456789", "params": map[string]string{"brand": to + "\n", "colour": to}})
		a.send(http.MethodPost, "/v1/verifications", []byte(`{"namespace":"long","to":["`+strings.ReplaceAll(to, "\r\n", " ")+`"]}`))
		a.send(http.MethodPost, "/v1/verifications", []byte(`{"to":"`+to+`","to":"`+to))
	}
}

func metrics(t testing.TB, p *process) []byte {
	t.Helper()
	status, body := p.fetch("/metrics")
	if status != http.StatusOK || !strings.Contains(body, "otpipe_") {
		t.Fatalf("metrics: %d", status)
	}
	return []byte(body)
}

// monitor listens to every command that Redis is given. The function returns
// all of them so far.
func (r *rig) monitor() (heard func() []byte) {
	r.Helper()
	conn, err := net.Dial("tcp", r.redis.Addr())
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { _ = conn.Close() })
	if _, err := conn.Write([]byte("MONITOR\r\n")); err != nil {
		r.Fatal(err)
	}
	var mu sync.Mutex
	var text bytes.Buffer
	go func() {
		for in := bufio.NewReader(conn); ; {
			line, err := in.ReadBytes('\n')
			if err != nil {
				return
			}
			mu.Lock()
			text.Write(line)
			mu.Unlock()
		}
	}()
	return func() []byte {
		mu.Lock()
		defer mu.Unlock()
		if text.Len() < 1000 {
			r.Error("Redis was told nothing")
		}
		return bytes.Clone(text.Bytes())
	}
}

// haystack is what must not hold a needle.
type haystack struct {
	texts []hay
}

type hay struct {
	name string
	text []byte
}

func (h *haystack) add(name string, text []byte) { h.texts = append(h.texts, hay{name, text}) }

func (h *haystack) size() (n int) {
	for _, t := range h.texts {
		n += len(t.text)
	}
	return n
}

// snapshot takes every key with its value, both as Redis tells it and as it would dump it.
func (h *haystack) snapshot(r *rig, when string) {
	r.Helper()
	c := r.store()
	ctx := r.Context()
	keys, err := c.Keys(ctx, "*").Result()
	if err != nil || len(keys) == 0 {
		r.Fatalf("%d keys: %v", len(keys), err)
	}
	for _, k := range keys {
		text := []byte(k + "\n")
		text = append(text, fmt.Sprintf("%q\n", value(r, c, k))...)
		h.add(when+": "+k, append(text, c.Dump(ctx, k).Val()...))
	}
	slow, err := c.SlowLogGet(ctx, -1).Result()
	if err != nil {
		r.Fatal(err)
	}
	var args bytes.Buffer
	for _, entry := range slow {
		_, _ = fmt.Fprintf(&args, "%s\n", strings.Join(entry.Args, " "))
	}
	h.add(when+": SLOWLOG", args.Bytes())
	c.Do(ctx, "SLOWLOG", "RESET")
}

func value(r *rig, c *redis.Client, key string) any {
	r.Helper()
	ctx := r.Context()
	switch kind := c.Type(ctx, key).Val(); kind {
	case "string":
		return c.Get(ctx, key).Val()
	case "hash":
		return c.HGetAll(ctx, key).Val()
	case "list":
		return c.LRange(ctx, key, 0, -1).Val()
	case "set":
		return c.SMembers(ctx, key).Val()
	case "zset":
		return c.ZRange(ctx, key, 0, -1).Val() // scores are times
	case "stream":
		return fmt.Sprint(c.XRange(ctx, key, "-", "+").Val())
	case "none":
		return "" // expired meanwhile
	default:
		r.Fatalf("%s is a %s", key, kind)
		return nil
	}
}

// addLogs takes what all processes of the test have said.
func (h *haystack) addLogs(r *rig) {
	r.Helper()
	logs, err := filepath.Glob(filepath.Join(r.dir, "*.log"))
	if err != nil || len(logs) < 3 {
		r.Fatalf("logs: %v %v", logs, err)
	}
	for _, name := range logs {
		h.addFile(r, name)
	}
}

// addFiles takes what Redis has written to its disk.
func (h *haystack) addFiles(r *rig) {
	r.Helper()
	c := r.store()
	if err := c.Save(r.Context()).Err(); err != nil {
		r.Fatal(err)
	}
	files := 0
	err := filepath.WalkDir(c.ConfigGet(r.Context(), "dir").Val()["dir"], func(name string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && (strings.Contains(name, ".aof") || strings.HasSuffix(name, ".rdb")) {
			h.addFile(r, name)
			files++
		}
		return err
	})
	if err != nil || files < 3 {
		r.Fatalf("%d files of Redis: %v", files, err)
	}
}

func (h *haystack) addFile(r *rig, name string) {
	r.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		r.Fatal(err)
	}
	h.add(filepath.Base(name), text)
}

// needles are words that must stand nowhere: runs of digits as a whole, and
// texts anywhere.
type needles struct {
	runs  map[string]bool
	texts map[string]string // in lower case, with what it means
}

func newNeedles() needles { return needles{map[string]bool{}, map[string]string{}} }

// code adds a code, and how it would look encoded.
func (n needles) code(code string) {
	n.runs[code] = true
	n.encoded(code)
}

// address adds an address, with and without its plus or its domain.
func (n needles) address(to string) {
	short := strings.TrimPrefix(to, "+")
	if local, _, mail := strings.Cut(to, "@"); mail {
		short = strings.TrimSpace(local)
	}
	n.texts[strings.ToLower(short)] = to
	n.encoded(short)
	n.encoded(to)
}

// encoded adds a text in hex, and in base64 at each of the three places where it
// may begin within a longer text; what depends on its neighbours is left out.
func (n needles) encoded(text string) {
	n.texts[hex.EncodeToString([]byte(text))] = "hex of " + text
	for shift := range 3 {
		padded := append(make([]byte, shift), text...)
		whole := len(padded) / 3 * 3
		for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			s := enc.EncodeToString(padded[:whole])
			if shift > 0 {
				s = s[4:]
			}
			if len(s) >= 8 {
				n.texts[strings.ToLower(s)] = "base64 of " + text
			}
		}
	}
}

// search fails the test for every needle that is found.
func (h *haystack) search(t testing.TB, n needles) {
	t.Helper()
	var heads [1 << 16]bool // by the first two bytes of a text
	byHead := map[string][]string{}
	for _, text := range slices.Sorted(maps.Keys(n.texts)) {
		if len(text) < headSize {
			t.Fatalf("%q is too short to look for", text)
		}
		heads[int(text[0])<<8|int(text[1])] = true
		byHead[text[:headSize]] = append(byHead[text[:headSize]], text)
	}
	found := 0
	report := func(hay hay, at int, what string) {
		if found++; found <= 20 {
			t.Errorf("%s holds %s: …%q…", hay.name, what, hay.text[max(0, at-80):min(len(hay.text), at+60)])
		}
	}
	for _, hay := range h.texts {
		for _, at := range runs(hay.text, n.runs) {
			report(hay, at, "a code")
		}
		lower := bytes.ToLower(hay.text)
		for i := range max(0, len(lower)-headSize) {
			if !heads[int(lower[i])<<8|int(lower[i+1])] {
				continue
			}
			for _, text := range byHead[string(lower[i:i+headSize])] {
				if bytes.HasPrefix(lower[i:], []byte(text)) {
					report(hay, i, n.texts[text])
				}
			}
		}
	}
	if found > 20 {
		t.Errorf("%d findings in all", found)
	}
}

// headSize is how much of a text is looked for at first.
const headSize = 8

// runs lists where one of the wanted runs of digits stands, as a whole.
func runs(text []byte, wanted map[string]bool) (at []int) {
	begin := -1
	for i := range len(text) + 1 {
		digit := i < len(text) && '0' <= text[i] && text[i] <= '9'
		switch {
		case digit && begin < 0:
			begin = i
		case !digit && begin >= 0:
			if wanted[string(text[begin:i])] {
				at = append(at, begin)
			}
			begin = -1
		}
	}
	return at
}
