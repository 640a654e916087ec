package otp

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strconv"
	"time"
)

// Record is a line of the audit trail: an event, kept for good. The records of a
// partition are a chain: each has the sum of the one before in its own, under a key
// made of the anchor, which is not where they are kept and never changes, so that
// none can be changed, left out, added or moved unseen. What is personal of a record is in the chain as a salted hash only:
// it can be erased, and the chain still holds.
type Record struct {
	Partition    Partition `json:"partition"`
	Seq          uint64    `json:"seq"`   // in the partition, from 1, without a gap
	Entry        string    `json:"entry"` // of the event in the store's stream; no other record of the partition has it
	At           time.Time `json:"at"`    // by the store's clock, to the millisecond, UTC
	Kind         string    `json:"kind"`  // such as "verification.approved"
	Verification ID        `json:"verification,omitempty"`
	Namespace    Namespace `json:"namespace,omitempty"`
	Send         int       `json:"send,omitempty"`
	Attempt      int       `json:"attempt,omitempty"`
	Provider     string    `json:"provider,omitempty"`
	Reason       string    `json:"reason,omitempty"`  // a short code
	Actor        string    `json:"actor,omitempty"`   // an API key's name, or who of the staff
	Request      string    `json:"request,omitempty"` // the id of the request that caused it

	Personal    *Personal `json:"personal,omitempty"` // nil if there was nothing, or it has been erased
	PersonalSum string    `json:"personal_sum,omitempty"`

	Prev string `json:"prev,omitempty"` // the Sum of the record before
	Sum  string `json:"sum"`
}

// Personal is what can be erased of a record.
type Personal struct {
	Salt   string `json:"salt"`
	To     string `json:"to,omitempty"`     // masked
	Anchor Anchor `json:"anchor,omitempty"` // of the recipient
	Client string `json:"client,omitempty"` // the address that the request came from
	Note   string `json:"note,omitempty"`   // what a member of the staff said of their act
}

// Batch is what the exporter of a partition's records works on.
type Batch struct {
	Last   Record // of the chain so far: its partition, number and sum
	Seed   string // of the records' salts, gone when the batch is finished
	Missed int    // events that were trimmed before they were taken
	Events []Event
}

// NewSalt is the salt of a record's personal part: 128 random bits.
func NewSalt() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails
	return hex.EncodeToString(b[:])
}

// sum is the salted hash that stands for the personal part in the chain.
func (p *Personal) sum() string {
	h := sha256.New()
	for _, part := range []string{p.Salt, p.To, string(p.Anchor), p.Client, p.Note} {
		_, _ = h.Write(binary.AppendUvarint(nil, uint64(len(part))))
		_, _ = h.Write([]byte(part))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Link makes r the next record of its partition's chain after prev, the zero
// Record if it is the first.
func (k Keys) Link(prev, r Record) Record {
	r.Seq, r.Prev = prev.Seq+1, prev.Sum
	r.PersonalSum = ""
	if r.Personal != nil {
		r.PersonalSum = r.Personal.sum()
	}
	r.Sum = chained(k.Audit, r)
	return r
}

// What is wrong with a record of a chain.
var (
	ErrRecordChanged   = errors.New("the record is not what was written")
	ErrPersonalChanged = errors.New("the personal part is not what was written")
)

// CheckRecord tells what is wrong with a record itself; nil if it is what was
// written, whether or not its personal part has been erased.
func (k Keys) CheckRecord(r Record) error {
	switch {
	case !hmac.Equal([]byte(r.Sum), []byte(chained(k.Audit, r))):
		return ErrRecordChanged
	case r.Personal != nil && r.PersonalSum != r.Personal.sum():
		return ErrPersonalChanged
	}
	return nil
}

// Follows tells whether r is the one after prev in the chain.
func (r Record) Follows(prev Record) bool {
	return r.Partition == prev.Partition && r.Seq == prev.Seq+1 && r.Prev == prev.Sum
}

// chained is the sum of everything in r that cannot be erased.
func chained(k Key, r Record) string {
	sum := k.sum("record", r.Prev, r.Partition.String(), strconv.FormatUint(r.Seq, 10), r.Entry, strconv.FormatInt(r.At.UnixMilli(), 10),
		r.Kind, string(r.Verification), string(r.Namespace), strconv.Itoa(r.Send), strconv.Itoa(r.Attempt),
		r.Provider, r.Reason, r.Actor, r.Request, r.PersonalSum)
	return hex.EncodeToString(sum[:])
}
