package e2e_test

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/otpipe/otpipe/internal/idptest"
	"github.com/otpipe/otpipe/internal/redistest"
)

// seldom is what asynq does when something went wrong, by user.
var seldom = map[string][][2]string{
	"otpipe-worker": {
		{"rdb.go", "requeueCmd"},         // what still runs when a worker has to end
		{"rdb.go", "archiveCmd"},         // what somebody else wrote
		{"inspect.go", "getTaskInfoCmd"}, // what a worker took that died
	},
}

// slots is what a client asks a cluster first, and no server of its own; see
// TestTheUsersDoInACluster.
const slots = "cluster|slots"

// withheld is what is asked for, and can be done without.
var withheld = map[string]string{
	"otpipe-ctl": "config|get", // it would tell passwords too
}

// TestEveryUserOfRedisMayDoWhatItsProcessDoesAndNothingElse compares the file with
// what Redis is told while the processes do everything.
func TestEveryUserOfRedisMayDoWhatItsProcessDoesAndNothingElse(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "users.acl")
	redistest.InstallUsers(t, file, false)
	server, clock := redistest.StartAhead(t, "--aclfile", file, "--protected-mode", "no", "--enable-debug-command", "yes", "--repl-diskless-sync-delay", "0")
	l := &wholeLife{rig: rigOn(t, server), clock: clock, staff: port(t), idp: idptest.Start(t)}
	l.replicated()
	listen, more, monitored, at := port(t), l.more(), l.monitor(), map[string]settings{}
	for user, place := range places {
		gate := redistest.NewGateFrom(t, server.Addr(), place).Addr().String()
		at[user] = settings{
			RedisURL: redistest.UserURL(user, gate, "1"), QueueURL: redistest.UserURL(user, gate, "2"),
			More: more, Listen: listen, PublicURL: "http://" + listen,
		}
	}
	l.live(t, at)

	all := heard(t, string(monitored()))
	for user, d := range all {
		for _, s := range seldom[user] {
			d.calledBy(asynqScript(t, s[0], s[1]))
		}
		d.commands[slots] = true
		delete(d.commands, withheld[user])
		compare(t, user, redistest.Rules(t, user), d)
	}
	everyTransition(t, all)
	l.attack(t, file)
}

// compare tells what a user lacks, and what it has and does not need.
func compare(t *testing.T, user string, rules []string, d deeds) {
	t.Helper()
	for command := range d.commands {
		if !slices.Contains(rules, "+"+command) {
			t.Errorf("%s needs +%s", user, command)
		}
	}
	for _, rule := range rules {
		used := d.commands[rule[1:]]
		if rule[0] != '+' {
			form := glob(rule[1:])
			for word := range d.words {
				used = used || form.MatchString(word)
			}
		}
		if !used {
			t.Errorf("%s does not need %s", user, rule)
		}
	}
}

// everyTransition holds the test to all that the store can do.
func everyTransition(t *testing.T, all map[string]deeds) {
	t.Helper()
	for name, first := range transitions(t) {
		ran := false
		for _, d := range all {
			for script := range d.scripts {
				ran = ran || strings.Contains(script, first)
			}
		}
		if !ran {
			t.Errorf("nobody ran %s", name)
		}
	}
}

// replicated gives the Redis a replica.
func (l *wholeLife) replicated() {
	l.Helper()
	_, number, _ := strings.Cut(l.redis.Addr(), ":")
	redistest.Start(l, "--replicaof", "127.0.0.1 "+number)
	eventually(l, 20*time.Second, "the replica follows", func() bool {
		return strings.Contains(l.store().Info(l.Context(), "replication").Val(), "state=online")
	})
}

// nothingRefused looks into what Redis refused so far.
func (l *wholeLife) nothingRefused(t *testing.T) {
	t.Helper()
	log, err := l.store().ACLLog(t.Context(), 100).Result()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range log {
		if e.Object != withheld[e.Username] {
			t.Errorf("%s was refused the %s %s (%s)", e.Username, e.Reason, e.Object, e.Context)
		}
	}
}

// crimes are what a process that was taken over might try.
var crimes = [][]any{
	{"FLUSHALL"},
	{"FLUSHDB"},
	{"SWAPDB", 1, 2},
	{"SHUTDOWN", "NOSAVE"},
	{"DEBUG", "SLEEP", 0},
	{"SAVE"},
	{"BGREWRITEAOF"},
	{"KEYS", "*"},
	{"RANDOMKEY"},
	{"DBSIZE"},
	{"MONITOR"},
	{"SLOWLOG", "GET"},
	{"CLIENT", "LIST"},
	{"CLIENT", "KILL", "TYPE", "normal"},
	{"CONFIG", "GET", "requirepass"},
	{"CONFIG", "SET", "appendonly", "no"},
	{"REPLICAOF", "127.0.0.1", 1},
	{"MODULE", "LIST"},
	{"CLUSTER", "RESET"},
	{"ACL", "SETUSER", "otpipe-api", "+@all"},
	{"ACL", "LIST"},
	{"ACL", "LOG", "RESET"},
	{"SCRIPT", "FLUSH"},
	{"SCRIPT", "KILL"},
	{"FUNCTION", "FLUSH"},
	{"DUMP", "otpipe:store"},
	{"RESTORE", "otpipe:store", 0, "x"},
	{"MIGRATE", "127.0.0.1", 1, "otpipe:store", 0, 1},
	{"RENAME", "otpipe:store", "mine"},
	{"SORT", "otpipe:store"},
	{"GET", "shop:cart"},
	{"SET", "shop:cart", "1"},
	{"DEL", "shop:cart"},
	{"HGET", "otpipe:stores", "x"},
	{"HGETALL", "asynq"},
	{"SUBSCRIBE", "shop"},
	{"PUBLISH", "asynq:cancel", "x"},
	{"EVAL", "return redis.call('GET', 'shop:cart')", 0},
	{"EVAL", "return redis.call('GET', KEYS[1])", 1, "shop:cart"},
	{"EVAL", "return redis.call('FLUSHALL')", 0},
	{"EVAL", "return redis.call('KEYS', '*')", 0},
	{"EVAL", "return redis.call('CONFIG', 'GET', '*')", 0},
	{"EVAL", "return redis.call('SHUTDOWN')", 0},
}

// refusal is what Redis says to them.
var refusal = regexp.MustCompile(`^NOPERM |The user executing the script can't|not allowed from script`)

// attack tries all of them as every user, and as somebody who is none.
func (l *wholeLife) attack(t *testing.T, file string) {
	t.Helper()
	admin := l.store()
	ctx, kept := t.Context(), redis.NewClient(&redis.Options{Addr: l.redis.Addr(), DB: 1})
	t.Cleanup(func() { _ = kept.Close() })
	if err := kept.Set(ctx, "shop:cart", "theirs", 0).Err(); err != nil {
		t.Fatal(err)
	}
	before := kept.DBSize(ctx).Val()
	for _, user := range redistest.Users {
		o, err := redis.ParseURL(redistest.UserURL(user, l.redis.Addr(), "1"))
		if err != nil {
			t.Fatal(err)
		}
		o.DisableIdentity = true
		c := redis.NewClient(o)
		t.Cleanup(func() { _ = c.Close() })
		for _, crime := range crimes {
			err := c.Do(ctx, crime...).Err()
			if err == nil || !refusal.MatchString(err.Error()) {
				t.Errorf("%s %v: %v", user, crime, err)
			}
		}
	}
	if now := kept.DBSize(ctx).Val(); now != before || kept.Get(ctx, "shop:cart").Val() != "theirs" {
		t.Errorf("%d keys are %d", before, now)
	}
	redistest.InstallUsers(t, file, true)
	if err := admin.Do(ctx, "ACL", "LOAD").Err(); err != nil {
		t.Fatal(err)
	}
	o := &redis.Options{Addr: l.redis.Addr(), DisableIdentity: true}
	stranger := redis.NewClient(o)
	t.Cleanup(func() { _ = stranger.Close() })
	if err := stranger.Ping(ctx).Err(); !redis.IsAuthError(err) {
		t.Errorf("somebody without a name: %v", err)
	}
	o.Username, o.Password = redistest.Admin, redistest.Admin
	known := redis.NewClient(o)
	t.Cleanup(func() { _ = known.Close() })
	if n := len(known.ACLList(ctx).Val()); n != len(redistest.Users)+2 {
		t.Errorf("the administrator sees %d users", n)
	}
}

// TestTheUsersDoInACluster serves people of all its nodes.
func TestTheUsersDoInACluster(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "users.acl")
	redistest.InstallUsers(t, file, false)
	r := newRig(t, "--aclfile", file)
	c := redistest.StartCluster(t, "--aclfile", file)
	at := func(user string) settings {
		return settings{
			RedisURL: "redis+cluster://" + user + ":" + user + "@" + strings.Join(c.Addrs(), ","),
			QueueURL: redistest.UserURL(user, r.redis.Addr(), "0"),
		}
	}
	a := r.startAPI(at("otpipe-api"))
	r.startWorker(at("otpipe-worker"))
	for _, to := range r.phones(9) {
		a.start(t, "load", to)
		if got := a.check(t, "load", to, r.code(to, 20*time.Second)); !got.Valid {
			t.Errorf("check: %+v", got)
		}
	}
	s := at("otpipe-ctl")
	s.Admin = ":9090"
	if code, out := command(t, "otpctl", "doctor", "--config", r.write(s)); code != 0 {
		t.Errorf("otpctl doctor: %d\n%s", code, out)
	}
	asked := false
	for _, node := range c.Nodes {
		one := redis.NewClient(&redis.Options{Addr: node.Addr()})
		t.Cleanup(func() { _ = one.Close() })
		if log := one.ACLLog(t.Context(), 100).Val(); len(log) > 1 || len(log) == 1 && log[0].Object != withheld["otpipe-ctl"] {
			t.Errorf("refused: %+v", log)
		}
		asked = asked || strings.Contains(one.Info(t.Context(), "commandstats").Val(), "cmdstat_"+slots+":")
	}
	if !asked {
		t.Errorf("nobody asks for %s", slots)
	}
}
