package redisstore_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/redisstore"
	"github.com/otpipe/otpipe/internal/redistest"
)

// live walks a verification through everything that writes a key.
func (r *rig) live() {
	r.t.Helper()
	o := r.mustStart(ask{binding: "device"})
	r.accept(o.Order)
	r.receive(o.Order, otp.Undelivered, func(rc *otp.Receipt) { rc.Class, rc.Permanent = otp.FaultRecipient, true })
	for range 5 {
		r.mustCheck(ask{binding: "device", code: "999999"}, otp.CodeMismatch)
	}
	r.mustStart(ask{to: "+4915112345670"})
	r.mustCheck(ask{to: "+4915112345670", code: "999999"}, otp.CodeMismatch)
	r.mustStart(ask{to: "+4915112345671"})
	r.mustCheck(ask{to: "+4915112345671"}, "")
}

func TestEveryKeyThatNamesSomebodyHasATTL(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.live()
		if err := r.store.Enter(t.Context(), 16, r.keys); err != nil {
			t.Fatal(err)
		}
		kinds := map[string]bool{}
		for _, key := range stored(t, r.rdb, "*") {
			if strings.HasPrefix(key, "due:{") || strings.HasPrefix(key, "events:{") || key == "otpipe:store" {
				continue // they name nobody; see keys.go
			}
			ttl := r.rdb.PTTL(t.Context(), key).Val()
			if ttl <= 0 {
				t.Errorf("%s has no TTL", key)
			}
			before, _, _ := strings.Cut(key, "{")
			kinds[before] = true
		}
		for _, kind := range []string{
			"phone-auth:otp:", "phone-auth:lock:", "phone-auth:fails:", "phone-auth:cooldown:", "phone-auth:daily:",
			"phone-auth:session:", "all:cooldown:", "all:daily:", "all:suppress:", "v:", "recent:",
		} {
			if !kinds[kind] {
				t.Errorf("the test wrote no %s key", kind)
			}
		}
	})
}

func TestRedisHoldsNeitherCodesNorAddresses(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.live()
		dump := dumpOf(t, r.rdb)
		for _, secret := range []string{"4915112345678", "5112345678", "4915112345670", "123456"} {
			if i := bytes.Index(dump, []byte(secret)); i >= 0 {
				t.Errorf("found %q in …%s…", secret, dump[max(0, i-80):min(len(dump), i+80)])
			}
		}
	})
}

// dumpOf is everything in a database, names and values, as a reader of it would see them.
func dumpOf(t *testing.T, rdb redis.UniversalClient) []byte {
	t.Helper()
	var b bytes.Buffer
	ctx := t.Context()
	for _, key := range stored(t, rdb, "*") {
		b.WriteString(key + "\n")
		switch kind := rdb.Type(ctx, key).Val(); kind {
		case "string":
			b.WriteString(rdb.Get(ctx, key).Val())
		case "hash":
			for f, v := range rdb.HGetAll(ctx, key).Val() {
				b.WriteString(f + " " + v + "\n")
			}
		case "list":
			b.WriteString(strings.Join(rdb.LRange(ctx, key, 0, -1).Val(), "\n"))
		case "zset":
			b.WriteString(strings.Join(rdb.ZRange(ctx, key, 0, -1).Val(), "\n"))
		case "stream":
			for _, m := range rdb.XRange(ctx, key, "-", "+").Val() {
				for f, v := range m.Values {
					b.WriteString(f + " " + v.(string) + "\n")
				}
			}
		default:
			t.Fatalf("a key of kind %s", kind)
		}
		b.WriteByte('\n')
	}
	return b.Bytes()
}

func TestEveryTransitionAddsItsEvent(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.live()
		o := r.mustStart(ask{to: "+4915112345672"})
		if err := r.store.Cancel(t.Context(), o.Order.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := r.store.Unlock(t.Context(), r.owner(ask{binding: "device"}.filled()), "support", "ticket"); err != nil {
			t.Fatal(err)
		}
		r.mustStart(ask{to: "+4915112345673"})
		r.pass(6 * time.Minute)
		for p := range 16 {
			for _, d := range r.due(otp.Partition(p)) {
				if _, err := r.store.Settle(t.Context(), d.Order.ID); err != nil {
					t.Fatal(err)
				}
			}
		}
		seen := map[string]bool{}
		for _, key := range stored(t, r.rdb, "events:*") {
			for _, m := range r.rdb.XRange(t.Context(), key, "-", "+").Val() {
				seen[m.Values["type"].(string)] = true
			}
		}
		for _, want := range []string{
			"verification.created", "send.claimed", "attempt.sending", "attempt.accepted", "attempt.undelivered",
			"verification.suppressed", "verification.check_failed", "verification.locked", "verification.approved",
			"verification.canceled", "send.canceled", "recipient.unlocked", "verification.expired", "send.expired",
		} {
			if !seen[want] {
				t.Errorf("no event %s", want)
			}
		}
	})
}

func TestAProcessThatDisagreesDoesNotEnter(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		if err := r.store.Enter(ctx, 16, r.keys); err != nil {
			t.Fatal(err)
		}
		if err := r.store.Enter(ctx, 16, r.keys); err != nil {
			t.Fatalf("the same again: %v", err)
		}
		if err := r.store.Enter(ctx, 16, keysOf(t, "k1", "k2")); err != nil {
			t.Fatalf("a new key for reading: %v", err)
		}
		if err := r.store.Enter(ctx, 16, keysOf(t, "k2")); err != nil {
			t.Fatalf("the old key retired: %v", err)
		}
		for name, err := range map[string]error{
			"another number of partitions": r.store.Enter(ctx, 32, r.keys),
			"nobody's keys":                r.store.Enter(ctx, 16, keysOf(t, "k9")),
			"another key of the same name": r.store.Enter(ctx, 16, keysOf(t, "k2=9")),
		} {
			_, disagrees := errors.AsType[*redisstore.DisagreementError](err)
			if !disagrees {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestWhetherAProcessAgreesIsToldWithoutAnythingBeingWritten(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		if err := r.store.Agrees(ctx, 16, r.keys); err != nil {
			t.Fatalf("with an empty database: %v", err)
		}
		if n := r.store.Redis.DBSize(ctx).Val(); n != 0 {
			t.Fatalf("%d keys were written", n)
		}
		if err := r.store.Enter(ctx, 16, r.keys); err != nil {
			t.Fatal(err)
		}
		if err := r.store.Agrees(ctx, 16, r.keys); err != nil {
			t.Fatal(err)
		}
		if err := r.store.Agrees(ctx, 16, keysOf(t, "k1", "k7")); err != nil {
			t.Fatalf("a new key for reading: %v", err)
		}
		if _, disagrees := errors.AsType[*redisstore.DisagreementError](r.store.Agrees(ctx, 32, r.keys)); !disagrees {
			t.Fatal("another number of partitions passes")
		}
		if _, disagrees := errors.AsType[*redisstore.DisagreementError](r.store.Agrees(ctx, 16, keysOf(t, "k7"))); !disagrees {
			t.Fatal("a key that was only looked at is known")
		}
	})
}

func TestStateSurvivesANewPrimaryKey(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		both, swapped := keysOf(t, "k1", "k2"), keysOf(t, "k2", "k1")
		r.keys = both
		o := r.mustStart(ask{})
		r.mustCheck(ask{code: "999999"}, otp.CodeMismatch)

		r.keys = swapped
		r.refused(ask{}, otp.LimitCooldown)
		if v := r.mustCheck(ask{code: "999999"}, otp.CodeMismatch); v.ChecksLeft != 3 || v.ID != o.Order.ID {
			t.Fatalf("verdict %+v", v)
		}
		r.keys = both // a process that has not been restarted yet
		r.refused(ask{}, otp.LimitCooldown)
		if v := r.mustCheck(ask{code: "999999"}, otp.CodeMismatch); v.ChecksLeft != 2 {
			t.Fatalf("verdict %+v", v)
		}
		r.keys = swapped
		r.refused(ask{}, otp.LimitCooldown) // renames it once more; the claim knows only its id
		c := r.claim(o.Order, "w")
		if code, err := r.keys.OpenCode(c.Owner, c.Code); err != nil || code.Reveal() != "123456" {
			t.Fatalf("open: %v", err)
		}
		if v := r.checkByID(o.Order.ID, "999999", ""); v.Reason != otp.CodeMismatch || v.ChecksLeft != 1 {
			t.Fatalf("by id: %+v", v)
		}
		if v := r.checkByID(o.Order.ID, "123456", ""); !v.Right() {
			t.Fatalf("by id: %+v", v)
		}
		r.mustCheck(ask{}, otp.AlreadyUsed) // found among the recent ones, under the new name
	})
}

func TestStateSurvivesARestartOfRedisWithAnAppendOnlyFile(t *testing.T) {
	t.Parallel()
	// With everysec a kill may cost what was written while a sync was running.
	server := redistest.Start(t, "--appendonly", "yes", "--appendfsync", "always")
	rdb := redis.NewClient(&redis.Options{Addr: server.Addr()})
	t.Cleanup(func() { _ = rdb.Close() })
	r := newRig(t, rdb)
	o := r.mustStart(ask{})
	r.mustCheck(ask{code: "999999"}, otp.CodeMismatch)
	server.Kill()
	server.Restart(t)
	r.refused(ask{}, otp.LimitCooldown)
	r.claim(o.Order, "w")
	if v := r.mustCheck(ask{code: "999999"}, otp.CodeMismatch); v.ChecksLeft != 3 {
		t.Fatalf("verdict %+v", v)
	}
	r.mustCheck(ask{}, "")
}

func TestWithDurabilityReplicatedAStartWithoutItsReplicaFails(t *testing.T) {
	t.Parallel()
	primary := redistest.Start(t)
	host, port, _ := strings.Cut(primary.Addr(), ":")
	rdb := redis.NewClient(&redis.Options{Addr: primary.Addr()})
	t.Cleanup(func() { _ = rdb.Close() })
	r := newRig(t, rdb)
	r.store.Replicas = 1
	if _, err := r.start(ask{}); !errors.Is(err, otp.ErrStoreUnavailable) {
		t.Fatalf("without a replica: %v", err)
	}
	replica := redistest.Start(t, "--replicaof", host+" "+port)
	copied := redis.NewClient(&redis.Options{Addr: replica.Addr()})
	t.Cleanup(func() { _ = copied.Close() })
	for end := time.Now().Add(10 * time.Second); !strings.Contains(copied.Info(t.Context(), "replication").Val(), "master_link_status:up"); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the replica does not follow")
		}
	}
	again := ask{to: "+4915112345679", nonce: otp.NewNonce()} // as a client that was told 503 would
	o, err := r.start(again)
	for end := time.Now().Add(20 * time.Second); err != nil; o, err = r.start(again) {
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
	if copied.Exists(t.Context(), "v:{"+o.Order.ID.Partition().String()+"}"+string(o.Order.ID)).Val() != 1 {
		t.Fatal("answered before the replica had it")
	}
}

func TestWithDurabilityReplicatedAnOutcomeIsToBeRepeatedUntilItsReplicaHasIt(t *testing.T) {
	t.Parallel()
	r := newRig(t, redistest.Client(t))
	c := r.underWay(ask{})
	out := otp.Outcome{Order: c.Order, Attempt: 1, State: otp.Accepted, Ref: "SM1"}
	r.store.Replicas = 1
	for range 2 {
		if _, err := r.store.Finish(t.Context(), out); !errors.Is(err, otp.ErrStoreUnavailable) {
			t.Fatalf("without a replica: %v", err)
		}
	}
	r.store.Replicas = 0 // as if it were there now
	if open, err := r.store.Finish(t.Context(), out); err != nil || open {
		t.Fatalf("finish: %t, %v", open, err)
	}
	if got, want := r.states(c.Order.ID), []string{"queued", "sending", "accepted"}; !slices.Equal(got, want) {
		t.Fatalf("the journal has %v, want %v", got, want)
	}
}
