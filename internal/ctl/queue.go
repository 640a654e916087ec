package ctl

import (
	"context"
	"strconv"
	"time"

	"github.com/otpipe/otpipe/internal/app"
	"github.com/otpipe/otpipe/internal/config"
	"github.com/otpipe/otpipe/internal/otp"
)

// queueShow shows what waits.
type queueShow struct{ settings }

// Help says what the columns mean.
func (queueShow) Help() string {
	return `WAITING is what no worker has in hand; FAILING of these were tried and will be again.
OLDEST is how long the first has waited; DEAD was given up. No WORKERS, or an OLDEST that grows, is what to
look for: docs/runbook.md says what to do.`
}

// redisPatience is how long a command waits for Redis.
const redisPatience = 5 * time.Second

// Run asks both places where sends wait: the queue, and the index of the watch.
func (q queueShow) Run(ctx context.Context, s *screen) error {
	c, err := q.load()
	if err != nil {
		return err
	}
	done := s.waiting("asking Redis")
	b, err := readBacklog(ctx, c)
	done()
	if err != nil {
		return ending{app.CodeOf(err), err}
	}
	return s.show(b)
}

func readBacklog(ctx context.Context, c config.Config) (backlog, error) {
	ctx, cancel := context.WithTimeout(ctx, redisPatience)
	defer cancel()
	queues, err := app.Queues(ctx, c)
	if err != nil {
		return backlog{}, err
	}
	store, done, err := app.OpenStore(ctx, c)
	if err != nil {
		return backlog{}, err
	}
	defer done()
	dues, err := store.Dues(ctx, c.Store.Partitions)
	return newBacklog(queues, dues), err
}

// backlog is all that waits.
type backlog struct {
	Queues []waiting `json:"queues"`
	Due    dueState  `json:"due"`
}

// waiting is one queue.
type waiting struct {
	Name    string  `json:"name"`
	Servers int     `json:"servers"`
	Waiting int     `json:"waiting"`
	Failing int     `json:"failing"`
	Running int     `json:"running"`
	Dead    int     `json:"dead"`
	Oldest  float64 `json:"oldest_seconds"`
}

// dueState is what the watch has to look after.
type dueState struct {
	Kept int     `json:"kept"`
	Due  int     `json:"due"`
	Late float64 `json:"late_seconds"`
}

func newBacklog(queues []app.Queue, dues otp.DueState) backlog {
	b := backlog{Queues: []waiting{}, Due: dueState{dues.Kept, dues.Due, seconds(dues.Late)}}
	for _, q := range queues {
		b.Queues = append(b.Queues, waiting{q.Name, q.Servers, q.Waiting, q.Failing, q.Running, q.Dead, seconds(q.Oldest)})
	}
	return b
}

// seconds have three digits behind the point, as milliseconds do.
func seconds(d time.Duration) float64 { return float64(d.Milliseconds()) / 1000 }

func (b backlog) text(p *paper) {
	var rows [][]cell
	for _, q := range b.Queues {
		rows = append(rows, []cell{
			{text: q.Name},
			{strconv.Itoa(q.Servers), onlyIf(q.Servers == 0, bad)},
			{text: strconv.Itoa(q.Waiting)},
			{text: strconv.Itoa(q.Failing)},
			{text: strconv.Itoa(q.Running)},
			{strconv.Itoa(q.Dead), onlyIf(q.Dead > 0, bad)},
			{text: age(q.Oldest)},
		})
	}
	p.table([]string{"QUEUE", "WORKERS", "WAITING", "FAILING", "RUNNING", "DEAD", "OLDEST"}, rows)
	p.line("\n%d sends and codes are watched; the time of %d has come%s", b.Due.Kept, b.Due.Due, lateness(b.Due))
}

func onlyIf(is bool, t tint) tint {
	if is {
		return t
	}
	return plain
}

// age is a number of seconds as people read it.
func age(s float64) string {
	if s == 0 {
		return ""
	}
	return time.Duration(s * float64(time.Second)).Round(100 * time.Millisecond).String()
}

func lateness(d dueState) string {
	if d.Late < 1 {
		return ""
	}
	return ", for the first " + age(d.Late) + " ago: a worker would have looked after it"
}
