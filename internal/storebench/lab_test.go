package storebench_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/otpipe/otpipe/internal/config"
	"github.com/otpipe/otpipe/internal/devkit"
	"github.com/otpipe/otpipe/internal/jwestore"
	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/pgtest"
	"github.com/otpipe/otpipe/internal/processtest"
	"github.com/otpipe/otpipe/internal/redisstore"
	"github.com/otpipe/otpipe/internal/redistest"
	"github.com/otpipe/otpipe/internal/sqlstore"
	"github.com/otpipe/otpipe/internal/verify"
)

const apiKey = "otk_storebench"

// way is one to keep digests, as an api serves it.
type way struct {
	name      string
	namespace otp.Namespace
	addr      string
	pid       int // of the api
	store     *verify.Elsewhere
	config    config.Config
	keys      otp.Keys
}

// lab is all that is compared: one Redis, which writes through once a second, one
// PostgreSQL, which does at each commit, and two apis, for a process has one database.
type lab struct {
	testing.TB
	redis    *redistest.Server
	rdb      *redis.Client
	postgres string // its URL
	sqlite   string // the file
	ways     []way
}

const policies = `
[namespaces.%s]
codes = "%s"
cooldown = "0s"
all_cooldown = "0s"
daily = 100000
all_daily = 100000
%s
`

// settings are a process' with a database.
func (l *lab) settings(listen, admin, database string) string {
	sum := sha256.Sum256([]byte(apiKey))
	loose := `session = "jwt"` + "\n" + `guard = "none"`
	return fmt.Sprintf(`[redis]
url = "redis://%s/0"
[api]
listen = "%s"
admin = "%s"
[worker]
admin = "127.0.0.1:0"
[database]
url = "%s"
[keys]
primary = "k1"
anchor = "73746f726562656e63682d616e63686f722d73746f726562656e63682d616e63"
[[keys.ring]]
id = "k1"
secret = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f1"
[[callers]]
name = "bench"
key_sha256 = "%s"
scopes = ["send", "check"]
[[providers]]
name = "twilio"
driver = "twilio"
[providers.twilio]
account_sid = "%s"
password = "%s"
from = "+15005550006"
[destinations]
countries = ["*"]
[routes]
sms = ["twilio"]
[log]
level = "warn"
`, l.redis.Addr(), listen, admin, database, hex.EncodeToString(sum[:]), devkit.TwilioAccount, devkit.TwilioToken) +
		fmt.Sprintf(policies, "redis", "redis", "") + fmt.Sprintf(policies, "sql", "sql", "") +
		fmt.Sprintf(policies, "ticket", "jwe", "") + fmt.Sprintf(policies, "alone", "jwe", loose)
}

func openLab(t testing.TB) *lab {
	t.Helper()
	l := &lab{TB: t, postgres: pgtest.URL(t), sqlite: filepath.Join(t.TempDir(), "codes.db")}
	if long {
		pgtest.Durable(t)
	}
	l.redis = redistest.Start(t, "--appendonly", "yes", "--appendfsync", "everysec")
	l.rdb = redis.NewClient(&redis.Options{Addr: l.redis.Addr(), PoolSize: 64})
	t.Cleanup(func() { _ = l.rdb.Close() })
	postgres, sqlite := l.start("postgres", l.postgres), l.start("sqlite", "sqlite://"+l.sqlite)
	for _, w := range []struct {
		name, namespace string
		at              way
	}{
		{"redis", "redis", postgres},
		{"sql, PostgreSQL", "sql", postgres},
		{"sql, SQLite", "sql", sqlite},
		{"jwe, guarded", "ticket", postgres},
		{"jwe, guard none", "alone", postgres},
	} {
		w.at.name, w.at.namespace = w.name, otp.Namespace(w.namespace)
		l.ways = append(l.ways, w.at)
	}
	return l
}

// start starts an api, and opens in this process what it works on.
func (l *lab) start(name, database string) (w way) {
	l.Helper()
	dir := l.TempDir()
	admin := processtest.Port(l)
	w.addr = processtest.Port(l)
	path := filepath.Join(dir, name+".toml")
	if err := os.WriteFile(path, []byte(l.settings(w.addr, admin, database)), 0o600); err != nil {
		l.Fatal(err)
	}
	p := processtest.Start(l, processtest.Command{Name: "api", Config: path, Admin: admin, Dir: dir})
	p.Ready(l)
	w.pid = p.PID()
	var err error
	if w.config, err = config.Load(path); err != nil {
		l.Fatal(err)
	}
	if w.keys, err = w.config.Secrets(); err != nil {
		l.Fatal(err)
	}
	db := &sqlstore.Lazy{Open: func(ctx context.Context) (*sqlstore.DB, error) {
		if name == "sqlite" {
			return sqlstore.OpenSQLite(ctx, l.sqlite)
		}
		return sqlstore.OpenPostgres(ctx, database)
	}}
	if _, err := db.DB(l.Context()); err != nil {
		l.Fatal(err)
	}
	l.Cleanup(func() { _ = db.Close() })
	store := &redisstore.Store{Redis: l.rdb, Retention: time.Hour, EventsKept: 1000}
	w.store = &verify.Elsewhere{
		Guesses: store, Codes: &sqlstore.Codes{DB: db, Patience: 10 * time.Second}, Tickets: jwestore.Tickets{Ring: w.keys.Ticket, Now: time.Now}, Keys: w.keys, Now: time.Now,
	}
	return w
}

// insist asks again what a busy machine's disk was too slow for, where nothing is measured.
func (w way) insist(c *http.Client, path string, body []byte) (status int, answer []byte, err error) {
	for range 50 {
		status, answer, err = w.ask(c, path, body)
		if long || err != nil || status != http.StatusServiceUnavailable {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	return status, answer, err
}

// ask sends a request as a product does.
func (w way) ask(c *http.Client, path string, body []byte) (status int, answer []byte, err error) {
	return post(c, "http://"+w.addr+path, body)
}
