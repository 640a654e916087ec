package app

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/otpipe/otpipe/internal/doctor"
	"github.com/otpipe/otpipe/internal/redisstore"
)

// inquiry is what is asked of a Redis that shall be used.
type inquiry struct {
	setting  string // that says where it is
	replicas int    // that it must have
	cluster  bool
}

// checkServers asks the server, the sentinels' master, or every master of a cluster.
func checkServers(ctx context.Context, setting string, at place, replicas int) (found []doctor.Finding, err error) {
	err = eachServer(ctx, setting, at, func(ctx context.Context, where string, node redis.UniversalClient, inCluster bool) ([]doctor.Finding, error) {
		return inquiry{where, replicas, inCluster}.ask(ctx, node)
	}, &found)
	return found, err
}

// eachServer calls ask for each of them beside each other, and collects what it finds.
func eachServer(
	ctx context.Context, setting string, at place,
	ask func(ctx context.Context, where string, node redis.UniversalClient, inCluster bool) ([]doctor.Finding, error),
	found *[]doctor.Finding,
) error {
	client, err := apiClient(at)
	if err != nil {
		return fmt.Errorf("%s: %w", setting, err)
	}
	defer func() { _ = client.Close() }()
	cluster, ok := client.(*redis.ClusterClient)
	if !ok {
		*found, err = ask(ctx, setting, client, false)
		return err
	}
	var mu sync.Mutex
	var errs []error
	err = cluster.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error {
		about, err := ask(ctx, setting+" at "+node.Options().Addr, node, true)
		mu.Lock()
		defer mu.Unlock()
		*found, errs = append(*found, about...), append(errs, err)
		return nil
	})
	if err != nil {
		return noAnswer(setting, err)
	}
	slices.SortFunc(*found, func(a, b doctor.Finding) int { return cmp.Compare(a.Says, b.Says) })
	return errors.Join(errs...)
}

func (q inquiry) ask(ctx context.Context, client redis.UniversalClient) (found []doctor.Finding, err error) {
	text, err := client.Info(ctx).Result()
	if redis.IsPermissionError(err) {
		return []doctor.Finding{{Grade: doctor.Warn, Says: q.setting + ": its user may not ask INFO, so its version and settings are not known", Do: redisstore.Grant}}, nil
	}
	if err != nil {
		return nil, noAnswer(q.setting, err)
	}
	facts := server(text)
	if !facts.atLeast(6, 2) {
		return nil, unavailableError{fmt.Errorf("%s: this is Redis %s: want 6.2 or newer", q.setting, facts["redis_version"])}
	}
	if facts["cluster_enabled"] == "1" && !q.cluster {
		return nil, fmt.Errorf("%s: this Redis is a node of a cluster: want redis+cluster:// for the state, and a server outside of it for the queue", q.setting)
	}
	return facts.doubts(q.setting, q.replicas), nil
}

// noAnswer tells what has to be changed from what has to be started.
func noAnswer(setting string, err error) error {
	switch {
	case redisstore.Denied(err):
		return fmt.Errorf("%s: its user may not do this: %w; %s", setting, err, redisstore.Grant)
	case redis.IsAuthError(err):
		return fmt.Errorf("%s: this Redis wants another user or password", setting)
	case errors.Is(err, redis.Nil):
		return fmt.Errorf("%s: these sentinels know no master of this name", setting)
	case strings.Contains(err.Error(), "cluster support disabled"):
		return fmt.Errorf("%s: this Redis is no cluster: want redis://", setting)
	}
	if err := noTrust(setting, err); err != nil {
		return err
	}
	return unavailableError{fmt.Errorf("%s: Redis does not answer: %w", setting, err)}
}

// noTrust is an error of TLS that somebody has to mend, or nil.
func noTrust(setting string, err error) error {
	if _, theirs := errors.AsType[*tls.CertificateVerificationError](err); theirs {
		return fmt.Errorf("%s: this Redis cannot be trusted: %w; want its authority in ca_file, and in the URL the name that its certificate is for", setting, err)
	}
	if answer, ok := errors.AsType[*net.OpError](err); ok && answer.Op == "remote error" {
		return fmt.Errorf("%s: this Redis does not trust us: %w; want a certificate by its authority in cert_file and key_file", setting, err)
	}
	if errors.Is(err, io.EOF) {
		return unavailableError{fmt.Errorf("%s: Redis closes the connection: %w; want rediss:// where it speaks TLS", setting, err)}
	}
	return nil
}

// facts are what a Redis tells of itself.
type facts map[string]string

func server(info string) facts {
	all := facts{}
	for line := range strings.Lines(info) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			all[name] = value
		}
	}
	return all
}

func (f facts) atLeast(major, minor int) bool {
	var have, and int
	if _, err := fmt.Sscanf(f["redis_version"], "%d.%d", &have, &and); err != nil {
		return false
	}
	return have > major || have == major && and >= minor
}

// doubts are what may cost codes or limits.
func (f facts) doubts(setting string, replicas int) (all []doctor.Finding) {
	want := func(ok bool, grade doctor.Grade, do, format string, args ...any) {
		if !ok {
			all = append(all, doctor.Finding{Grade: grade, Says: setting + ": " + fmt.Sprintf(format, args...), Do: do})
		}
	}
	policy := f["maxmemory_policy"]
	want(policy == "noeviction" || policy == "", doctor.Warn, "want noeviction", "maxmemory-policy is %s: a full Redis would drop codes and locks", policy)
	want(f["aof_enabled"] != "0", doctor.Warn, "want appendonly yes", "appendonly is off: what is pending, and all limits, are lost when Redis restarts")
	var have int
	_, _ = fmt.Sscan(f["connected_slaves"], &have)
	want(have >= replicas, doctor.Fail, "", "store.replicas wants %d, this Redis has %d: no start would be accepted", replicas, have)
	return all
}
