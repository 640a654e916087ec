package leaktest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

// AddRedis takes every key with its value, both as Redis tells it and as it would
// dump it, and the commands that its slow log remembers.
func (h *Haystack) AddRedis(t testing.TB, c *redis.Client, when string) {
	t.Helper()
	ctx := context.Background()
	keys, err := c.Keys(ctx, "*").Result()
	if err != nil || len(keys) == 0 {
		t.Fatalf("%d keys: %v", len(keys), err)
	}
	for _, k := range keys {
		text := []byte(k + "\n")
		text = append(text, fmt.Sprintf("%q\n", value(t, c, k))...)
		h.Add(when+": "+k, append(text, c.Dump(ctx, k).Val()...))
	}
	slow, err := c.SlowLogGet(ctx, -1).Result()
	if err != nil {
		t.Fatal(err)
	}
	var args bytes.Buffer
	for _, entry := range slow {
		_, _ = fmt.Fprintf(&args, "%s\n", strings.Join(entry.Args, " "))
	}
	h.Add(when+": SLOWLOG", args.Bytes())
	c.Do(ctx, "SLOWLOG", "RESET")
}

func value(t testing.TB, c *redis.Client, key string) any {
	t.Helper()
	ctx := context.Background()
	switch kind := c.Type(ctx, key).Val(); kind {
	case "string":
		return c.Get(ctx, key).Val()
	case "hash":
		return c.HGetAll(ctx, key).Val()
	case "list":
		return c.LRange(ctx, key, 0, -1).Val()
	case "set":
		return c.SMembers(ctx, key).Val()
	case "zset":
		return c.ZRange(ctx, key, 0, -1).Val() // scores are times
	case "stream":
		return fmt.Sprint(c.XRange(ctx, key, "-", "+").Val())
	case "none":
		return "" // expired meanwhile
	default:
		t.Fatalf("%s is a %s", key, kind)
		return nil
	}
}

// AddRedisFiles takes what Redis, which keeps an append-only file, has written to
// its disk.
func (h *Haystack) AddRedisFiles(t testing.TB, c *redis.Client) {
	t.Helper()
	ctx := context.Background()
	if err := c.Save(ctx).Err(); err != nil {
		t.Fatal(err)
	}
	files := 0
	err := filepath.WalkDir(c.ConfigGet(ctx, "dir").Val()["dir"], func(name string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && (strings.Contains(name, ".aof") || strings.HasSuffix(name, ".rdb")) {
			h.AddFile(t, name)
			files++
		}
		return err
	})
	if err != nil || files < 3 {
		t.Fatalf("%d files of Redis: %v", files, err)
	}
}
