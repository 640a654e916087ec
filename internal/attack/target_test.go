package attack_test

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/otpipe/otpipe/internal/login"
	"github.com/otpipe/otpipe/internal/processtest"
	"github.com/otpipe/otpipe/internal/redistest"
)

// target is what is attacked: an api and a worker on a Redis, with the outside
// world that they speak to.
type target struct {
	redis       *redistest.Server
	queue       *redistest.Server
	api, worker *processtest.Process
	at          string // host:port of the api
	support     string // and of the support pages; "" if there are none
	token       string // of the texting vendor, which signs receipts
	secret      string // of the gateway, likewise
	ringKey     string
	password    string // of the support pages' admin
	handsets    *handsets
	post        *post
	spans       *collector
	notices     *collector
	trail       string  // directory of the audit trail
	heard       *record // all answers
	owner       *backend
	other       *backend // another backend with all scopes
	narrow      *backend // works in the namespace open alone
	scoped      map[string]*backend
	people      atomic.Int64
}

// scopes are all that a key may have.
var scopes = []string{"send", "check", "read", "operate"}

// open starts the target with its own clock.
func open(t testing.TB) *target {
	t.Helper()
	// What is attacked is the state; the queue's own tests are elsewhere, and what it
	// holds is searched with the rest.
	r := redistest.Start(t, "--appendonly", "yes", "--aof-use-rdb-preamble", "no", "--rdbcompression", "no")
	return start(t, r, settings{Namespaces: namespaces, Support: processtest.Port(t)})
}

// openAhead starts a target whose clock can be moved.
func openAhead(t testing.TB) (*target, *redistest.Clock) {
	t.Helper()
	r, clock := redistest.StartAhead(t)
	return start(t, r, settings{Namespaces: guessable}), clock
}

func start(t testing.TB, r *redistest.Server, s settings) *target {
	t.Helper()
	at := &target{
		redis: r, queue: redistest.Start(t, "--appendonly", "yes", "--aof-use-rdb-preamble", "no", "--rdbcompression", "no"),
		at: processtest.Port(t), support: s.Support, token: inHex(16), ringKey: inHex(32), password: rand.Text(), heard: &record{},
		secret: "whsec_" + base64.StdEncoding.EncodeToString(random(32)), scoped: map[string]*backend{},
	}
	at.handsets = openHandsets(t, at.token)
	at.post = openPost(t)
	at.spans, at.notices = openCollector(t), openCollector(t)
	s.Redis, s.Queue, s.Listen, s.PublicURL = r.Addr(), at.queue.Addr(), at.at, publicURL
	s.Twilio, s.Gateway, s.Mail = at.handsets.vendor, at.handsets.gateway, at.post.port
	s.Account, s.Token, s.GatewaySecret = account, at.token, at.secret
	s.Told, s.Disposable = at.notices.url, filepath.Join(t.TempDir(), "disposable.txt")
	at.trail = t.TempDir()
	s.Audit = "sqlite://" + filepath.Join(at.trail, "audit.db")
	if err := os.WriteFile(s.Disposable, []byte(disposables), 0o600); err != nil {
		t.Fatal(err)
	}
	s.RingKey, s.Anchor = at.ringKey, inHex(32)
	var err error
	if s.PasswordHash, err = login.HashPassword(at.password); err != nil {
		t.Fatal(err)
	}
	s.Callers = at.callers(s.Support != "")
	at.api = at.launch(t, "api", s)
	at.worker = at.launch(t, "worker", s)
	at.api.Ready(t)
	at.worker.Ready(t)
	return at
}

func (at *target) launch(t testing.TB, name string, s settings) *processtest.Process {
	t.Helper()
	s.Admin = processtest.Port(t)
	dir := t.TempDir()
	return processtest.Start(t, processtest.Command{
		Name: name, Config: s.write(t, dir), Admin: s.Admin, Dir: dir,
		Env: []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + at.spans.url, "OTEL_BSP_SCHEDULE_DELAY=200", "OTEL_BSP_MAX_QUEUE_SIZE=100000"},
	})
}

// callers are the holders of keys: some with all scopes, one for each scope, and
// one that is kept to a namespace.
func (at *target) callers(kept bool) (all []caller) {
	join := func(name string, scopes, namespaces []string) *backend {
		c := caller{name, "otk_" + rand.Text(), scopes, namespaces}
		all = append(all, c)
		return newBackend(at.at, c.Key, at.heard)
	}
	at.owner = join("owner", scopes, nil)
	at.other = join("other", scopes, nil)
	for _, s := range scopes {
		at.scoped[s] = join("only-"+s, []string{s}, nil)
	}
	if kept {
		at.narrow = join("narrow", scopes, []string{"open"})
	}
	return all
}

// stores are clients of both servers.
func (at *target) stores(t testing.TB) (state, queue *redis.Client) {
	state, queue = redis.NewClient(&redis.Options{Addr: at.redis.Addr()}), redis.NewClient(&redis.Options{Addr: at.queue.Addr()})
	t.Cleanup(func() { _, _ = state.Close(), queue.Close() })
	return state, queue
}

// phone is a number that nobody else has.
func (at *target) phone() string { return fmt.Sprintf("+491512%07d", 3_141_592+at.people.Add(1)*7) }

// mailbox is one that nobody else has.
func (at *target) mailbox() string {
	return fmt.Sprintf("zebulon%dquirk@mail.example", 1000+at.people.Add(1))
}

// phones are so many numbers.
func (at *target) phones(n int) (all []string) {
	for range n {
		all = append(all, at.phone())
	}
	return all
}

func inHex(n int) string { return hex.EncodeToString(random(n)) }

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}
