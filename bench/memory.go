package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/redis/go-redis/v9"
)

// slot is the part of a key's name that begins where its partition stands.
var slot = regexp.MustCompile(`\{[0-9a-f]{2}\}.*`)

// shared are the kinds of key that belong to no one verification.
var shared = map[string]bool{"events:": true, "due:": true, "otpipe:store": true, "asynq": true}

// memory counts the bytes in Redis while verifications live, and after they
// were approved.
func memory(ctx context.Context, l *lab, o options, out io.Writer) error {
	if err := l.startWorker(ctx); err != nil {
		return err
	}
	if err := l.empty(ctx); err != nil {
		return err
	}
	l.sink.forget()
	if _, err := closedLoop(ctx, l.at.api, 8, o.kept, startOp()); err != nil {
		return err
	}
	if missing := l.sink.await(ctx, o.kept); missing > 0 {
		return fmt.Errorf("%d of %d were never handed over", missing, o.kept)
	}
	time.Sleep(settle)
	live, err := measureKeys(ctx, l.rdb)
	if err != nil {
		return err
	}
	events, err := countEvents(ctx, l.rdb)
	if err != nil {
		return err
	}
	if _, err := closedLoop(ctx, l.at.api, 8, o.kept, l.approveOp()); err != nil {
		return err
	}
	approved, err := measureKeys(ctx, l.rdb)
	if err != nil {
		return err
	}
	return printMemory(out, o.kept, live, approved, events)
}

// approveOp checks the code that the provider was given.
func (l *lab) approveOp() operation {
	o := rightOp()
	o.body = func(b []byte, i int) []byte {
		return append(opened(b, i), `,"code":"`+l.sink.at(recipient(i))[0].code+`"}`...)
	}
	return o
}

// footprint is the bytes of all keys of each kind.
type footprint map[string]int64

func measureKeys(ctx context.Context, rdb *redis.Client) (footprint, error) {
	f := footprint{}
	var keys []string
	all := rdb.Scan(ctx, 0, "*", 1000).Iterator()
	for all.Next(ctx) {
		keys = append(keys, all.Val())
	}
	if err := all.Err(); err != nil {
		return nil, err
	}
	slices.Sort(keys)
	for batch := range slices.Chunk(slices.Compact(keys), 500) {
		sizes := make([]*redis.IntCmd, len(batch))
		_, err := rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
			for i, key := range batch {
				sizes[i] = p.MemoryUsage(ctx, key, 0)
			}
			return nil
		})
		if err != nil && !errors.Is(err, redis.Nil) { // a task that has ended meanwhile
			return nil, fmt.Errorf("memory usage: %w", err)
		}
		for i, key := range batch {
			f[kind(key)] += sizes[i].Val()
		}
	}
	return f, nil
}

// kind is a key's name without whose it is.
func kind(key string) string {
	if len(key) >= 5 && key[:5] == "asynq" {
		return "asynq"
	}
	return slot.ReplaceAllString(key, "")
}

func countEvents(ctx context.Context, rdb *redis.Client) (n int64, err error) {
	streams, err := rdb.Keys(ctx, "events:*").Result()
	if err != nil {
		return 0, err
	}
	for _, s := range streams {
		length, err := rdb.XLen(ctx, s).Result()
		if err != nil {
			return 0, err
		}
		n += length
	}
	return n, nil
}

func printMemory(out io.Writer, n int, live, approved footprint, events int64) error {
	_, _ = fmt.Fprintf(out, "bytes in redis a verification, of %d\n", n)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(w, "\tdelivered, pending\tapproved\t")
	kinds := maps.Clone(live)
	maps.Copy(kinds, approved)
	var ofLive, ofApproved, ofOthers int64
	for _, k := range slices.Sorted(maps.Keys(kinds)) {
		if shared[k] {
			ofOthers += live[k]
			continue
		}
		ofLive, ofApproved = ofLive+live[k], ofApproved+approved[k]
		_, _ = fmt.Fprintf(w, "%s\t%d\t%d\t\n", k, live[k]/int64(n), approved[k]/int64(n))
	}
	_, _ = fmt.Fprintf(w, "all of it\t%d\t%d\t\n", ofLive/int64(n), ofApproved/int64(n))
	_, _ = fmt.Fprintf(w, "kept in the end\t\t%d\t\n", (approved["v:"]+approved["recent:"])/int64(n))
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "events: %d a verification until delivered, %d bytes each; due entries: %d bytes a verification; asynq's own: %d bytes in all\n",
		events/int64(n), live["events:"]/max(1, events), live["due:"]/int64(n), live["asynq"])
	return err
}
