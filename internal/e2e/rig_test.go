package e2e_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"text/template"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/otpipe/otpipe/internal/devkit"
	"github.com/otpipe/otpipe/internal/redistest"
)

// namespaces are what most tests work in: without limits between tests, and
// with codes that expire while a test waits.
const namespaces = `
[namespaces.load]
cooldown = "0s"
all_cooldown = "0s"
daily = 1000
all_daily = 1000

[namespaces.long]
digits = 10
cooldown = "0s"
all_cooldown = "0s"
daily = 1000
all_daily = 1000

[namespaces.brief]
life = "30s"
min_left = "10s"
all_cooldown = "0s"
`

// settings are a configuration file. The zero value of a field leaves the rig's own.
type settings struct {
	Redis, Queue             string // host:port
	RedisURL, QueueURL       string // instead of them
	Listen, Admin, PublicURL string
	Secret                   string // of the key ring, in hex
	Primary, Ring            string // the primary key's id, and more keys
	Retired                  bool   // without the rig's own key
	Tokens                   string // that sign the Twilio's receipts
	File                     string // to write them to; without it a new one
	SMSConcurrency           int
	Twilio                   string
	Feedback                 string // whether Twilio hears which messages were used
	Mail                     int    // port of the relay
	SMTP                     string // more about it
	SMS                      string // the route of texts
	API, Worker              string // more about them
	KeyHash, More            string
}

var file = template.Must(template.New("toml").Parse(`
[redis]
url = "{{.RedisURL}}"
queue_url = "{{.QueueURL}}"

[api]
listen = "{{.Listen}}"
admin = "{{.Admin}}"
public_url = "{{.PublicURL}}"
{{.API}}

[worker]
admin = "{{.Admin}}"
sms_concurrency = {{.SMSConcurrency}}
{{.Worker}}

[keys]
primary = "{{.Primary}}"
anchor = "6532652d616e63686f722d6532652d616e63686f722d6532652d616e63686f72"

{{if not .Retired}}[[keys.ring]]
id = "e2e"
secret = "{{.Secret}}"{{end}}
{{.Ring}}

[[callers]]
name = "backend"
key_sha256 = "{{.KeyHash}}"
scopes = ["send", "check", "read", "operate", "factors"]

[[providers]]
name = "twilio"
driver = "twilio"
[providers.twilio]
account_sid = "AC00000000000000000000000000000000"
password = "0123456789abcdef0123456789abcdef"
auth_tokens = [{{.Tokens}}]
from = "+15005550006"
risk_check = "enable"
content_retention = "discard"
address_retention = "obfuscate"
provide_feedback = {{.Feedback}}
base_url = "{{.Twilio}}"

[[providers]]
name = "smtp"
driver = "smtp"
[providers.smtp]
host = "127.0.0.1"
port = {{.Mail}}
tls = "none"
from = "otpipe <codes@otpipe.test>"
{{.SMTP}}

[destinations]
countries = ["*"]

[routes]
sms = ["{{.SMS}}"]
email = ["smtp"]

[log]
level = "debug"
{{.More}}
`))

// rig is a Redis, the outside world, and how to start processes between them.
type rig struct {
	testing.TB
	dir   string
	redis *redistest.Server
	world *devkit.World
	hook  atomic.Pointer[func(url.Values)] // called with every form at the Twilio

	mu       sync.Mutex
	seen     map[string]bool
	messages map[string][]devkit.Message // by recipient
	people   int
}

// newRig starts a Redis with arguments of its own, and the outside world.
func newRig(t testing.TB, redisArgs ...string) *rig {
	t.Helper()
	return rigOn(t, redistest.Start(t, redisArgs...))
}

// rigOn starts the outside world of a Redis.
func rigOn(t testing.TB, s *redistest.Server) *rig {
	t.Helper()
	r := &rig{TB: t, dir: t.TempDir(), redis: s, seen: map[string]bool{}, messages: map[string][]devkit.Message{}}
	var err error
	if r.world, err = devkit.StartWorld("127.0.0.1:0", devkit.Web{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.world.Close)
	r.world.Twilio.OnRequest = func(form url.Values) {
		if f := r.hook.Load(); f != nil {
			(*f)(form)
		}
	}
	stop := make(chan struct{})
	var collecting sync.WaitGroup
	collecting.Go(func() { r.collect(stop) })
	t.Cleanup(func() { close(stop); collecting.Wait() })
	return r
}

// collect remembers what arrives: the outside world itself forgets all but the
// last thousand messages.
func (r *rig) collect(stop <-chan struct{}) {
	for {
		changed := r.world.Inbox.Changed()
		r.look()
		select {
		case <-changed:
		case <-stop:
			return
		}
	}
}

func (r *rig) look() {
	all := r.world.Inbox.Messages("")
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := len(all) - 1; i >= 0; i-- {
		if m := all[i]; !r.seen[m.ID] {
			r.seen[m.ID] = true
			r.messages[m.To] = append(r.messages[m.To], m)
		}
	}
}

// onRequest has f called with every form at the Twilio; nil: nothing is.
func (r *rig) onRequest(f func(url.Values)) {
	if f == nil {
		r.hook.Store(nil)
		return
	}
	r.hook.Store(&f)
}

// write makes a configuration file.
func (r *rig) write(s settings) (path string) {
	r.Helper()
	def := func(field *string, value string) {
		if *field == "" {
			*field = value
		}
	}
	def(&s.Redis, r.redis.Addr())
	def(&s.Queue, s.Redis)
	def(&s.RedisURL, "redis://"+s.Redis+"/0")
	def(&s.QueueURL, "redis://"+s.Queue+"/0")
	def(&s.Listen, "127.0.0.1:0")
	def(&s.Secret, "b70a6f0e41f3d3c2a89d5b6c1e2f4a39877665d4c3b2a1908f7e6d5c4b3a2910")
	def(&s.Primary, "e2e")
	def(&s.Tokens, `"0123456789abcdef0123456789abcdef"`)
	def(&s.Twilio, r.world.TwilioURL())
	def(&s.Feedback, "true")
	def(&s.More, namespaces)
	def(&s.SMS, "twilio")
	def(&s.KeyHash, sha256Hex(apiKey))
	if s.SMSConcurrency == 0 {
		s.SMSConcurrency = 100
	}
	if s.Mail == 0 {
		s.Mail = r.world.Mail().Port
	}
	if s.File == "" {
		f, err := os.CreateTemp(r.dir, "*.toml")
		if err != nil {
			r.Fatal(err)
		}
		_ = f.Close()
		s.File = f.Name()
	}
	var text bytes.Buffer
	if err := file.Execute(&text, s); err != nil {
		r.Fatal(err)
	}
	if err := os.WriteFile(s.File, text.Bytes(), 0o600); err != nil {
		r.Fatal(err)
	}
	return s.File
}

// api is an api that runs, and a client of it.
type api struct {
	*process
	*client
}

// startAPI starts an api and waits until it is ready. Where s has no place to
// listen, it takes one.
func (r *rig) startAPI(s settings) api {
	r.Helper()
	a := r.launchAPI(s)
	a.ready(r)
	return a
}

func (r *rig) launchAPI(s settings) api {
	r.Helper()
	if s.Listen == "" {
		s.Listen = port(r)
	}
	if s.Admin == "" {
		s.Admin = port(r)
	}
	return api{run(r, r.dir, "api", r.write(s), s.Admin), newClient("http://" + s.Listen)}
}

// startWorker starts a worker and waits until it is ready.
func (r *rig) startWorker(s settings) *process {
	r.Helper()
	w := r.launchWorker(s)
	w.ready(r)
	return w
}

func (r *rig) launchWorker(s settings) *process {
	r.Helper()
	if s.Admin == "" {
		s.Admin = port(r)
	}
	return run(r, r.dir, "worker", r.write(s), s.Admin)
}

// store is a client of the Redis.
func (r *rig) store() *redis.Client {
	c := redis.NewClient(&redis.Options{Addr: r.redis.Addr()})
	r.Cleanup(func() { _ = c.Close() })
	return c
}

func (r *rig) chaos(vendor string, m devkit.Mode, times int) {
	r.Helper()
	if err := r.world.Chaos.Set(vendor, m, times); err != nil {
		r.Fatal(err)
	}
}

// phone is a number that nobody else in this test has.
func (r *rig) phone() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.people++
	return fmt.Sprintf("+491512%07d", 3_141_592+r.people*7)
}

func (r *rig) phones(n int) (all []string) {
	for range n {
		all = append(all, r.phone())
	}
	return all
}

// mailbox is one that nobody else in this test has.
func (r *rig) mailbox() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.people++
	return fmt.Sprintf("zebulon%dquirk@mail.example", 1000+r.people)
}

// inbox is what a recipient has got so far, oldest first.
func (r *rig) inbox(to string) []devkit.Message {
	r.look()
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]devkit.Message(nil), r.messages[to]...)
}

// code waits for a recipient's first message and returns its code.
func (r *rig) code(to string, within time.Duration) string {
	r.Helper()
	var got []devkit.Message
	eventually(r, within, "a message to "+to, func() bool { got = r.inbox(to); return len(got) > 0 })
	return got[0].Code
}

// arrived waits until every recipient has got something.
func (r *rig) arrived(within time.Duration, to ...string) {
	r.Helper()
	var missing []string
	for end := time.Now().Add(within); ; time.Sleep(20 * time.Millisecond) {
		missing = missing[:0]
		r.look()
		r.mu.Lock()
		for _, one := range to {
			if len(r.messages[one]) == 0 {
				missing = append(missing, one)
			}
		}
		r.mu.Unlock()
		if len(missing) == 0 {
			return
		}
		if time.Now().After(end) {
			r.Errorf("%d of %d have nothing after %s: %v", len(missing), len(to), within, missing[:min(5, len(missing))])
			return
		}
	}
}

// all calls f with every value at once and waits.
func all[T any](values []T, f func(T)) {
	var wg sync.WaitGroup
	for _, v := range values {
		wg.Go(func() { f(v) })
	}
	wg.Wait()
}

func sha256Hex(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

func (r *rig) path(name string) string { return filepath.Join(r.dir, name) }
