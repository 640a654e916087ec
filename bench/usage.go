package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
)

// usage is processor time: of a server, of Redis and its scripts and commands,
// of the bench, and of the whole machine.
type usage struct {
	server, redis, scripts, bench time.Duration
	busy, machine                 time.Duration // of all cores
	commands                      map[string]command
}

// command is what a Redis command cost, inside scripts or not.
type command struct {
	calls float64
	took  time.Duration
}

// spent reads all clocks.
func spent(ctx context.Context, rdb *redis.Client, server *process) (usage, error) {
	u := usage{commands: map[string]command{}}
	var errs [4]error
	u.server, errs[0] = server.cpu()
	u.bench, errs[1] = ownCPU()
	u.busy, u.machine, errs[2] = machineCPU()
	errs[3] = u.readRedis(ctx, rdb)
	return u, errors.Join(errs[:]...)
}

// since is what was spent after an earlier reading.
func (u usage) since(b usage) usage {
	d := usage{
		server: u.server - b.server, redis: u.redis - b.redis, scripts: u.scripts - b.scripts, bench: u.bench - b.bench,
		busy: u.busy - b.busy, machine: u.machine - b.machine, commands: map[string]command{},
	}
	for name, c := range u.commands {
		before := b.commands[name]
		if c.calls > before.calls {
			d.commands[name] = command{c.calls - before.calls, c.took - before.took}
		}
	}
	return d
}

// plus adds what was spent at another time.
func (u usage) plus(b usage) usage {
	s := usage{
		server: u.server + b.server, redis: u.redis + b.redis, scripts: u.scripts + b.scripts, bench: u.bench + b.bench,
		busy: u.busy + b.busy, machine: u.machine + b.machine, commands: maps.Clone(b.commands),
	}
	for name, c := range u.commands {
		more := s.commands[name]
		s.commands[name] = command{c.calls + more.calls, c.took + more.took}
	}
	return s
}

// foreign is the share of the machine that others took, in percent.
func (u usage) foreign() float64 {
	if u.machine == 0 {
		return 0
	}
	return max(0, 100*float64(u.busy-u.server-u.redis-u.bench)/float64(u.machine))
}

func ownCPU() (time.Duration, error) {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0, err
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano()), nil
}

// machineCPU sums up all cores. Interrupts are left out: they are nobody's.
func machineCPU() (busy, all time.Duration, err error) {
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, 0, err
	}
	line, _, _ := bytes.Cut(stat, []byte("\n"))
	const user, nice, system, steal = 1, 2, 3, 8
	for i, f := range bytes.Fields(line) {
		switch i {
		case user, nice, system, steal:
			busy += ticks(f)
			all += ticks(f)
		case 4, 5, 6, 7: // idle, iowait, irq, softirq
			all += ticks(f)
		}
	}
	return busy, all, nil
}

func (u *usage) readRedis(ctx context.Context, rdb *redis.Client) error {
	info, err := rdb.InfoMap(ctx, "cpu", "commandstats").Result()
	if err != nil {
		return fmt.Errorf("redis info: %w", err)
	}
	for _, name := range []string{"used_cpu_user", "used_cpu_sys"} {
		s, err := strconv.ParseFloat(info["CPU"][name], 64)
		if err != nil {
			return fmt.Errorf("redis info %s: %w", name, err)
		}
		u.redis += time.Duration(s * float64(time.Second))
	}
	for name, line := range info["Commandstats"] {
		c := parseCommand(line)
		if name = strings.TrimPrefix(name, "cmdstat_"); name == "evalsha" || name == "eval" {
			u.scripts += c.took
		}
		u.commands[name] = c
	}
	return nil
}

// parseCommand reads "calls=3,usec=12,…".
func parseCommand(line string) (c command) {
	for field := range strings.SplitSeq(line, ",") {
		name, value, _ := strings.Cut(field, "=")
		n, _ := strconv.ParseFloat(value, 64)
		switch name {
		case "calls":
			c.calls = n
		case "usec":
			c.took = time.Duration(n) * time.Microsecond
		}
	}
	return c
}
