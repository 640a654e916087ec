package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"text/tabwriter"
	"time"

	"golang.org/x/sync/errgroup"
)

// dialogues is how many connections the open loop has to choose from.
const dialogues = 64

// journey is one start: when it was sent and when its 202 was there.
type journey struct{ sent, accepted time.Time }

// delivery measures the time from a 202 to the provider, with a real worker:
// one at a time, and at a rate that does not wait for answers.
func delivery(ctx context.Context, l *lab, o options, out io.Writer) error {
	if err := l.startWorker(ctx); err != nil {
		return err
	}
	_, _ = fmt.Fprintln(out, "to the provider, in ms from the 202 and from sending the request")
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(w, "\tn\tp50\tp99\tmax\tsent: p50\tp99\tmax\t202: p50\tp99\ttwice\tforeign %\t")
	n := int(float64(o.rate) * o.open.Seconds())
	for _, part := range []struct {
		name string
		n    int
		gap  func() time.Duration
	}{
		{"warm-up", min(20, o.idle), idleGap},
		{"idle", o.idle, idleGap},
		{fmt.Sprintf("%d/s", o.rate), n, func() time.Duration { return time.Second / time.Duration(o.rate) }},
	} {
		if err := l.deliver(ctx, w, part.name, part.n, part.gap); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	_, _ = fmt.Fprintln(w)
	return w.Flush()
}

func idleGap() time.Duration { return 50*time.Millisecond + rand.N(50*time.Millisecond) } //nolint:gosec // no secret

// deliver makes n starts and prints how long they took to the provider.
func (l *lab) deliver(ctx context.Context, w io.Writer, name string, n int, gap func() time.Duration) error {
	if err := l.empty(ctx); err != nil {
		return err
	}
	l.sink.forget()
	before, err := spent(ctx, l.rdb, l.worker)
	if err != nil {
		return err
	}
	began, err := l.api.cpu()
	if err != nil {
		return err
	}
	journeys, err := openLoop(ctx, l.at.api, n, gap)
	if err != nil {
		return err
	}
	if missing := l.sink.await(ctx, n); missing > 0 {
		return fmt.Errorf("%d of %d accepted starts were never handed over", missing, n)
	}
	after, err := spent(ctx, l.rdb, l.worker)
	if err != nil {
		return err
	}
	ended, err := l.api.cpu()
	if err != nil {
		return err
	}
	u := after.since(before)
	u.busy -= ended - began // the api is not foreign
	l.printJourneys(w, name, journeys, u)
	return nil
}

func (l *lab) printJourneys(w io.Writer, name string, journeys []journey, u usage) {
	var fromAccepted, fromSent, answers []time.Duration
	twice := 0
	for i, j := range journeys {
		got := l.sink.at(recipient(i))
		fromAccepted = append(fromAccepted, got[0].at.Sub(j.accepted))
		fromSent = append(fromSent, got[0].at.Sub(j.sent))
		answers = append(answers, j.accepted.Sub(j.sent))
		if len(got) > 1 {
			twice++
		}
	}
	_, _ = fmt.Fprintf(w, "%s\t%d\t", name, len(journeys))
	for _, ds := range [][]time.Duration{fromAccepted, fromSent} {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t", millis(percentile(ds, 50)), millis(percentile(ds, 99)), millis(percentile(ds, 100)))
	}
	_, _ = fmt.Fprintf(w, "%s\t%s\t%d\t%.0f\t\n", millis(percentile(answers, 50)), millis(percentile(answers, 99)), twice, u.foreign())
}

// openLoop starts a verification for each of n recipients, gap after gap,
// whether or not the earlier ones were answered.
func openLoop(ctx context.Context, addr string, n int, gap func() time.Duration) ([]journey, error) {
	free := make(chan *client, dialogues)
	for range dialogues {
		c, err := dial(ctx, addr)
		if err != nil {
			return nil, err
		}
		defer c.close()
		free <- c
	}
	journeys := make([]journey, n)
	var bad complaints
	g, ctx := errgroup.WithContext(ctx)
	due := time.Now()
	for i := range n {
		due = due.Add(gap())
		select {
		case <-ctx.Done():
			return nil, g.Wait()
		case <-time.After(time.Until(due)):
		}
		g.Go(func() error {
			c := <-free
			defer func() { free <- c }()
			o := startOp()
			journeys[i].sent = time.Now()
			status, answer, err := c.post(o.path, o.body(nil, i))
			journeys[i].accepted = time.Now()
			bad.add(o.verify(status, answer))
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return journeys, bad.err()
}
