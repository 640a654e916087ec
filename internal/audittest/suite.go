// Package audittest holds every archive that can be read to what audit.Library
// promises. Only tests import it.
package audittest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/otpipe/otpipe/internal/audit"
	"github.com/otpipe/otpipe/internal/otp"
)

// Keys are those that the suite's chains are made with.
func Keys(t testing.TB) otp.Keys {
	t.Helper()
	key := func(id string) otp.Key {
		k, err := otp.NewKey(id, bytes.Repeat([]byte(id[:1]), otp.KeySize))
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	ring, err := otp.NewRing("k1", key("k1"))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := otp.DeriveKeys(ring, key("anchor"))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// Start is when the first record of a chain happened; each is a second later.
var Start = time.Date(2026, 5, 31, 23, 59, 0, 0, time.UTC)

// Chain is a chain of n records in a partition, about two people and some others.
func Chain(t testing.TB, p otp.Partition, n int) (all []otp.Record) {
	t.Helper()
	k := Keys(t)
	last := otp.Record{Partition: p}
	for i := range n {
		at := Start.Add(time.Duration(i) * time.Second)
		r := otp.Record{
			Partition: p, Entry: fmt.Sprintf("%d-0", at.UnixMilli()), At: at, Kind: []string{"verification.created", "attempt.delivered", "verification.approved"}[i%3],
			Verification: otp.ID(fmt.Sprintf("VE%02x%030d", uint8(p), i/3)), Namespace: []otp.Namespace{otp.PhoneAuth, otp.VerifyEmail}[i%2],
			Send: i % 3, Attempt: i % 2, Provider: "twilio", Reason: "", Actor: []string{"shop", "ada"}[i%2], Request: fmt.Sprintf("req-%d", i),
			Personal: &otp.Personal{Salt: otp.NewSalt(), To: "+49•••89", Anchor: otp.Anchor(fmt.Sprintf("anchor-%d", i%4)), Client: "192.0.2.1", Note: `said "<so>" – 'so'`},
		}
		if i%5 == 4 { // about nobody
			r.Personal, r.Namespace, r.Verification, r.Kind = nil, "", "", "provider.drained"
		}
		last = k.Link(last, r)
		all = append(all, last)
	}
	return all
}

// Suite runs all tests; open makes an empty library that is closed with the test.
func Suite(t *testing.T, open func(t *testing.T) audit.Library) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, audit.Library){
		"what is kept is what was given": kept, "a double is harmless": doubles, "a search finds what it is asked for": searches,
		"pages have everything once": pages, "what is forgotten is gone and the chain holds": forgets, "partitions do not wait for each other": parallel,
		"an ended context ends all": ended, "what is old is given up": prunes, "a cursor of somebody's own is refused": cursors,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

// Walked are the records of a partition, as the library has them.
func Walked(t testing.TB, l audit.Library, p otp.Partition, from uint64) (all []otp.Record) {
	t.Helper()
	err := l.Walk(t.Context(), p, from, time.Time{}, func(r otp.Record) error { all = append(all, r); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func same(t testing.TB, want, got []otp.Record) {
	t.Helper()
	if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
		t.Errorf("%d records, want %d: %.2000s", len(got), len(want), d)
	}
}

func kept(t *testing.T, l audit.Library) {
	one, two := Chain(t, 1, 30), Chain(t, 255, 10)
	must(t, l.Append(t.Context(), one[:10]))
	must(t, l.Append(t.Context(), two))
	must(t, l.Append(t.Context(), one[10:]))
	same(t, one, Walked(t, l, 1, 1))
	same(t, one[19:], Walked(t, l, 1, 20))
	same(t, two, Walked(t, l, 255, 0))
	same(t, nil, Walked(t, l, 2, 1))
	stop := errors.New("enough")
	n := 0
	if err := l.Walk(t.Context(), 1, 1, time.Time{}, func(otp.Record) error { n++; return stop }); !errors.Is(err, stop) || n != 1 {
		t.Errorf("it goes on: %d, %v", n, err)
	}
	k := Keys(t)
	for _, r := range Walked(t, l, 1, 1) {
		must(t, k.CheckRecord(r))
	}
}

func doubles(t *testing.T, l audit.Library) {
	all := Chain(t, 3, 12)
	must(t, l.Append(t.Context(), all[:8]))
	must(t, l.Append(t.Context(), all[:8]))
	must(t, l.Append(t.Context(), all[4:]))
	got := slices.CompactFunc(Walked(t, l, 3, 1), func(a, b otp.Record) bool { return a.Seq == b.Seq && a.Sum == b.Sum })
	same(t, all, got)
	found, _, err := l.Search(t.Context(), audit.Query{Limit: 100})
	must(t, err)
	if len(found) != len(all) {
		t.Errorf("a search finds %d of %d", len(found), len(all))
	}
}

func searches(t *testing.T, l audit.Library) {
	var all []otp.Record
	for _, p := range []otp.Partition{0, 7} {
		chain := Chain(t, p, 60)
		must(t, l.Append(t.Context(), chain))
		all = append(all, chain...)
	}
	for name, q := range map[string]audit.Query{
		"all": {}, "a recipient": {Anchor: "anchor-2"}, "a verification": {Verification: all[3].Verification}, "an actor": {Actor: "ada"},
		"kinds": {Kinds: []string{"attempt.delivered", "provider.drained"}}, "a namespace": {Namespaces: []otp.Namespace{otp.VerifyEmail}},
		"a time": {From: Start.Add(10 * time.Second), Until: Start.Add(20 * time.Second)}, "nobody": {Anchor: "nobody"}, "a quote": {Actor: `' OR 1=1 --`},
		"together": {Anchor: "anchor-1", Actor: "ada", Kinds: []string{"attempt.delivered"}, Namespaces: []otp.Namespace{otp.VerifyEmail, otp.PhoneAuth}, From: Start, Until: Start.Add(time.Hour)},
	} {
		t.Run(name, func(t *testing.T) {
			q.Limit = 1000
			found, next, err := l.Search(t.Context(), q)
			must(t, err)
			want := slices.DeleteFunc(slices.Clone(all), func(r otp.Record) bool { return !q.Wants(r) })
			slices.SortStableFunc(want, func(a, b otp.Record) int {
				if c := b.At.Compare(a.At); c != 0 {
					return c
				}
				return int(b.Partition) - int(a.Partition)
			})
			same(t, want, found)
			if next != "" {
				t.Error("there is more")
			}
		})
	}
}

func pages(t *testing.T, l audit.Library) {
	chain := Chain(t, 2, 50)
	must(t, l.Append(t.Context(), chain[:40]))
	q := audit.Query{Limit: 7, Actor: "ada"}
	seen := map[uint64]bool{}
	for range 50 {
		found, next, err := l.Search(t.Context(), q)
		must(t, err)
		for _, r := range found {
			if seen[r.Seq] {
				t.Errorf("record %d is on two pages", r.Seq)
			}
			seen[r.Seq] = true
		}
		if q.Cursor == "" { // newer ones do not move the pages
			must(t, l.Append(t.Context(), chain[40:]))
		}
		if q.Cursor = next; next == "" {
			break
		}
	}
	if len(seen) != 20 {
		t.Errorf("%d on all pages, want 20", len(seen))
	}
}

func forgets(t *testing.T, l audit.Library) {
	all := Chain(t, 9, 40)
	must(t, l.Append(t.Context(), all[:20]))
	must(t, l.Append(t.Context(), all[20:]))
	about := 0
	for i, r := range all {
		if r.Personal != nil && r.Personal.Anchor == "anchor-1" {
			about++
			all[i].Personal = nil
		}
	}
	n, err := l.Forget(t.Context(), "anchor-1")
	must(t, err)
	if n != about || about == 0 {
		t.Errorf("forgot %d of %d", n, about)
	}
	same(t, all, Walked(t, l, 9, 1))
	v, err := audit.Verify(t.Context(), l, Keys(t), 9, all[39])
	must(t, err)
	if len(v.Faults) > 0 || v.Erased != about {
		t.Errorf("%+v", v)
	}
	if found, _, err := l.Search(t.Context(), audit.Query{Anchor: "anchor-1", Limit: 10}); err != nil || len(found) > 0 {
		t.Errorf("%d are found, %v", len(found), err)
	}
	if n, err := l.Forget(t.Context(), "anchor-1"); err != nil || n != 0 {
		t.Errorf("forgot %d again, %v", n, err)
	}
	more := Keys(t).Link(all[39], otp.Record{Partition: 9, Entry: "9-9", At: Start.Add(time.Hour), Kind: "verification.created"})
	must(t, l.Append(t.Context(), []otp.Record{more}))
	same(t, append(all, more), Walked(t, l, 9, 1))
}

func parallel(t *testing.T, l audit.Library) {
	var wg sync.WaitGroup
	for p := range otp.Partition(8) {
		wg.Go(func() {
			chain := Chain(t, p, 100)
			for i := 0; i < len(chain); i += 10 {
				if err := l.Append(t.Context(), chain[i:i+10]); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for p := range otp.Partition(8) {
		v, err := audit.Verify(t.Context(), l, Keys(t), p, otp.Record{})
		must(t, err)
		if v.Records != 100 || len(v.Faults) > 0 {
			t.Errorf("partition %s: %+v", p, v)
		}
	}
}

func ended(t *testing.T, l audit.Library) {
	must(t, l.Append(t.Context(), Chain(t, 1, 10)))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err := l.Search(ctx, audit.Query{Limit: 1})
	if err == nil {
		t.Error("a search goes on")
	}
	if err := l.Walk(ctx, 1, 1, time.Time{}, func(otp.Record) error { return nil }); err == nil {
		t.Error("a walk goes on")
	}
}

func prunes(t *testing.T, l audit.Library) {
	all := Chain(t, 4, 20)
	must(t, l.Append(t.Context(), all))
	must(t, l.Prune(t.Context(), Start.Add(-time.Hour)))
	same(t, all, Walked(t, l, 4, 1))
	must(t, l.Close())
}

func cursors(t *testing.T, l audit.Library) {
	must(t, l.Append(t.Context(), Chain(t, 1, 3)))
	for _, c := range []string{"nonsense", "MTIz", "'", "1.2.3"} {
		if _, _, err := l.Search(t.Context(), audit.Query{Limit: 1, Cursor: c}); !errors.Is(err, audit.ErrCursor) {
			t.Errorf("%q: %v", c, err)
		}
	}
}
