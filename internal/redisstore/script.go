package redisstore

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/otpipe/otpipe/internal/otp"
)

//go:embed lua/*.lua
var lua embed.FS

// transition is one script.
type transition struct {
	name, text string
	script     *redis.Script
}

func newTransition(name, text string) transition {
	return transition{name, text, redis.NewScript(text)}
}

// include names a file that stands in the place of the line. A script takes in
// what it needs where it needs it: Lua makes the functions it passes anew at
// each run, so what only some outcomes call stands after the others have returned.
var include = regexp.MustCompile(`(?m)^ *-- include ([a-z]+)$`)

// load puts a script together.
func load(name string) transition {
	return newTransition(name, keysLua+included(read(name)))
}

func included(text string) string {
	return include.ReplaceAllStringFunc(text, func(line string) string {
		return included(read(include.FindStringSubmatch(line)[1]))
	})
}

func read(name string) string {
	b, err := lua.ReadFile("lua/" + name + ".lua")
	if err != nil {
		panic(err) // embedded: it is there or the build is broken
	}
	return string(b)
}

// run makes one transition in one round trip. Its error is ErrStoreUnavailable:
// whether the transition happened is then not known, and asking again with the
// same nonce or holder is safe.
func (s *Store) run(ctx context.Context, t transition, key string, args ...any) (reply, error) {
	got, err := t.script.Run(ctx, s.Redis, []string{key}, s.frame(ctx, args)...).Slice()
	return reply(got), t.explained(unavailable(t.name, err))
}

// runDurable is run for a transition whose answer is a promise: with Replicas
// set it succeeds only once so many replicas have it.
func (s *Store) runDurable(ctx context.Context, t transition, key string, args ...any) (reply, error) {
	if s.Replicas == 0 {
		return s.run(ctx, t, key, args...)
	}
	got, copies, err := s.runAndWait(ctx, t.script.EvalSha, key, s.frame(ctx, args))
	if _, moved := redis.IsMovedError(err); moved {
		s.relearn(ctx)
		got, copies, err = s.runAndWait(ctx, t.script.EvalSha, key, s.frame(ctx, args))
	}
	if redis.HasErrorPrefix(err, "NOSCRIPT") {
		got, copies, err = s.runAndWait(ctx, t.script.Eval, key, s.frame(ctx, args))
	}
	if err == nil && copies < int64(s.Replicas) {
		err = fmt.Errorf("%d of %d replicas have it", copies, s.Replicas)
	}
	return got, t.explained(unavailable(t.name, err))
}

type eval func(ctx context.Context, c redis.Scripter, keys []string, args ...any) *redis.Cmd

// runAndWait sends both over one connection: WAIT is about what went before it there.
func (s *Store) runAndWait(ctx context.Context, run eval, key string, args []any) (reply, int64, error) {
	node, err := s.node(ctx, key)
	if err != nil {
		return nil, 0, err
	}
	var made, copies *redis.Cmd
	_, err = node.Pipelined(ctx, func(p redis.Pipeliner) error {
		made = run(ctx, p, []string{key}, args...)
		copies = p.Do(ctx, "WAIT", s.Replicas, replicaPatience.Milliseconds())
		return nil
	})
	if err != nil {
		return nil, 0, err
	}
	got, err := made.Slice()
	if err != nil {
		return nil, 0, err
	}
	n, err := copies.Int64()
	return got, n, err
}

// frame puts before a script's arguments what all of them get: the clock's offset,
// and for the events how many are kept and on whose behalf this is.
func (s *Store) frame(ctx context.Context, args []any) []any {
	var offset time.Duration
	if s.Offset != nil {
		offset = s.Offset()
	}
	client := ""
	if from := otp.Client(ctx); from.IsValid() {
		client = from.String()
	}
	about := strconv.Itoa(s.EventsKept) + " " + dash(otp.RequestID(ctx)) + " " + dash(otp.CallerName(ctx)) + " " + dash(client)
	return append([]any{offset.Milliseconds(), about}, args...)
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func unavailable(name string, err error) error {
	if err == nil || errors.Is(err, redis.Nil) {
		return nil
	}
	if Denied(err) {
		return &DeniedError{What: name, Says: err}
	}
	return fmt.Errorf("redis: %s: %w: %w", name, otp.ErrStoreUnavailable, err)
}

// reply is what a script returned: strings and integers.
type reply []any

func (r reply) text(i int) string {
	if i >= len(r) {
		return ""
	}
	s, _ := r[i].(string)
	return s
}

func (r reply) number(i int) int64 {
	if i >= len(r) {
		return 0
	}
	n, _ := r[i].(int64)
	return n
}

func (r reply) at(i int) time.Time           { return instant(r.number(i)) }
func (r reply) duration(i int) time.Duration { return time.Duration(r.number(i)) * time.Millisecond }

// instant reads ms since 1970; 0 is the zero time.
func instant(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
