package audit_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/audit"
	"github.com/otpipe/otpipe/internal/audittest"
	"github.com/otpipe/otpipe/internal/otp"
)

// Somebody can write to the archive and has no key: whatever they do shows.
func TestWhateverIsDoneToATrailShows(t *testing.T) {
	forger := func(t *testing.T) otp.Keys {
		t.Helper()
		key, err := otp.NewKey("f", []byte(strings.Repeat("f", otp.KeySize)))
		if err != nil {
			t.Fatal(err)
		}
		ring, err := otp.NewRing("f", key)
		if err != nil {
			t.Fatal(err)
		}
		keys, err := otp.DeriveKeys(ring, key)
		if err != nil {
			t.Fatal(err)
		}
		return keys
	}
	for name, c := range map[string]struct {
		do   func(t *testing.T, all []otp.Record) []otp.Record
		want string // "": it is nobody's fault
	}{
		"nothing": {func(_ *testing.T, all []otp.Record) []otp.Record { return all }, ""},
		"a record is changed": {func(_ *testing.T, all []otp.Record) []otp.Record {
			all[3].Actor = "somebody else"
			return all
		}, "record 4: the record is not what was written"},
		"a personal part is changed": {func(_ *testing.T, all []otp.Record) []otp.Record {
			p := *all[3].Personal
			p.To = "+43•••11"
			all[3].Personal = &p
			return all
		}, "record 4: the personal part is not what was written"},
		"a personal part is erased": {func(_ *testing.T, all []otp.Record) []otp.Record {
			all[3].Personal = nil
			return all
		}, ""},
		"one is left out": {func(_ *testing.T, all []otp.Record) []otp.Record { return slices.Delete(all, 3, 4) }, "record 5: 1 records before it are missing"},
		"one is left out and the others are numbered anew": {func(_ *testing.T, all []otp.Record) []otp.Record {
			all = slices.Delete(all, 3, 4)
			for i := range all {
				all[i].Seq = uint64(i + 1)
			}
			return all
		}, "record 4: the record is not what was written"},
		"the last ones are cut off":   {func(_ *testing.T, all []otp.Record) []otp.Record { return all[:7] }, "record 7: the records after it are missing: the store knows of 10"},
		"all are":                     {func(*testing.T, []otp.Record) []otp.Record { return nil }, "record 0: the records after it are missing: the store knows of 10"},
		"the first ones are given up": {func(_ *testing.T, all []otp.Record) []otp.Record { return all[4:] }, ""},
		"the first follows nobody": {func(_ *testing.T, all []otp.Record) []otp.Record {
			all[0].Prev = "x"
			return all
		}, "record 1: the first record follows another one"},
		"two change places": {func(_ *testing.T, all []otp.Record) []otp.Record {
			all[3], all[4] = all[4], all[3]
			all[3].Seq, all[4].Seq = 4, 5
			return all
		}, "record 4: the record is not what was written"},
		"one is there twice": {func(_ *testing.T, all []otp.Record) []otp.Record { return slices.Insert(all, 3, all[3]) }, ""},
		"one stands at another's place": {func(t *testing.T, all []otp.Record) []otp.Record {
			t.Helper()
			all[3] = forger(t).Link(all[2], all[3])
			return all
		}, "record 4: the record is not what was written"},
		"a second one has a number": {func(t *testing.T, all []otp.Record) []otp.Record {
			t.Helper()
			other := all[3]
			other.Reason = "other"
			return slices.Insert(all, 4, audittest.Keys(t).Link(all[2], other)) // by somebody who has the key
		}, "record 4: there are two records with this number"},
		"the end is another one": {func(t *testing.T, all []otp.Record) []otp.Record {
			t.Helper()
			other := all[9]
			other.Reason = "other"
			all[9] = audittest.Keys(t).Link(all[8], other)
			return all
		}, "record 10: the store knows of another last record"},
		"a chain of another partition": {func(t *testing.T, all []otp.Record) []otp.Record {
			t.Helper()
			other := all[3]
			other.Reason = "other"
			all[3] = audittest.Keys(t).Link(all[2], other) // by somebody who has the key, and stops there
			return all
		}, "record 5: it does not follow the record before"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.tell(2, 10)
			r.round(r.exporter("one"))
			r.archive.records = c.do(t, r.archive.records)
			v := r.verify(2)
			var said []string
			for _, f := range v.Faults {
				said = append(said, f.String())
			}
			got := strings.Join(said, "\n")
			if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestATrailThatIsWrongThroughoutIsToldOfInShort(t *testing.T) {
	r := newRig(t)
	r.tell(0, 190)
	r.round(r.exporter("one"))
	for i := range r.archive.records {
		r.archive.records[i].Actor = "x"
	}
	if v := r.verify(0); len(v.Faults) != 100 {
		t.Errorf("%d faults are told", len(v.Faults))
	}
}

func TestACursorIsReadBack(t *testing.T) {
	t.Parallel()
	r := otp.Record{Partition: 200, Seq: 1 << 40, At: time.UnixMilli(1795706349379).UTC()}
	got, err := audit.ParseCursor(audit.CursorOf(r))
	if err != nil || got.Seq != r.Seq || got.Partition != r.Partition || !got.At.Equal(r.At) {
		t.Errorf("%+v, %v", got, err)
	}
}
