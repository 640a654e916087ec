package redistest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// masters is how many a cluster has.
const masters = 3

// slots is how many hash slots the masters share.
const slots = 16384

// Cluster is a Redis Cluster of three masters without replicas.
type Cluster struct{ Nodes []*Server }

// idle are the clusters that no test uses; they live as long as the process.
var idle struct {
	sync.Mutex
	clusters []*Cluster
}

// ClusterClient is a client of an empty cluster whose nodes know no script,
// closed with the test. The next test gets the cluster after that.
func ClusterClient(t testing.TB) *redis.ClusterClient {
	t.Helper()
	c, err := take()
	if err != nil {
		t.Fatalf("redistest: %v (make deps installs redis-server)", err)
	}
	client := c.Client(t)
	t.Cleanup(func() {
		idle.Lock()
		defer idle.Unlock()
		idle.clusters = append(idle.clusters, c)
	})
	err = client.ForEachMaster(context.Background(), func(ctx context.Context, node *redis.Client) error {
		return errors.Join(node.FlushAll(ctx).Err(), node.ScriptFlush(ctx).Err())
	})
	if err != nil {
		t.Fatalf("redistest: empty the cluster: %v", err)
	}
	return client
}

func take() (*Cluster, error) {
	idle.Lock()
	defer idle.Unlock()
	if n := len(idle.clusters); n > 0 {
		c := idle.clusters[n-1]
		idle.clusters = idle.clusters[:n-1]
		return c, nil
	}
	return newCluster(func() (string, error) { return os.MkdirTemp("", "redistest") })
}

// StartCluster starts a cluster of a test's own, to stop and freeze its nodes.
func StartCluster(t testing.TB, args ...string) *Cluster {
	t.Helper()
	c, err := newCluster(func() (string, error) { return t.TempDir(), nil }, args...)
	if err != nil {
		t.Fatalf("redistest: %v (make deps installs redis-server)", err)
	}
	for _, n := range c.Nodes {
		t.Cleanup(n.Kill)
	}
	return c
}

// Client is a client of the cluster, closed with the test.
func (c *Cluster) Client(t testing.TB) *redis.ClusterClient {
	client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: c.Addrs()})
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// Addrs are where the masters listen.
func (c *Cluster) Addrs() (all []string) {
	for _, n := range c.Nodes {
		all = append(all, n.Addr())
	}
	return all
}

// Owner is the master that a key was given to in the beginning.
func (c *Cluster) Owner(t testing.TB, key string) *Server {
	t.Helper()
	slot := c.slot(t, key)
	for i := range c.Nodes {
		if first, last := share(i); slot >= first && slot <= last {
			return c.Nodes[i]
		}
	}
	t.Fatalf("redistest: nobody has slot %d", slot)
	return nil
}

// Move gives a key's slot, which must be empty, to another master.
func (c *Cluster) Move(t testing.TB, key string, to *Server) {
	t.Helper()
	slot, from := c.slot(t, key), c.Owner(t, key)
	old, now := from.client(), to.client()
	defer func() { _, _ = old.Close(), now.Close() }()
	ctx := t.Context()
	oldID, newID := old.ClusterMyID(ctx).Val(), now.ClusterMyID(ctx).Val()
	for _, step := range []struct {
		at   *redis.Client
		what []any
	}{
		{now, []any{"importing", oldID}}, {old, []any{"migrating", newID}}, {now, []any{"node", newID}}, {old, []any{"node", newID}},
	} {
		if err := step.at.Do(ctx, append([]any{"cluster", "setslot", slot}, step.what...)...).Err(); err != nil {
			t.Fatalf("redistest: move slot %d: %v", slot, err)
		}
	}
}

func (c *Cluster) slot(t testing.TB, key string) int {
	t.Helper()
	client := c.Nodes[0].client()
	defer func() { _ = client.Close() }()
	slot, err := client.ClusterKeySlot(t.Context(), key).Result()
	if err != nil {
		t.Fatalf("redistest: %v", err)
	}
	return int(slot)
}

// AddReplica starts a replica of one of the masters and waits until it follows.
func (c *Cluster) AddReplica(t testing.TB, of *Server) *Server {
	t.Helper()
	replica, err := startNode(t.TempDir())
	if err != nil {
		t.Fatalf("redistest: %v", err)
	}
	t.Cleanup(replica.Kill)
	primary, client := of.client(), replica.client()
	defer func() { _, _ = primary.Close(), client.Close() }()
	ctx := t.Context()
	id := primary.ClusterMyID(ctx).Val()
	if err := client.ClusterMeet(ctx, "127.0.0.1", fmt.Sprint(of.port)).Err(); err != nil {
		t.Fatalf("redistest: meet: %v", err)
	}
	err = until(func() error { return client.ClusterReplicate(ctx, id).Err() })
	if err == nil {
		err = until(replica.follows)
	}
	if err != nil {
		t.Fatalf("redistest: replicate: %v", err)
	}
	return replica
}

func newCluster(dir func() (string, error), args ...string) (*Cluster, error) {
	c := &Cluster{}
	for range masters {
		d, err := dir()
		if err != nil {
			return nil, err
		}
		n, err := startNode(d, args...)
		if err != nil {
			return nil, err
		}
		c.Nodes = append(c.Nodes, n)
	}
	for i, n := range c.Nodes {
		if err := n.join(c.Nodes[0], i); err != nil {
			return nil, err
		}
	}
	for _, n := range c.Nodes {
		if err := until(n.joined); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func startNode(dir string, args ...string) (*Server, error) {
	n := &Server{dir: dir, bus: true}
	return n, n.start(append([]string{"--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--cluster-require-full-coverage", "no", "--repl-diskless-sync-delay", "0"}, args...)...)
}

// share is the ith master's range of slots.
func share(i int) (first, last int) { return i * slots / masters, (i+1)*slots/masters - 1 }

func (s *Server) join(to *Server, i int) error {
	client := s.client()
	defer func() { _ = client.Close() }()
	ctx := context.Background()
	first, last := share(i)
	if err := client.ClusterAddSlotsRange(ctx, first, last).Err(); err != nil {
		return fmt.Errorf("share out slots: %w", err)
	}
	if s == to {
		return nil
	}
	return client.ClusterMeet(ctx, "127.0.0.1", fmt.Sprint(to.port)).Err()
}

func (s *Server) joined() error {
	client := s.client()
	defer func() { _ = client.Close() }()
	info, err := client.ClusterInfo(context.Background()).Result()
	whole := strings.Contains(info, "cluster_state:ok") && strings.Contains(info, fmt.Sprintf("cluster_slots_ok:%d", slots))
	if err == nil && !whole {
		err = errors.New("the cluster does not come together: " + info)
	}
	return err
}

// until tries for a while.
func until(try func() error) (err error) {
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if err = try(); err == nil {
			return nil
		}
	}
	return err
}
