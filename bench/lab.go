package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/otpipe/otpipe/internal/config"
	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/redisstore"
)

// lab is what a run measures: a redis-server without persistence, the real api
// and worker with a configuration of their own, and the bare handler. otpipe
// has database 0, the bare handler database 1.
type lab struct {
	dir    string
	at     places
	config config.Config
	keys   otp.Keys
	policy otp.Policy
	store  *redisstore.Store
	sink   *sink
	seeded []otp.Order // see seed

	rdb, bareDB              *redis.Client
	redis, api, bare, worker *process
}

// namespace is where all codes of the bench live.
const namespace = otp.PhoneAuth

func openLab(ctx context.Context) (*lab, error) {
	l := &lab{}
	if err := l.open(ctx); err != nil {
		return nil, errors.Join(err, l.close())
	}
	return l, nil
}

func (l *lab) open(ctx context.Context) error {
	err := clearSettings()
	if err != nil {
		return err
	}
	if l.dir, err = os.MkdirTemp("", "otpipe-bench"); err != nil {
		return err
	}
	if err := build(ctx, l.dir); err != nil {
		return err
	}
	if l.sink, err = openSink(); err != nil {
		return err
	}
	l.at.twilio = l.sink.addr
	for _, p := range []*string{&l.at.redis, &l.at.api, &l.at.admin, &l.at.worker, &l.at.bare} {
		if *p, err = freePort(ctx); err != nil {
			return err
		}
	}
	if err := l.startRedis(ctx); err != nil {
		return err
	}
	if err := l.configure(); err != nil {
		return err
	}
	return l.startServers(ctx)
}

// build makes the two processes as a release would.
func build(ctx context.Context, dir string) error {
	const module = "github.com/otpipe/otpipe/"
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", dir, module+"cmd/api", module+"cmd/worker") //nolint:gosec // a directory of its own
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w: %s", err, out)
	}
	return nil
}

func (l *lab) startRedis(ctx context.Context) (err error) {
	_, port, _ := strings.Cut(l.at.redis, ":")
	l.redis, err = start("redis", l.dir, nil, "redis-server", "--port", port, "--bind", "127.0.0.1", "--dir", l.dir, "--save", "", "--appendonly", "no")
	if err != nil {
		return err
	}
	l.rdb = redis.NewClient(&redis.Options{Addr: l.at.redis, PoolSize: seeders, MaxRetries: -1})
	l.bareDB = redis.NewClient(&redis.Options{Addr: l.at.redis, DB: bareDatabase, MaxRetries: -1})
	return l.redis.await(ctx, func(ctx context.Context) error { return l.rdb.Ping(ctx).Err() })
}

func (l *lab) configure() error {
	path := filepath.Join(l.dir, "otpipe.toml")
	err := os.WriteFile(path, []byte(configuration(l.at)), 0o600)
	if err != nil {
		return err
	}
	if l.config, err = config.Load(path); err != nil {
		return err
	}
	l.policy = l.config.Policies()[namespace]
	l.store = &redisstore.Store{Redis: l.rdb, Retention: time.Duration(l.config.Store.Retention), EventsKept: l.config.Store.EventsKept}
	l.keys, err = l.config.Secrets()
	return err
}

func (l *lab) startServers(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if l.bare, err = start("bare", l.dir, nil, self, bareCommand, l.at.bare, l.at.redis); err != nil {
		return err
	}
	if l.api, err = l.startOwn("api"); err != nil {
		return err
	}
	if err := l.api.await(ctx, ok("http://"+l.at.admin+"/readyz")); err != nil {
		return err
	}
	return l.bare.await(ctx, ok("http://"+l.at.bare+"/readyz"))
}

// startWorker lets codes be delivered from now on.
func (l *lab) startWorker(ctx context.Context) (err error) {
	if l.worker != nil {
		return nil
	}
	if l.worker, err = l.startOwn("worker"); err != nil {
		return err
	}
	return l.worker.await(ctx, ok("http://"+l.at.worker+"/readyz"))
}

func (l *lab) startOwn(name string) (*process, error) {
	return start(name, l.dir, nil, filepath.Join(l.dir, name), "-config", filepath.Join(l.dir, "otpipe.toml"))
}

// ok asks a URL whether all is well.
func ok(url string) func(context.Context) error {
	return func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		defer func() { _ = res.Body.Close() }()
		if res.StatusCode != http.StatusOK {
			return fmt.Errorf("%s answers %s", url, res.Status)
		}
		return nil
	}
}

// empty throws away all verifications. What the processes have agreed on comes
// back, as if they had just started.
func (l *lab) empty(ctx context.Context) error {
	if err := l.rdb.FlushDB(ctx).Err(); err != nil {
		return err
	}
	if err := l.bareDB.FlushDB(ctx).Err(); err != nil {
		return err
	}
	return l.store.Enter(ctx, l.config.Store.Partitions, l.keys)
}

// describe prints what the figures depend on.
func (l *lab) describe(ctx context.Context, out io.Writer) error {
	info, err := l.rdb.InfoMap(ctx, "server").Result()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s\n%s, GOMAXPROCS %d, redis %s without persistence; clients, servers and redis share %d cores\n",
		strings.Join(append([]string{"bench"}, os.Args[1:]...), " "),
		runtime.Version(), runtime.GOMAXPROCS(0), info["Server"]["redis_version"], runtime.NumCPU())
	return err
}

// lastWords is what the processes complained about.
func (l *lab) lastWords() string {
	var all strings.Builder
	for _, p := range []*process{l.api, l.worker, l.bare} {
		if p != nil && p.tail() != "" {
			all.WriteString("\n" + p.name + " wrote: …" + p.tail())
		}
	}
	return all.String()
}

// close ends what was started, last things first.
func (l *lab) close() error {
	var errs []error
	for _, p := range []*process{l.worker, l.api, l.bare} {
		errs = append(errs, p.stop())
	}
	if l.sink != nil {
		l.sink.close()
	}
	for _, c := range []*redis.Client{l.rdb, l.bareDB} {
		if c != nil {
			errs = append(errs, c.Close())
		}
	}
	errs = append(errs, l.redis.stop())
	if l.dir != "" {
		errs = append(errs, os.RemoveAll(l.dir))
	}
	return errors.Join(errs...)
}
