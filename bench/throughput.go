package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// settle is how long a server may finish what an answered request left behind,
// such as ringing, before its clocks are read.
const settle = 30 * time.Millisecond

// system is one of the two that are compared.
type system struct {
	name, addr string
	server     *process
	seed       func(ctx context.Context, n int) error // stores known codes
	handOver   func(ctx context.Context) error        // has them delivered
}

// series is all rounds of one operation of one system.
type series struct {
	rates     []float64 // requests a second, by round
	latencies []time.Duration
	spent     usage
}

// throughput compares the api with the bare handler. Rounds alternate, so that
// what drifts meets both.
func throughput(ctx context.Context, l *lab, o options, out io.Writer) error {
	systems := []system{
		{"otpipe", l.at.api, l.api, l.seed, l.handOver},
		{"bare", l.at.bare, l.bare, l.seedBare, func(context.Context) error { return nil }},
	}
	for _, s := range systems {
		if err := (trial{l, s, 4, o.requests / 4}).round(ctx, map[string]*series{}); err != nil {
			return err // the first requests are warm-up
		}
	}
	var seeding usage
	for _, conns := range o.conns {
		n := o.requests
		if conns == 1 {
			n /= 4
		}
		measured := map[string]*series{}
		for range o.rounds {
			for _, s := range systems {
				if err := (trial{l, s, conns, n}).round(ctx, measured); err != nil {
					return err
				}
			}
		}
		if err := printThroughput(out, conns, n, o.rounds, measured); err != nil {
			return err
		}
		seeding = measured["otpipe seed"].spent
		if conns == o.conns[len(o.conns)/2] {
			printCommands(out, conns, measured)
		}
	}
	_, err := fmt.Fprintf(out, "the start script alone, without HTTP and queue: %.1f µs of redis' time\n\n",
		micros(seeding.scripts, int(seeding.commands["evalsha"].calls)))
	return err
}

// trial is one round of one system: starts, a wrong check of each, and right
// checks of as many others whose codes are known.
type trial struct {
	lab    *lab
	system system
	conns  int
	n      int
}

func (t trial) round(ctx context.Context, into map[string]*series) error {
	if err := t.lab.empty(ctx); err != nil {
		return err
	}
	for _, o := range []operation{startOp(), wrongOp()} {
		if err := t.measure(ctx, o, into); err != nil {
			return err
		}
	}
	if err := t.lab.empty(ctx); err != nil {
		return err
	}
	if err := t.prepare(ctx, into); err != nil {
		return err
	}
	return t.measure(ctx, rightOp(), into)
}

// prepare stores the codes that right checks need. What storing them costs Redis
// is measured: it is the start script without HTTP and queue.
func (t trial) prepare(ctx context.Context, into map[string]*series) error {
	before, err := spent(ctx, t.lab.rdb, t.system.server)
	if err != nil {
		return err
	}
	if err := t.system.seed(ctx, t.n); err != nil {
		return err
	}
	after, err := spent(ctx, t.lab.rdb, t.system.server)
	if err != nil {
		return err
	}
	s := record(into, t.system.name+" seed")
	s.spent = s.spent.plus(after.since(before))
	return t.system.handOver(ctx)
}

func (t trial) measure(ctx context.Context, o operation, into map[string]*series) error {
	before, err := spent(ctx, t.lab.rdb, t.system.server)
	if err != nil {
		return err
	}
	got, err := closedLoop(ctx, t.system.addr, t.conns, t.n, o)
	if err != nil {
		return fmt.Errorf("%s: %w", t.system.name, err)
	}
	time.Sleep(settle)
	after, err := spent(ctx, t.lab.rdb, t.system.server)
	if err != nil {
		return err
	}
	s := record(into, t.system.name+" "+o.name)
	s.rates = append(s.rates, float64(t.n)/got.took.Seconds())
	s.latencies = append(s.latencies, got.latencies...)
	s.spent = s.spent.plus(after.since(before))
	return nil
}

func record(into map[string]*series, name string) *series {
	if into[name] == nil {
		into[name] = &series{spent: usage{commands: map[string]command{}}}
	}
	return into[name]
}

func printThroughput(out io.Writer, conns, n, rounds int, measured map[string]*series) error {
	_, _ = fmt.Fprintf(out, "\n%d connections, %d rounds of %d requests\n", conns, rounds, n)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(w, "\t\treq/s\tp50 ms\tp99 ms\tserver µs\tredis µs\tits scripts µs\tclient µs\tforeign %\t")
	for _, op := range []operation{startOp(), wrongOp(), rightOp()} {
		ours, bare := measured["otpipe "+op.name], measured["bare "+op.name]
		ours.print(w, op.name+"\totpipe")
		bare.print(w, "\tbare")
		printRatios(w, ours, bare)
	}
	return w.Flush()
}

// print writes a line of the table: medians and percentiles over all rounds, and
// processor time a request.
func (s *series) print(w io.Writer, name string) {
	n, u := len(s.latencies), s.spent
	_, _ = fmt.Fprintf(w, "%s\t%.0f\t%s\t%s\t%.1f\t%.1f\t%.1f\t%.1f\t%.0f\t\n", name, median(s.rates),
		millis(percentile(s.latencies, 50)), millis(percentile(s.latencies, 99)),
		micros(u.server, n), micros(u.redis, n), micros(u.scripts, n), micros(u.bench, n), u.foreign())
}

// printRatios writes the line that matters: requests a second of each pair of
// rounds, and processor time, which suffers less from what else runs here.
func printRatios(w io.Writer, ours, bare *series) {
	ratios := make([]float64, len(ours.rates))
	for i := range ratios {
		ratios[i] = ours.rates[i] / bare.rates[i]
	}
	a, b := ours.spent, bare.spent
	_, _ = fmt.Fprintf(w, "\tratio\t%.2f\t\t\t%.2f\t%.2f\t%.2f\t%.2f\t\tpairs %s, all µs %.2f\n", median(ratios),
		share(b.server, a.server), share(b.redis, a.redis), share(b.scripts, a.scripts), share(b.bench, a.bench), list(ratios),
		share(b.server+b.redis+b.bench, a.server+a.redis+a.bench))
}

// printCommands tells what the scripts of a request do, the dearest first.
func printCommands(out io.Writer, conns int, measured map[string]*series) {
	_, _ = fmt.Fprintf(out, "redis commands a request at %d connections: calls × µs each\n", conns)
	for _, name := range []string{"otpipe start", "otpipe seed", "otpipe wrong check", "otpipe right check", "bare start", "bare right check"} {
		s := measured[name]
		n := len(s.latencies)
		if n == 0 {
			n = int(s.spent.commands["evalsha"].calls) // seeding: one script each
		}
		_, _ = fmt.Fprintf(out, "  %-18s  %s\n", name, commandsOf(s.spent, n))
	}
}

func commandsOf(u usage, n int) string {
	names := slices.SortedFunc(maps.Keys(u.commands), func(a, b string) int {
		return cmp.Or(cmp.Compare(u.commands[b].took, u.commands[a].took), cmp.Compare(a, b))
	})
	var all []string
	for _, name := range names {
		if c := u.commands[name]; c.calls >= 0.05*float64(n) {
			all = append(all, fmt.Sprintf("%s %.1f×%.2f", name, c.calls/float64(n), micros(c.took, int(c.calls))))
		}
	}
	return strings.Join(all, "  ")
}
