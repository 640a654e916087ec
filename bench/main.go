// Command bench measures otpipe on this machine: throughput and latency of the
// api beside a bare net/http handler, the way of a code to its provider, and
// what a verification costs in Redis. It starts everything it needs on loopback
// and asserts no times: only a wrong answer makes it fail.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// limit ends a run that hangs.
const limit = 6 * time.Minute

// options are the command line.
type options struct {
	only     string
	conns    []int
	requests int
	rounds   int
	idle     int
	rate     int
	open     time.Duration
	kept     int
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == bareCommand {
		os.Exit(bareMain(os.Args[2:]))
	}
	o, err := parse(os.Args[1:])
	if err != nil {
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	ctx, cancel := context.WithTimeout(ctx, limit)
	err = run(ctx, o, os.Stdout)
	cancel()
	stop()
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func parse(args []string) (options, error) {
	o := options{conns: []int{1, 16, 64}}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.StringVar(&o.only, "only", "", "throughput, delivery or memory; empty: all")
	flags.Func("conns", "connections, such as 1,16,64", func(s string) (err error) {
		o.conns, err = numbers(s)
		return err
	})
	flags.IntVar(&o.requests, "requests", 6000, "requests a round; a quarter of them with one connection")
	flags.IntVar(&o.rounds, "rounds", 5, "rounds of each system")
	flags.IntVar(&o.idle, "idle", 120, "single starts, one each 50 to 100 ms")
	flags.IntVar(&o.rate, "rate", 200, "starts a second of the open loop")
	flags.DurationVar(&o.open, "open", 10*time.Second, "length of the open loop")
	flags.IntVar(&o.kept, "kept", 1000, "verifications whose bytes are counted")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if !slices.Contains([]string{"", "throughput", "delivery", "memory"}, o.only) || flags.NArg() > 0 {
		flags.Usage()
		return o, errors.New("no such part")
	}
	return o, nil
}

func numbers(s string) ([]int, error) {
	var all []int
	for part := range strings.SplitSeq(s, ",") {
		n, err := strconv.Atoi(part)
		if err != nil || n < 1 || n > 1000 {
			return nil, errors.New("want numbers from 1 to 1000")
		}
		all = append(all, n)
	}
	return all, nil
}

// run measures the parts that are asked for, in a laboratory of its own.
func run(ctx context.Context, o options, out io.Writer) (err error) {
	l, err := openLab(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.close()) }()
	if err := l.describe(ctx, out); err != nil {
		return err
	}
	for _, part := range []struct {
		name    string
		measure func(context.Context, *lab, options, io.Writer) error
	}{{"throughput", throughput}, {"delivery", delivery}, {"memory", memory}} {
		if o.only != "" && o.only != part.name {
			continue
		}
		if err := part.measure(ctx, l, o, out); err != nil {
			return fmt.Errorf("%s: %w%s", part.name, err, l.lastWords())
		}
	}
	return nil
}
