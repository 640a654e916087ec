// Package redisstore is the state machine of verifications in Redis. Each
// transition is one Lua script in lua/, made in one round trip; the rules of
// limits, counting, locking and settling exist there and nowhere else. It runs
// in the api and in the worker.
package redisstore

import (
	"cmp"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// Lease is how long a worker holds a send before others may take it.
	Lease = 12 * time.Second
	// LeastLife is how long a code must still live when a hand-over begins.
	LeastLife = 15 * time.Second

	suppression     = 30 * 24 * time.Hour
	patience        = 750 * time.Millisecond // before the watch looks after a fresh send
	flight          = 2 * time.Second        // before a repeated request is run again; longer than an answer takes
	recentKept      = 50                     // verifications a recipient
	replicaPatience = 300 * time.Millisecond // less than the client waits for an answer
)

// Store keeps verifications in Redis. It may be used by many goroutines at
// once; methods that fail return otp.ErrStoreUnavailable and may be repeated.
type Store struct {
	Redis      redis.UniversalClient
	Retention  time.Duration // of a verification and its journal
	EventsKept int           // in each partition's stream, about
	AskAfter   time.Duration // when a provider is asked what became of a message that it took; 0: two minutes
	// AuditStrict refuses starts while half of the events that are kept wait for the
	// audit trail: what is under way needs the other half. It takes Redis 7.
	AuditStrict bool
	Replicas    int                  // that must have a start, a check or an outcome before it counts; 0 asks none
	Offset      func() time.Duration // moves the clock; nil in production
}

// askAfter is when a provider is asked. Receipts come within half a minute, or
// not at all.
func (s *Store) askAfter() int64 { return ms(cmp.Or(s.AskAfter, 2*time.Minute)) }
