package main

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// operation is one kind of request and the answer that it must get.
type operation struct {
	name, path string
	body       func(b []byte, i int) []byte // appends the ith
	status     int
	holds      []string // of which the answer holds one
}

const (
	rightCode = "123456" // of every code that seed stores
	wrongCode = "000000"
)

func startOp() operation {
	return operation{name: "start", path: "/v1/verifications", status: 202, holds: []string{`"pending"`}, body: func(b []byte, i int) []byte {
		return append(opened(b, i), '}')
	}}
}

// wrongOp guesses at a drawn code: once in a million it is right.
func wrongOp() operation {
	return checkOp("wrong check", wrongCode, `"reason":"code_mismatch"`, `"valid":true`)
}

func rightOp() operation { return checkOp("right check", rightCode, `"valid":true`) }

func checkOp(name, code string, holds ...string) operation {
	return operation{name: name, path: "/v1/verifications/check", status: 200, holds: holds, body: func(b []byte, i int) []byte {
		return append(opened(b, i), `,"code":"`+code+`"}`...)
	}}
}

func opened(b []byte, i int) []byte {
	b = append(b, `{"namespace":"`+string(namespace)+`","to":"`...)
	b = append(b, recipient(i)...)
	return append(b, '"')
}

// verify tells whether an answer is the one that is wanted.
func (o operation) verify(status int, answer []byte) error {
	if status == o.status && slices.ContainsFunc(o.holds, func(s string) bool { return bytes.Contains(answer, []byte(s)) }) {
		return nil
	}
	return fmt.Errorf("%s: unexpected %d: %s", o.name, status, answer)
}

// load is what a closed loop saw.
type load struct {
	took      time.Duration
	latencies []time.Duration
}

// closedLoop sends n requests over some connections, each of which waits for its
// answer. The ith request is about the ith recipient.
func closedLoop(ctx context.Context, addr string, conns, n int, o operation) (load, error) {
	clients := make([]*client, conns)
	for i := range clients {
		c, err := dial(ctx, addr)
		if err != nil {
			return load{}, err
		}
		defer c.close()
		clients[i] = c
	}
	var next atomic.Int64
	var bad complaints
	l := load{latencies: make([]time.Duration, n)}
	g, ctx := errgroup.WithContext(ctx)
	began := time.Now()
	for _, c := range clients {
		g.Go(func() error {
			var body []byte
			for i := int(next.Add(1)) - 1; i < n && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				body = o.body(body[:0], i)
				sent := time.Now()
				status, answer, err := c.post(o.path, body)
				if err != nil {
					return fmt.Errorf("%s: %w", o.name, err)
				}
				l.latencies[i] = time.Since(sent)
				bad.add(o.verify(status, answer))
			}
			return ctx.Err()
		})
	}
	err := g.Wait()
	l.took = time.Since(began)
	if err == nil {
		err = bad.err()
	}
	return l, err
}

// complaints counts what went wrong and keeps the first of it.
type complaints struct {
	mu    sync.Mutex
	count int
	first error
}

func (c *complaints) add(err error) {
	if err == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count++
	if c.first == nil {
		c.first = err
	}
}

func (c *complaints) err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.first == nil {
		return nil
	}
	return fmt.Errorf("%d unexpected answers, the first: %w", c.count, c.first)
}
