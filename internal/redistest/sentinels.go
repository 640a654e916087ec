package redistest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

// MasterName is the name that the sentinels know the master by.
const MasterName = "otpipe"

// quorum is how many sentinels must miss the master; there is one more.
const quorum = 2

// Watched is a master with replicas, and three sentinels that replace it after a
// second without an answer.
type Watched struct {
	Master    *Server // the first one
	Replicas  []*Server
	sentinels []*Server
}

// StartWatched starts all of them, each server with more arguments, and waits
// until the replicas follow and the sentinels know of each other.
func StartWatched(t testing.TB, replicas int, args ...string) *Watched {
	t.Helper()
	args = append([]string{"--repl-diskless-sync-delay", "0"}, args...)
	w := &Watched{Master: Start(t, args...)}
	for range replicas {
		w.Replicas = append(w.Replicas, Start(t, append(args, "--replicaof", "127.0.0.1 "+strconv.Itoa(w.Master.port))...))
	}
	for _, r := range w.Replicas {
		if err := until(r.follows); err != nil {
			t.Fatalf("redistest: %v", err)
		}
	}
	for range quorum + 1 {
		s, err := startSentinel(t.TempDir(), w.Master)
		if err != nil {
			t.Fatalf("redistest: %v", err)
		}
		t.Cleanup(s.Kill)
		w.sentinels = append(w.sentinels, s)
	}
	for _, s := range w.sentinels {
		if err := until(func() error { return s.knows(replicas) }); err != nil {
			t.Fatalf("redistest: %v", err)
		}
	}
	return w
}

// Addrs are where the sentinels listen.
func (w *Watched) Addrs() (all []string) {
	for _, s := range w.sentinels {
		all = append(all, s.Addr())
	}
	return all
}

// Current is where the sentinels say that the master listens.
func (w *Watched) Current(t testing.TB) string {
	t.Helper()
	client := redis.NewSentinelClient(&redis.Options{Addr: w.sentinels[0].Addr()})
	defer func() { _ = client.Close() }()
	at, err := client.GetMasterAddrByName(context.Background(), MasterName).Result()
	if err != nil {
		t.Fatalf("redistest: ask a sentinel: %v", err)
	}
	return net.JoinHostPort(at[0], at[1])
}

// Client is a client of the server that is the master now, closed with the test.
func (w *Watched) Client(t testing.TB) *redis.Client {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: w.Current(t)})
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// startSentinel starts a sentinel, which is a redis-server with a file that it
// writes to.
func startSentinel(dir string, master *Server) (s *Server, err error) {
	s = &Server{dir: dir}
	if s.port, err = freePort(false); err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "sentinel.conf")
	text := fmt.Sprintf(`port %d
bind 127.0.0.1
dir %s
logfile %s
sentinel monitor %[4]s 127.0.0.1 %d %d
sentinel down-after-milliseconds %[4]s 1000
sentinel failover-timeout %[4]s 5000
sentinel parallel-syncs %[4]s 2
`, s.port, dir, filepath.Join(dir, "log"), MasterName, master.port, quorum)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	s.args = []string{file, "--sentinel"}
	return s, s.run()
}

// knows tells whether a sentinel sees so many replicas and all other sentinels.
func (s *Server) knows(replicas int) error {
	client := redis.NewSentinelClient(&redis.Options{Addr: s.Addr()})
	defer func() { _ = client.Close() }()
	master, err := client.Master(context.Background(), MasterName).Result()
	if err == nil && (master["num-slaves"] != strconv.Itoa(replicas) || master["num-other-sentinels"] != strconv.Itoa(quorum)) {
		err = errors.New("a sentinel does not know the others")
	}
	return err
}

// follows tells whether a replica has all that its master has.
func (s *Server) follows() error {
	client := s.client()
	defer func() { _ = client.Close() }()
	info, err := client.Info(context.Background(), "replication").Result()
	if err == nil && !strings.Contains(info, "master_link_status:up") {
		err = errors.New("a replica does not follow")
	}
	return err
}
