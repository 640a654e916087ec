package asynqueue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"github.com/otpipe/otpipe/internal/notify"
)

// NoticeQueue is the queue that notices wait in.
const NoticeQueue = "events"

const (
	noticeType = "otpipe:notice"
	// noticeTimeout is longer than an endpoint may take to answer.
	noticeTimeout = 30 * time.Second
	// noticesAtOnce are enqueued beside each other: asynq does so one by one.
	noticesAtOnce = 16
)

// Notices is the queue's end where notices go in. It may be used by many
// goroutines at once. A notice holds no code and no address, so it may lie there
// as it is.
type Notices struct{ client *asynq.Client }

var _ notify.Queue = (*Notices)(nil)

// NewNotices makes the end of the queue in rdb.
func NewNotices(rdb redis.UniversalClient) *Notices {
	return &Notices{asynq.NewClientFromRedisClient(rdb)}
}

// Put queues notices; one whose id is there already is not queued again.
func (q *Notices) Put(ctx context.Context, all []notify.Notice) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(noticesAtOnce)
	for _, n := range all {
		g.Go(func() error { return q.put(ctx, n) })
	}
	return g.Wait()
}

func (q *Notices) put(ctx context.Context, n notify.Notice) error {
	payload, err := json.Marshal(n)
	if err != nil {
		return fmt.Errorf("write notice: %w", err)
	}
	task := asynq.NewTask(noticeType, payload,
		asynq.TaskID(n.ID), asynq.Queue(NoticeQueue), asynq.MaxRetry(maxRetry), asynq.Timeout(noticeTimeout))
	if _, err = q.client.EnqueueContext(ctx, task); err != nil && !errors.Is(err, asynq.ErrTaskIDConflict) {
		return fmt.Errorf("enqueue notice: %w", err)
	}
	return nil
}

// readNotice is the reverse of put.
func readNotice(t *asynq.Task) (n notify.Notice, err error) {
	if t.Type() != noticeType {
		return n, errors.New("not a notice")
	}
	err = json.Unmarshal(t.Payload(), &n)
	return n, err
}
