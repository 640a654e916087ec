package redisstore_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/redisstore"
	"github.com/otpipe/otpipe/internal/redistest"
)

// rig is a store with a clock that the test moves.
type rig struct {
	t      testing.TB
	rdb    redis.UniversalClient
	store  *redisstore.Store
	keys   otp.Keys
	policy otp.Policy
	ahead  atomic.Int64
}

func newRig(t testing.TB, rdb redis.UniversalClient) *rig {
	r := &rig{t: t, rdb: rdb, keys: keysOf(t, "k1"), policy: otp.DefaultPolicy()}
	r.store = &redisstore.Store{
		Redis: rdb, Retention: 72 * time.Hour, EventsKept: 10_000,
		Offset: func() time.Duration { return time.Duration(r.ahead.Load()) },
	}
	return r
}

// each runs a test on both servers and in a cluster. The store may do there what the
// users of deploy/redis may, and the test everything.
func each(t *testing.T, test func(t *testing.T, r *rig)) {
	t.Parallel()
	limited := func(t *testing.T, c redis.UniversalClient) {
		r := newRig(t, c)
		r.store.Redis = redistest.Limited(t, c)
		test(t, r)
	}
	redistest.Each(t, func(t *testing.T, c *redis.Client) {
		t.Parallel()
		limited(t, c)
	})
	t.Run("cluster", func(t *testing.T) {
		t.Parallel()
		limited(t, redistest.ClusterClient(t))
	})
}

// stored are the keys of that form, on all nodes.
func stored(t *testing.T, rdb redis.UniversalClient, form string) (all []string) {
	t.Helper()
	cluster, ok := rdb.(*redis.ClusterClient)
	if !ok {
		return rdb.Keys(t.Context(), form).Val()
	}
	var mu sync.Mutex
	err := cluster.ForEachMaster(t.Context(), func(ctx context.Context, node *redis.Client) error {
		keys, err := node.Keys(ctx, form).Result()
		mu.Lock()
		defer mu.Unlock()
		all = append(all, keys...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// keysOf makes keys whose secret is their name, or what stands after "=".
func keysOf(t testing.TB, primary string, more ...string) otp.Keys {
	t.Helper()
	var all []otp.Key
	for _, spec := range append([]string{primary}, more...) {
		id, secret, given := strings.Cut(spec, "=")
		if !given {
			secret = id[len(id)-1:]
		}
		k, err := otp.NewKey(id, bytes.Repeat([]byte(secret), otp.KeySize))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, k)
	}
	ring, err := otp.NewRing(all[0].ID(), all...)
	if err != nil {
		t.Fatal(err)
	}
	anchor, err := otp.NewKey("anchor", bytes.Repeat([]byte("a"), otp.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	k, err := otp.DeriveKeys(ring, anchor)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func phone(address string) otp.Recipient {
	return otp.NewRecipient(otp.SMS, address, address, "+49•••")
}

func (r *rig) pass(d time.Duration) { r.ahead.Add(int64(d)) }

// ask is a start, as a caller would make it.
type ask struct {
	to      string
	binding string
	code    string
	nonce   otp.Nonce
	ns      otp.Namespace
}

func (a ask) filled() ask {
	if a.to == "" {
		a.to = "+4915112345678"
	}
	if a.code == "" {
		a.code = "123456"
	}
	if a.ns == "" {
		a.ns = otp.PhoneAuth
	}
	if a.nonce == "" {
		a.nonce = otp.NewNonce()
	}
	return a
}

func (r *rig) owner(a ask) otp.Owner {
	return r.keys.Owner(a.ns, phone(a.to), a.binding, 16)
}

func (r *rig) opening(a ask) otp.Opening {
	r.t.Helper()
	o := r.owner(a)
	code, err := otp.ParseCode(a.code, len(a.code))
	if err != nil {
		r.t.Fatal(err)
	}
	letter, err := r.keys.SealLetter(o, otp.Letter{To: phone(a.to)})
	if err != nil {
		r.t.Fatal(err)
	}
	return otp.Opening{
		Owner: o, ID: otp.NewID(o.Partition), Policy: r.policy, Channel: otp.SMS, Masked: "+49•••",
		Nonce: a.nonce, Digest: r.keys.DigestOf(o, code), Code: r.keys.SealCode(o, code), Letter: letter, Address: r.keys.SealAddress(o, phone(a.to)),
	}
}

func (r *rig) start(a ask) (otp.Opened, error) {
	r.t.Helper()
	return r.store.Start(r.t.Context(), r.opening(a.filled()))
}

func (r *rig) mustStart(a ask) otp.Opened {
	r.t.Helper()
	o, err := r.start(a)
	if err != nil {
		r.t.Fatalf("start: %v", err)
	}
	return o
}

func (r *rig) refused(a ask, limit otp.Limit) *otp.LimitError {
	r.t.Helper()
	o, err := r.start(a)
	le, ok := errors.AsType[*otp.LimitError](err)
	if !ok || le.Limit != limit {
		r.t.Fatalf("start: got %+v, %v; want the %s limit", o, err, limit)
	}
	return le
}

func (r *rig) guess(a ask) otp.Guess {
	r.t.Helper()
	o := r.owner(a)
	code, err := otp.ParseCode(a.code, len(a.code))
	if err != nil {
		r.t.Fatal(err)
	}
	return otp.Guess{Owner: o, Digests: r.keys.DigestsOf(o, code), Policy: r.policy, Nonce: a.nonce, Sessions: r.keys.SessionsOf(o, code, a.nonce)}
}

func (r *rig) check(a ask) (otp.Verdict, error) {
	r.t.Helper()
	return r.store.Check(r.t.Context(), r.guess(a.filled()))
}

func (r *rig) mustCheck(a ask, want otp.Reason) otp.Verdict {
	r.t.Helper()
	v, err := r.check(a)
	if err != nil {
		r.t.Fatalf("check: %v", err)
	}
	if v.Reason != want {
		r.t.Fatalf("check: reason %q, want %q", v.Reason, want)
	}
	return v
}

func (r *rig) checkByID(id otp.ID, digits, binding string) otp.Verdict {
	r.t.Helper()
	owner, err := r.store.Locate(r.t.Context(), id)
	if err != nil {
		r.t.Fatal(err)
	}
	owner.Binding = r.keys.BindingOf(binding)
	code, err := otp.ParseCode(digits, len(digits))
	if err != nil {
		r.t.Fatal(err)
	}
	n := otp.NewNonce()
	v, err := r.store.Check(r.t.Context(), otp.Guess{
		Owner: owner, ID: id, Digests: r.keys.DigestsOf(owner, code),
		Policy: r.policy, Nonce: n, Sessions: r.keys.SessionsOf(owner, code, n),
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return v
}

func (r *rig) history(id otp.ID) otp.History {
	r.t.Helper()
	h, err := r.store.Find(r.t.Context(), id)
	if err != nil {
		r.t.Fatalf("find: %v", err)
	}
	return h
}

func (r *rig) claim(o otp.Order, holder string) otp.Claim {
	r.t.Helper()
	c, ok, err := r.store.Claim(r.t.Context(), o, holder)
	if err != nil || !ok {
		r.t.Fatalf("claim: %v, %v", ok, err)
	}
	return c
}

func (r *rig) noClaim(o otp.Order, holder string) {
	r.t.Helper()
	if _, ok, err := r.store.Claim(r.t.Context(), o, holder); err != nil || ok {
		r.t.Fatalf("claim: %v, %v; want nothing to do", ok, err)
	}
}

func (r *rig) begin(c otp.Claim, attempt int) error {
	_, err := r.store.Begin(r.t.Context(), c, attempt, "twilio")
	return err
}

func (r *rig) finish(c otp.Claim, attempt int, state otp.State, class otp.Class) (open bool) {
	r.t.Helper()
	o := otp.Outcome{Order: c.Order, Attempt: attempt, State: state, Class: class, Reason: "r"}
	if state == otp.Accepted {
		o.Ref, o.Reason = "SM1", ""
	}
	open, err := r.store.Finish(r.t.Context(), o)
	if err != nil {
		r.t.Fatalf("finish: %v", err)
	}
	if !open || state != otp.Failed {
		return open
	}
	return r.rest(c, time.Second, "")
}

// rest puts a send down.
func (r *rig) rest(c otp.Claim, pause time.Duration, reason string) (open bool) {
	r.t.Helper()
	open, _, err := r.store.Rest(r.t.Context(), c, pause, reason)
	if err != nil {
		r.t.Fatalf("rest: %v", err)
	}
	return open
}

// accept hands a send over, as a worker would.
func (r *rig) accept(o otp.Order) {
	r.t.Helper()
	c := r.claim(o, "w")
	if err := r.begin(c, len(c.Attempts)+1); err != nil {
		r.t.Fatal(err)
	}
	r.finish(c, len(c.Attempts)+1, otp.Accepted, "")
}

func (r *rig) states(id otp.ID) (all []string) {
	for _, s := range r.history(id).Steps {
		all = append(all, s.State)
	}
	return all
}

// rounds is how often a race is run: a few times, or many with LONG.
func rounds(t *testing.T, few, many int) int {
	t.Helper()
	if os.Getenv("LONG") != "" {
		return many
	}
	return few
}
