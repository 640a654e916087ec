package main

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	bareCommand  = "bare" // os.Args[1] of the process that is the bare handler
	bareDatabase = 1
)

// bare is the yardstick: the least that a service of this kind can do. It
// decodes, draws and digests a code, runs one script and encodes. It has no
// authentication, no validation, no journal, no queue and no sessions.
type bare struct {
	rdb          *redis.Client
	start, check *redis.Script
}

func newBare(rdb *redis.Client) *bare {
	return &bare{
		rdb: rdb,
		// KEYS cooldown, lock, daily, code   ARGV digest
		start: redis.NewScript(`
if redis.call('EXISTS', KEYS[1]) == 1 then return 1 end
if redis.call('EXISTS', KEYS[2]) == 1 then return 2 end
local n = redis.call('INCR', KEYS[3])
if n == 1 then redis.call('PEXPIRE', KEYS[3], 86400000) end
if n > 10 then return 3 end
redis.call('HSET', KEYS[4], 'mac', ARGV[1], 'n', 0)
redis.call('PEXPIRE', KEYS[4], 300000)
redis.call('SET', KEYS[1], '1', 'PX', 60000)
return 0`),
		// KEYS code   ARGV digest
		check: redis.NewScript(`
local f = redis.call('HMGET', KEYS[1], 'mac', 'n')
if not f[1] then return 'not_found' end
if tonumber(f[2]) >= 5 then return 'expired' end
redis.call('HINCRBY', KEYS[1], 'n', 1)
if f[1] ~= ARGV[1] then return 'code_mismatch' end
redis.call('DEL', KEYS[1])
return ''`),
	}
}

// bareMain serves the bare handler at an address, with the Redis at another.
func bareMain(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := serveBare(ctx, args); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func serveBare(ctx context.Context, args []string) error {
	if len(args) != 2 {
		return errors.New("want two addresses")
	}
	rdb := redis.NewClient(bareOptions(args[1]))
	defer func() { _ = rdb.Close() }()
	b := newBare(rdb)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/verifications", b.serveStart)
	mux.HandleFunc("POST /v1/verifications/check", b.serveCheck)
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	srv := &http.Server{Addr: args[0], Handler: mux, ReadHeaderTimeout: patience}
	context.AfterFunc(ctx, func() { _ = srv.Close() })
	if err := srv.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// bareOptions are those of the api's own client; see internal/app.
func bareOptions(addr string) *redis.Options {
	return &redis.Options{
		Addr: addr, DB: bareDatabase, PoolSize: 100, ContextTimeoutEnabled: true, MaxRetries: 1, DialerRetries: 1,
		DialTimeout: 300 * time.Millisecond, ReadTimeout: 350 * time.Millisecond, WriteTimeout: 350 * time.Millisecond,
		PoolTimeout: 300 * time.Millisecond, MinRetryBackoff: 5 * time.Millisecond, MaxRetryBackoff: 20 * time.Millisecond,
	}
}

type bareRequest struct {
	Namespace string `json:"namespace"`
	To        string `json:"to"`
	Code      string `json:"code"`
}

type bareAnswer struct {
	Status    string     `json:"status"`
	Valid     bool       `json:"valid"`
	Reason    string     `json:"reason,omitempty"`
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
}

func (b *bare) serveStart(w http.ResponseWriter, r *http.Request) {
	in, ok := decode(w, r)
	if !ok {
		return
	}
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	at := in.Namespace + ":" + in.To
	keys := []string{"cooldown:" + at, "lock:" + at, "daily:" + at, bareCodeKey(at)}
	refused, err := b.start.Run(r.Context(), b.rdb, keys, bareDigest(at, fmt.Sprintf("%06d", n))).Int()
	switch {
	case err != nil:
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	case refused != 0:
		encode(w, http.StatusTooManyRequests, bareAnswer{Status: "refused"})
	default:
		expires := time.Now().Add(5 * time.Minute).UTC()
		encode(w, http.StatusAccepted, bareAnswer{Status: "pending", ExpiresAt: &expires})
	}
}

func (b *bare) serveCheck(w http.ResponseWriter, r *http.Request) {
	in, ok := decode(w, r)
	if !ok {
		return
	}
	at := in.Namespace + ":" + in.To
	reason, err := b.check.Run(r.Context(), b.rdb, []string{bareCodeKey(at)}, bareDigest(at, in.Code)).Text()
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	encode(w, http.StatusOK, bareAnswer{Status: "checked", Valid: reason == "", Reason: reason})
}

func decode(w http.ResponseWriter, r *http.Request) (in bareRequest, ok bool) {
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return in, false
	}
	return in, true
}

func encode(w http.ResponseWriter, status int, a bareAnswer) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(a) // the client went away
}

func bareCodeKey(at string) string { return "code:" + at }

func bareDigest(at, code string) string {
	h := hmac.New(sha256.New, []byte("a key of thirty-two bytes length"))
	h.Write([]byte(at + "\x00" + code))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}
