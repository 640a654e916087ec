package audit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

// Fault is what is wrong at a place of a chain.
type Fault struct {
	Partition otp.Partition
	Seq       uint64 // of the record at which it shows
	What      string
}

func (f Fault) String() string {
	return fmt.Sprintf("partition %s, record %d: %s", f.Partition, f.Seq, f.What)
}

// Verdict is what a verification of a partition's chain found.
type Verdict struct {
	Records  int    // each counted once
	Doubles  int    // kept more than once, which is harmless
	Erased   int    // whose personal part is gone
	From, To uint64 // numbers of the first and the last record; 0: there are none
	Missed   int    // events that were lost before they could be kept, as the chain itself says
	Faults   []Fault
}

// maxFaults bounds what is told of a chain that is wrong throughout.
const maxFaults = 100

var errEnough = errors.New("enough faults")

// Verify reads a partition's chain from its first record on. head is the last
// record that the store knows of, the zero Record if it knows of none: what is
// missing at the end is told by that alone.
func Verify(ctx context.Context, in Library, k otp.Keys, p otp.Partition, head otp.Record) (Verdict, error) {
	c := chain{keys: k, partition: p}
	err := in.Walk(ctx, p, 1, time.Time{}, c.read)
	if err != nil && !errors.Is(err, errEnough) {
		return c.Verdict, fmt.Errorf("read partition %s: %w", p, err)
	}
	if err == nil {
		c.end(head)
	}
	return c.Verdict, nil
}

// chain is a chain while it is read.
type chain struct {
	Verdict
	keys      otp.Keys
	partition otp.Partition
	last      otp.Record
}

func (c *chain) fault(seq uint64, format string, args ...any) {
	c.Faults = append(c.Faults, Fault{c.partition, seq, fmt.Sprintf(format, args...)})
}

func (c *chain) read(r otp.Record) error {
	if c.Records > 0 && r.Seq == c.last.Seq && r.Sum == c.last.Sum {
		c.Doubles++
		return nil
	}
	if err := c.keys.CheckRecord(r); err != nil {
		c.fault(r.Seq, "%v", err)
	}
	switch {
	case c.Records == 0 && r.Seq == 1 && r.Prev != "":
		c.fault(r.Seq, "the first record follows another one")
	case c.Records > 0 && r.Seq == c.last.Seq:
		c.fault(r.Seq, "there are two records with this number")
	case c.Records > 0 && r.Seq < c.last.Seq:
		c.fault(r.Seq, "it stands behind record %d", c.last.Seq)
	case c.Records > 0 && r.Seq > c.last.Seq+1:
		c.fault(r.Seq, "%d records before it are missing", r.Seq-c.last.Seq-1)
	case c.Records > 0 && !r.Follows(c.last):
		c.fault(r.Seq, "it does not follow the record before")
	}
	c.count(r)
	if len(c.Faults) >= maxFaults {
		return errEnough
	}
	return nil
}

func (c *chain) count(r otp.Record) {
	if c.Records == 0 {
		c.From = r.Seq
	}
	c.Records++
	c.To, c.last = r.Seq, r
	if r.Personal == nil && r.PersonalSum != "" {
		c.Erased++
	}
	if r.Kind == KindMissed {
		n := 0
		_, _ = fmt.Sscan(r.Reason, &n)
		c.Missed += n
	}
}

// end looks at what the store says of the chain's end.
func (c *chain) end(head otp.Record) {
	switch {
	case head.Seq > c.To:
		c.fault(c.To, "the records after it are missing: the store knows of %d", head.Seq)
	case head.Seq == c.To && head.Seq > 0 && head.Sum != c.last.Sum:
		c.fault(c.To, "the store knows of another last record")
	}
}
