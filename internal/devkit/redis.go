package devkit

import (
	"fmt"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
)

// redisStep is how often the keys of an embedded Redis grow older. A step walks
// over every key under the server's one lock, so it must not be a short one. A
// key may go one step early; what is stored carries its own deadline.
const redisStep = 100 * time.Millisecond

// Redis is a Redis inside the process, for people who have none at hand. It
// forgets everything when it is closed.
type Redis struct {
	server *miniredis.Miniredis
	addr   string
	stop   func()
	aging  sync.WaitGroup
}

// StartRedis starts one on a free port of the loopback.
func StartRedis() (*Redis, error) {
	server := miniredis.NewMiniRedis()
	if err := server.StartAddr("127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("start the embedded redis: %w", err)
	}
	stopped := make(chan struct{})
	r := &Redis{server: server, addr: server.Addr(), stop: sync.OnceFunc(func() { close(stopped) })}
	r.aging.Go(func() { r.age(stopped) })
	return r, nil
}

// Addr is where it listens, as host:port.
func (r *Redis) Addr() string { return r.addr }

// Close ends it and drops its connections. Closing it again does nothing.
func (r *Redis) Close() {
	r.stop()
	r.aging.Wait()
	r.server.Close()
}

// age makes TTLs run: miniredis moves them only when told to. Its own ClockTTL
// would walk over all keys at every command.
func (r *Redis) age(stopped <-chan struct{}) {
	tick := time.NewTicker(redisStep)
	defer tick.Stop()
	for last := time.Now(); ; {
		select {
		case <-stopped:
			return
		case <-tick.C:
			now := time.Now()
			r.server.FastForward(now.Sub(last))
			last = now
		}
	}
}
