package redisstore_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/redistest"
)

// patient lets nodes that do not answer be missed only after longer than any test
// takes: the cluster as a whole goes on.
var patient = []string{"--cluster-node-timeout", "60000"}

// of is a start for the nth of the recipients that a node has.
func (r *rig) of(c *redistest.Cluster, node *redistest.Server, nth int) ask {
	r.t.Helper()
	for i := range 10_000 {
		a := ask{to: fmt.Sprintf("+49151%08d", 20_000_000+i)}.filled()
		if c.Owner(r.t, slotOf(r.owner(a).Partition)) != node {
			continue
		}
		if nth--; nth < 0 {
			return a
		}
	}
	r.t.Fatal("the node has no recipients")
	return ask{}
}

// slotOf is a key in a partition's slot.
func slotOf(p otp.Partition) string { return "{" + p.String() + "}" }

// waitsFor waits for a replica that has just begun to follow, as a client that is told 503 does.
func (r *rig) waitsFor(a ask) {
	r.t.Helper()
	r.store.Replicas = 1
	_, err := r.start(a)
	for end := time.Now().Add(20 * time.Second); err != nil; _, err = r.start(a) {
		if time.Now().After(end) {
			r.t.Fatal(err)
		}
	}
}

func TestTheOtherNodesOfAClusterMayBeFrozen(t *testing.T) {
	t.Parallel()
	c := redistest.StartCluster(t, patient...)
	client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: c.Addrs(), ReadTimeout: 30 * time.Second, ContextTimeoutEnabled: true})
	t.Cleanup(func() { _ = client.Close() })
	r := newRig(t, client)
	a, later := r.of(c, c.Nodes[0], 0), r.of(c, c.Nodes[0], 1)
	client.ReloadState(t.Context())
	if err := client.Set(t.Context(), slotOf(r.owner(a).Partition), 1, time.Minute).Err(); err != nil {
		t.Fatal(err)
	}
	for _, away := range c.Nodes[1:] {
		away.Freeze()
		t.Cleanup(away.Thaw)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for range 5 { // what goes to any node sometimes goes to the right one
		if err := r.store.Ping(ctx); err != nil {
			t.Fatalf("ping: %v", err)
		}
		o, err := r.store.Start(ctx, r.opening(a))
		if err != nil {
			t.Fatalf("start: %v", err)
		}
		if _, err := r.store.Histories(ctx, []otp.ID{o.Order.ID}); err != nil {
			t.Fatalf("find: %v", err)
		}
		if _, err := r.store.Recent(ctx, r.owner(a)); err != nil {
			t.Fatalf("recent: %v", err)
		}
		if _, err := r.store.Due(ctx, r.owner(a).Partition, 10); err != nil {
			t.Fatalf("due: %v", err)
		}
	}
	r.store.Replicas = 1
	if _, err := r.store.Start(ctx, r.opening(later)); err == nil || !strings.Contains(err.Error(), "0 of 1 replicas") {
		t.Fatalf("start that waits for a replica: %v", err)
	}
}

func TestInAClusterTheReplicasThatAreWaitedForAreThoseOfTheRecipientsNode(t *testing.T) {
	t.Parallel()
	c := redistest.StartCluster(t)
	replica := c.AddReplica(t, c.Nodes[1])
	r := newRig(t, c.Client(t))
	r.waitsFor(r.of(c, c.Nodes[1], 9))
	for i, node := range c.Nodes {
		for nth := range 4 {
			a := r.of(c, node, nth)
			o, err := r.store.Start(t.Context(), r.opening(a))
			if i != 1 {
				if !errors.Is(err, otp.ErrStoreUnavailable) {
					t.Errorf("a node without a replica: %v", err)
				}
				continue
			}
			if err != nil {
				t.Fatalf("the node with a replica: %v", err)
			}
			if v := r.mustCheck(a, ""); v.ID != o.Order.ID {
				t.Errorf("verdict %+v", v)
			}
		}
	}
	copied := redis.NewClient(&redis.Options{Addr: replica.Addr()})
	t.Cleanup(func() { _ = copied.Close() })
	if n := copied.DBSize(t.Context()).Val(); n == 0 {
		t.Error("the replica has nothing")
	}
}

func TestARecipientWhoseSlotHasMovedIsFoundAtOnce(t *testing.T) {
	t.Parallel()
	c := redistest.StartCluster(t, patient...)
	c.AddReplica(t, c.Nodes[1])
	client := c.Client(t)
	r := newRig(t, client)
	a := r.of(c, c.Nodes[0], 0)
	r.waitsFor(r.of(c, c.Nodes[1], 0)) // and now the client knows who has what
	c.Move(t, slotOf(r.owner(a).Partition), c.Nodes[1])
	if _, err := r.store.Start(t.Context(), r.opening(a)); err != nil {
		t.Fatal(err)
	}
}
