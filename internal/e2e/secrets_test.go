package e2e_test

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/devkit"
	"github.com/otpipe/otpipe/internal/leaktest"
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
	h := &leaktest.Haystack{}
	store := r.store()
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
	h.AddRedis(t, store, "done")
	h.Add("metrics of the first worker", metrics(t, worker))

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
	h.AddRedis(t, store, "in retry")

	worker.kill()
	r.chaos("twilio", devkit.Reset, 4) // one more would open the breaker
	r.chaos("smtp", devkit.Reset, 4)
	pending := r.crowd(2 * group)
	r.ask(api, pending)
	h.AddRedis(t, store, "pending")
	r.abuse(api)

	worker2 := r.startWorker(s)
	r.arrived(40*time.Second, slices.Concat(retried, pending)...)
	h.AddRedis(t, store, "all done")
	h.Add("metrics of the api", metrics(t, api.process))
	h.Add("metrics of the second worker", metrics(t, worker2))
	r.addLogs(h)
	h.AddRedisFiles(t, store)
	h.Add("answers", api.answers.Bytes())
	h.Add("what the backend was told", told.everything())
	h.Add("what the deaf one was told", deaf.everything())
	h.Add("all that Redis was told", heard())

	n := leaktest.NewNeedles()
	codes := 0
	for _, to := range slices.Concat(done, retried, pending) {
		n.Address(to)
		for _, m := range r.inbox(to) {
			if len(m.Code) != 10 {
				t.Fatalf("a code of %d digits", len(m.Code))
			}
			n.Code(m.Code)
		}
		codes += min(1, len(r.inbox(to)))
	}
	for _, g := range guesses {
		n.Code(g)
	}
	for _, a := range abusive {
		n.Address(a)
	}
	if codes != 4*group {
		t.Errorf("%d codes of %d are known", codes, 4*group)
	}
	h.Search(t, n)
	t.Logf("%d codes, %d words to find, %d texts, %.1f MB", codes, n.Len(), h.Texts(), float64(h.Size())/1e6)
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

// addLogs takes what all processes of the test have said.
func (r *rig) addLogs(h *leaktest.Haystack) {
	r.Helper()
	logs, err := filepath.Glob(filepath.Join(r.dir, "*.log"))
	if err != nil || len(logs) < 3 {
		r.Fatalf("logs: %v %v", logs, err)
	}
	for _, name := range logs {
		h.AddFile(r, name)
	}
}
