package app

import (
	"context"
	"fmt"

	"github.com/otpipe/otpipe/internal/asynqueue"
	"github.com/otpipe/otpipe/internal/config"
	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/redisstore"
)

// Queue is how one of the queues stands.
type Queue struct {
	Name string
	otp.QueueState
}

// Queues tells how those queues stand that workers serve. Its error has a code; see
// CodeOf.
func Queues(_ context.Context, c config.Config) (all []Queue, err error) {
	client, err := apiClient(c.Redis.Queue)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", queueSetting, err)
	}
	defer func() { _ = client.Close() }()
	gauge := asynqueue.NewGauge(client)
	servers, err := gauge.Servers()
	if err != nil {
		return nil, unavailableError{fmt.Errorf("the queue's Redis: %w", err)}
	}
	for _, name := range queueNames(c) {
		state, err := gauge.Read(name)
		if err != nil {
			return nil, unavailableError{fmt.Errorf("the queue's Redis: %w", err)}
		}
		state.Servers = servers[name]
		all = append(all, Queue{name, state})
	}
	return all, nil
}

// queueNames are those that workers serve.
func queueNames(c config.Config) (all []string) {
	for _, ch := range otp.Channels {
		all = append(all, string(ch))
	}
	if len(c.Events) > 0 {
		all = append(all, asynqueue.NoticeQueue)
	}
	return all
}

// OpenStore opens the store, once it agrees with the settings. Nothing is written.
// Its error has a code; see CodeOf.
func OpenStore(ctx context.Context, c config.Config) (store *redisstore.Store, done func(), err error) {
	keys, err := c.Secrets()
	if err != nil {
		return nil, nil, err
	}
	client, err := apiClient(c.Redis.State)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", stateSetting, err)
	}
	made := newStore(c)
	made.Redis = client
	if err := made.Agrees(ctx, c.Store.Partitions, keys); err != nil {
		_ = client.Close()
		return nil, nil, unavailableError{fmt.Errorf("%s: %w", stateSetting, err)}
	}
	return &made, func() { _ = client.Close() }, nil
}
