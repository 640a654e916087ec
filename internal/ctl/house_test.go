package ctl_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"text/template"

	"github.com/redis/go-redis/v9"

	"github.com/otpipe/otpipe/internal/app"
	"github.com/otpipe/otpipe/internal/config"
	"github.com/otpipe/otpipe/internal/devkit"
	"github.com/otpipe/otpipe/internal/redistest"
)

// The secrets of the house. None of them may be seen.
const (
	apiKey     = "otk_canary0f7d1c3b5a79886d2e4f60718293a4b5c6d7e8f9canary00112233445566"
	anchor     = "63616e6172792d616e63686f722d63616e6172792d616e63686f722d63616e61"
	ringSecret = "63616e6172792d72696e672d7365637265742d63616e6172792d72696e672d73"
	relayWord  = "canary-password-of-the-relay"
	redisWord  = "canary-password-of-redis"
)

// house is api, worker, Redis and the outside world, running.
type house struct {
	dir    string
	config string // the file
	api    string // URL of the public listener, by way of a load balancer
	world  *devkit.World
	redis  *redistest.Server
	stop   func()
}

var houseFile = template.Must(template.New("toml").Parse(`
[redis]
url = "redis://:{{.RedisWord}}@{{.Redis}}/0"

[api]
listen = "127.0.0.1:0"
admin = "127.0.0.1:0"
public_url = "{{.Public}}"

[worker]
admin = "127.0.0.1:0"

[keys]
primary = "k1"
anchor = "{{.Anchor}}"

[[keys.ring]]
id = "k1"
secret = "{{.Secret}}"

[[callers]]
name = "operator"
key_sha256 = "{{.KeyHash}}"
scopes = ["send", "check", "read", "operate", "audit"]

[[providers]]
name = "twilio"
driver = "twilio"
[providers.twilio]
account_sid = "` + devkit.TwilioAccount + `"
password = "{{.Token}}"
auth_tokens = ["{{.Token}}"]
from = "+15005550006"
base_url = "{{.Twilio}}"

[[providers]]
name = "relay"
driver = "smtp"
[providers.smtp]
host = "127.0.0.1"
port = {{.Mail}}
tls = "none"
from = "otpipe <codes@otpipe.test>"
{{.SMTP}}

[destinations]
countries = ["*"]

[toll_guard]
mode = "block"

[audit]
sink = "sqlite://{{.Dir}}/audit.db"

[routes]
sms = ["twilio"]
email = ["relay"]
{{.More}}
`))

// plan is what differs between houses.
type plan struct {
	Dir, Redis, RedisWord, Public, Anchor, Secret, KeyHash, Token, Twilio, SMTP, More string
	Mail                                                                              int
}

func (p plan) filled(h *house, public string) plan {
	hash := sha256.Sum256([]byte(apiKey))
	p.Dir, p.Redis, p.RedisWord, p.Public, p.Anchor, p.Secret = h.dir, h.redis.Addr(), redisWord, public, anchor, ringSecret
	p.KeyHash, p.Twilio, p.Mail = hex.EncodeToString(hash[:]), h.world.TwilioURL(), h.world.Mail().Port
	if p.Token == "" {
		p.Token = devkit.TwilioToken
	}
	return p
}

// write makes a configuration file, and returns its path.
func (p plan) write(t testing.TB, dir string) string {
	t.Helper()
	f, err := os.CreateTemp(dir, "otpipe-*.toml")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if err := houseFile.Execute(f, p); err != nil {
		t.Fatal(err)
	}
	return f.Name()
}

// newHouse starts one; it stops with the test.
func newHouse(t testing.TB) *house {
	t.Helper()
	h := &house{dir: t.TempDir()}
	h.redis = lockedRedis(t, "--appendonly", "yes")
	var err error
	if h.world, err = devkit.StartWorld("127.0.0.1:0", devkit.Web{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.world.Close)
	var behind atomic.Pointer[url.URL]
	balancer := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(behind.Load()) }})
	t.Cleanup(balancer.Close)
	h.api = balancer.URL
	h.config = plan{}.filled(h, h.api).write(t, h.dir)
	behind.Store(h.run(t))
	return h
}

// lockedRedis starts a server that wants redisWord.
func lockedRedis(t testing.TB, args ...string) *redistest.Server {
	t.Helper()
	server := redistest.Start(t, args...)
	client := redis.NewClient(&redis.Options{Addr: server.Addr()})
	defer func() { _ = client.Close() }()
	if err := client.ConfigSet(t.Context(), "requirepass", redisWord).Err(); err != nil {
		t.Fatal(err)
	}
	return server
}

// run starts both processes, and returns where the api listens.
func (h *house) run(t testing.TB) *url.URL {
	t.Helper()
	c, err := config.Load(h.config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	said := listener{found: make(chan string, 1), in: make(chan struct{}, 2)}
	log := slog.New(slog.NewJSONHandler(said, nil))
	var running sync.WaitGroup
	h.stop = sync.OnceFunc(func() { stop(); running.Wait() })
	t.Cleanup(h.stop)
	running.Go(func() { _ = app.RunAPI(ctx, c, log, app.Reloads{}) })
	running.Go(func() { _ = app.RunWorker(ctx, c, log, app.Reloads{}) })
	api := &url.URL{Scheme: "http", Host: <-said.found}
	for range 2 {
		<-said.in
	}
	return api
}

// listener reads a log for where the api listens, and for those that are in.
type listener struct {
	found chan string
	in    chan struct{}
}

func (l listener) Write(line []byte) (int, error) {
	var said struct{ Msg, Public string }
	_ = json.Unmarshal(line, &said)
	switch said.Msg {
	case "api listens":
		l.found <- said.Public
	case "store entered":
		l.in <- struct{}{}
	}
	return len(line), nil
}
