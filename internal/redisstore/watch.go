package redisstore

import (
	"context"
	"strconv"
	"strings"

	"github.com/otpipe/otpipe/internal/otp"
)

var (
	due    = load("due")
	dues   = load("dues")
	settle = load("settle")
)

// Due lists what has to be looked after now in a partition, at most so many,
// and puts each off a little.
func (s *Store) Due(ctx context.Context, p otp.Partition, most int) ([]otp.Due, error) {
	r, err := s.run(ctx, due, dueKey(p), p.String(), most)
	if err != nil {
		return nil, err
	}
	var all []otp.Due
	for i := 0; i+1 < len(r); i += 2 {
		id, n, _ := strings.Cut(r.text(i), "/")
		channel, claims, _ := strings.Cut(r.text(i+1), " ")
		d := otp.Due{Order: otp.Order{ID: otp.ID(id)}, Channel: otp.Channel(channel), Overdue: true}
		d.Order.Send, _ = strconv.Atoi(n)
		d.Claims, _ = strconv.Atoi(claims)
		all = append(all, d)
	}
	return all, nil
}

// Dues tells how much there is to look after in all partitions.
func (s *Store) Dues(ctx context.Context, partitions int) (all otp.DueState, err error) {
	for p := range partitions {
		r, err := s.run(ctx, dues, dueKey(otp.Partition(p)))
		if err != nil {
			return otp.DueState{}, err
		}
		all.Kept += int(r.number(0))
		all.Due += int(r.number(1))
		all.Late = max(all.Late, r.duration(2))
	}
	return all, nil
}

// Settle ends a verification whose code has expired; expired tells whether it did.
func (s *Store) Settle(ctx context.Context, id otp.ID) (expired bool, err error) {
	r, err := s.run(ctx, settle, verificationKey(id), id.Partition().String(), string(id))
	return r.number(0) == 1, err
}
