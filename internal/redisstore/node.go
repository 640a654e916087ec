package redisstore

import (
	"context"

	"github.com/redis/go-redis/v9"

	"github.com/otpipe/otpipe/internal/otp"
)

// Where the store is a cluster, most needs no thought: a command goes to the
// node of its key, and all keys of a script lie on one. What has no key would go
// to any node, and is sent by way of a key's.

// node is the client of the server that a key lies on.
func (s *Store) node(ctx context.Context, key string) (redis.UniversalClient, error) {
	c, ok := s.Redis.(*redis.ClusterClient)
	if !ok {
		return s.Redis, nil
	}
	return c.MasterForKey(ctx, key)
}

// relearn asks a cluster which node has what, now rather than at its client's leisure.
func (s *Store) relearn(ctx context.Context) {
	if c, ok := s.Redis.(*redis.ClusterClient); ok {
		_ = c.ForEachMaster(ctx, func(context.Context, *redis.Client) error { return nil })
	}
}

// Ping tells whether the store answers. Of a cluster one node is enough: the
// recipients of the others have to be served while it is away.
func (s *Store) Ping(ctx context.Context) error {
	nodes := map[redis.UniversalClient]bool{}
	var err error
	for p := range otp.MaxPartitions {
		var node redis.UniversalClient
		if node, err = s.node(ctx, dueKey(otp.Partition(p))); err == nil {
			nodes[node] = true
		}
	}
	answers := make(chan error, len(nodes))
	for node := range nodes {
		go func() { answers <- node.Ping(ctx).Err() }()
	}
	for range nodes {
		if err = <-answers; err == nil {
			return nil
		}
	}
	return unavailable("ping", err)
}
