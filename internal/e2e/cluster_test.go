package e2e_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/redistest"
)

// inCluster are settings for the state in a cluster and the queue in the rig's own Redis.
func (r *rig) inCluster(c *redistest.Cluster) settings {
	return settings{
		RedisURL: "redis+cluster://" + strings.Join(c.Addrs(), ","),
		QueueURL: "redis://" + r.redis.Addr() + "/0",
	}
}

// TestTheStateLiesInAClusterAndOneOfItsNodesMayFreeze serves people of all nodes,
// and while one of them is frozen those of the others.
func TestTheStateLiesInAClusterAndOneOfItsNodesMayFreeze(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	// The cluster as a whole is to go on: it takes longer to miss a node than the test lasts.
	c := redistest.StartCluster(t, "--cluster-node-timeout", "60000")
	s := r.inCluster(c)
	a := r.startAPI(s)
	w := r.startWorker(s)
	served := map[*redistest.Server][]string{}
	for _, to := range r.phones(24) {
		v := a.start(t, "load", to)
		if got := a.check(t, "load", to, r.code(to, 20*time.Second)); !got.Valid || got.ID != v.ID {
			t.Fatalf("check: %+v", got)
		}
		node := c.Owner(t, "{"+v.ID[2:4]+"}")
		served[node] = append(served[node], to)
	}
	if len(served) != 3 {
		t.Fatalf("people on %d nodes", len(served))
	}

	away := c.Nodes[0]
	away.Freeze()
	t.Cleanup(away.Thaw)
	frozen := time.Now()
	refused, others := 0, 0
	for time.Since(frozen) < 3*time.Second { // the time is what is tested
		for node, people := range served {
			for _, to := range people[:min(2, len(people))] {
				before := len(r.inbox(to))
				got := a.ask("load", to)
				if node == away {
					refused++
					if got.status != http.StatusServiceUnavailable || got.took > slack(outageAnswer) {
						t.Errorf("whose node is frozen: %v after %s", got, got.took)
					}
					continue
				}
				others++
				if got.status != http.StatusAccepted {
					t.Fatalf("whose node answers: %v", got)
				}
				eventually(t, 20*time.Second, "a code to "+to, func() bool { return len(r.inbox(to)) > before })
			}
		}
	}
	for _, p := range []*process{a.process, w} {
		if status, _ := p.fetch("/readyz"); status != http.StatusOK {
			t.Errorf("%s: readyz: %d while two nodes of three answer", p.name, status)
		}
	}
	away.Thaw()
	to := served[away][0]
	eventually(t, slack(outageOver), "a start on the node that is back", func() bool { return a.ask("load", to).status == http.StatusAccepted })
	t.Logf("frozen for %s: %d refused on that node, %d served on the others", time.Since(frozen).Round(time.Millisecond), refused, others)
}

// TestInAClusterAReplicaTakesOver kills a master that has a replica: its people are
// served again by themselves.
func TestInAClusterAReplicaTakesOver(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c := redistest.StartCluster(t, "--cluster-node-timeout", "1000")
	c.AddReplica(t, c.Nodes[0])
	s := r.inCluster(c)
	a := r.startAPI(s)
	r.startWorker(s)
	var to, id string
	for id == "" || c.Owner(t, "{"+id[2:4]+"}") != c.Nodes[0] {
		to = r.phone()
		id = a.start(t, "load", to).ID
	}
	code := r.code(to, 20*time.Second)
	c.Nodes[0].Kill()
	killed := time.Now()
	eventually(t, 20*time.Second, "the replica serves", func() bool { return a.do(http.MethodGet, "/v1/verifications/"+id, nil).status == http.StatusOK })
	t.Logf("served by the replica after %s", time.Since(killed).Round(10*time.Millisecond))
	if got := a.check(t, "load", to, code); !got.Valid || got.ID != id {
		t.Errorf("check: %+v", got)
	}
	v := a.startInsisting(t, "load", to)
	eventually(t, 20*time.Second, "a code by the replica", func() bool { return len(r.inbox(to)) > 1 && a.get(t, v.ID).Delivery.Status == "accepted" })
}
