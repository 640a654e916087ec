package chaos_test

import (
	"cmp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/processtest"
	"github.com/otpipe/otpipe/internal/redistest"
)

// house is a redis-server, an api, workers, two vendors and two mail relays, of
// which the first are preferred.
type house struct {
	testing.TB
	dir      string
	redis    *redistest.Server
	watched  *redistest.Watched // instead
	redisURL string
	public   string // where vendors report; "" if they do not
	client   *client
	primary  *vendor
	backup   *vendor
	relay    *relay
	spare    *relay
	ledger   *ledger
	people   atomic.Int64
	patience time.Duration // for all sends to come to rest
	remark   string        // what the table says beside the figures
}

// settle is how long sends may take to come to rest when faults are over: two
// hand-overs that hang, the ends of their leases, and a machine with other work.
const settle = 90 * time.Second

// open starts all but the workers.
func open(t testing.TB, s scenario) *house {
	t.Helper()
	h := &house{TB: t, dir: t.TempDir(), ledger: newLedger(), patience: settle}
	if s.sentinels {
		h.watched = redistest.StartWatched(t, 2, "--appendonly", "yes")
		h.redisURL = "redis+sentinel://" + strings.Join(h.watched.Addrs(), ",") + "/" + redistest.MasterName + "/0"
	} else {
		h.redis = redistest.Start(t, "--appendonly", "yes", "--appendfsync", cmp.Or(s.fsync, "everysec"))
		h.redisURL = "redis://" + h.redis.Addr() + "/0"
	}
	h.primary = startVendor(t, "primary", primaryAccount, h.ledger)
	h.backup = startVendor(t, "backup", backupAccount, h.ledger)
	h.relay = startRelay(t, "relay", h.ledger)
	h.spare = startRelay(t, "spare", h.ledger)
	listen := processtest.Port(t)
	if !s.silent {
		h.public = "http://" + listen
	}
	_, h.client = h.startAPI(settings{Listen: listen})
	return h
}

// startAPI starts an api and waits until it is ready.
func (h *house) startAPI(s settings) (*processtest.Process, *client) {
	h.Helper()
	if s.Listen == "" {
		s.Listen = processtest.Port(h)
	}
	return h.start("api", s), newClient(s.Listen)
}

// worker starts a worker and waits until it is ready.
func (h *house) worker() *processtest.Process {
	h.Helper()
	return h.start("worker", settings{Listen: "127.0.0.1:0"})
}

func (h *house) start(name string, s settings) *processtest.Process {
	h.Helper()
	s.Admin, s.PublicURL, s.Replicated = processtest.Port(h), h.public, h.watched != nil
	if s.Redis = h.redisURL; s.Queue == "" {
		s.Queue = h.redisURL
	}
	p := processtest.Start(h, processtest.Command{Name: name, Config: h.write(s), Admin: s.Admin, Dir: h.dir})
	p.Ready(h)
	return p
}
