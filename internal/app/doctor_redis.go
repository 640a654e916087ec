package app

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/otpipe/otpipe/internal/doctor"
	"github.com/otpipe/otpipe/internal/redisstore"
)

// redisLook is what the doctor asks of a Redis beyond what -check does.
type redisLook struct {
	setting  string
	at       place
	replicas int
}

const (
	clockSkew = time.Second // between Redis and this host that is told
	fullShare = 0.8         // of maxmemory that is told
)

func (r redisLook) look(ctx context.Context) []doctor.Finding {
	all, err := checkServers(ctx, r.setting, r.at, r.replicas)
	if err != nil {
		return []doctor.Finding{r.fault(err)}
	}
	var more []doctor.Finding
	err = eachServer(ctx, r.setting, r.at, r.examine, &more)
	if err != nil {
		more = append(more, doctor.Finding{Grade: doctor.Fail, Says: err.Error()})
	}
	return append(more, all...)
}

// fault is a Redis that cannot be used.
func (r redisLook) fault(err error) doctor.Finding {
	f := doctor.Finding{Grade: doctor.Fail, Says: err.Error()}
	if !redisstore.Denied(err) { // which says itself what to do
		f.Do = "start it, or see where " + r.setting + " leads"
	}
	return f
}

// examine asks one server. What its user may not ask is left out.
func (r redisLook) examine(ctx context.Context, where string, node redis.UniversalClient, _ bool) ([]doctor.Finding, error) {
	asked := time.Now()
	clock, err := node.Time(ctx).Result()
	if err != nil {
		return nil, noAnswer(where, err)
	}
	took := time.Since(asked)
	text, _ := node.Info(ctx).Result()
	facts := server(text)
	all := []doctor.Finding{{Grade: doctor.OK, Says: fmt.Sprintf("%s: Redis %s answers in %s", where, known(facts["redis_version"]), took.Round(10*time.Microsecond))}}
	if off := clock.Sub(asked.Add(took / 2)).Abs(); off > clockSkew+took {
		all = append(all, doctor.Finding{Grade: doctor.Warn, Says: fmt.Sprintf("%s: its clock and this host's are %s apart", where, off.Round(time.Second)), Do: "have both follow NTP: codes live by Redis' clock, signatures by the processes'"})
	}
	all = append(all, facts.memory(where)...)
	return append(all, facts.persistence(where, setting(ctx, node, "appendfsync"))...), nil
}

// setting is one of Redis' own; "" if its user may not ask for it.
func setting(ctx context.Context, node redis.UniversalClient, name string) string {
	got, _ := node.ConfigGet(ctx, name).Result()
	return got[name]
}

func known(version string) string {
	if version == "" {
		return "of an unknown version"
	}
	return version
}

// memory tells whether there is room.
func (f facts) memory(where string) []doctor.Finding {
	var used, most float64
	_, _ = fmt.Sscan(f["used_memory"], &used)
	_, _ = fmt.Sscan(f["maxmemory"], &most)
	if most == 0 || used < fullShare*most {
		return nil
	}
	return []doctor.Finding{{Grade: doctor.Warn, Says: fmt.Sprintf("%s: %.0f%% of its maxmemory are used", where, 100*used/most), Do: "give it more: a full one refuses every start"}}
}

// persistence tells what a crash may cost.
func (f facts) persistence(where, fsync string) (all []doctor.Finding) {
	if f["aof_enabled"] != "1" {
		return nil // which is told already
	}
	if status := f["aof_last_write_status"]; status != "ok" && status != "" {
		all = append(all, doctor.Finding{Grade: doctor.Fail, Says: where + ": the append-only file cannot be written", Do: "see Redis' log, and whether its disk is full"})
	}
	switch strings.ToLower(fsync) {
	case "no":
		all = append(all, doctor.Finding{Grade: doctor.Warn, Says: where + ": appendfsync is no: a crash of its machine may cost half a minute of codes and limits", Do: "want everysec or always"})
	case "everysec":
		all = append(all, doctor.Finding{Grade: doctor.OK, Says: where + ": appendonly yes, appendfsync everysec: a crash of its machine may cost a second of codes"})
	case "always":
		all = append(all, doctor.Finding{Grade: doctor.OK, Says: where + ": appendonly yes, appendfsync always: a crash costs nothing"})
	}
	return all
}
