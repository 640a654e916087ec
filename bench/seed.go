package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"github.com/otpipe/otpipe/internal/address"
	"github.com/otpipe/otpipe/internal/otp"
)

// seeders is how many goroutines prepare what a round needs.
const seeders = 16

// seed stores verifications whose code is known, as the api would.
func (l *lab) seed(ctx context.Context, n int) error {
	code, err := otp.ParseCode(rightCode, l.policy.Digits)
	if err != nil {
		return err
	}
	l.seeded = make([]otp.Order, n)
	return each(ctx, n, func(ctx context.Context, i int) error {
		o, err := l.opening(i, code)
		if err != nil {
			return err
		}
		opened, err := l.store.Start(ctx, o)
		if err != nil {
			return fmt.Errorf("seed: %w", err)
		}
		l.seeded[i] = opened.Order
		return nil
	})
}

// handOver has the seeded codes sent, as a worker would: a code that is checked
// was delivered before.
func (l *lab) handOver(ctx context.Context) error {
	return each(ctx, len(l.seeded), func(ctx context.Context, i int) error {
		c, ok, err := l.store.Claim(ctx, l.seeded[i], "bench")
		if err != nil || !ok {
			return fmt.Errorf("claim a seeded send: %t, %w", ok, err)
		}
		if _, err := l.store.Begin(ctx, c, 1, "twilio"); err != nil {
			return fmt.Errorf("begin a seeded send: %w", err)
		}
		_, err = l.store.Finish(ctx, otp.Outcome{
			Order: c.Order, Attempt: 1, State: otp.Accepted, Ref: "SM00000000000000000000000000000000",
		})
		return err
	})
}

// each calls f with 0 to n-1, from a few goroutines.
func each(ctx context.Context, n int, f func(ctx context.Context, i int) error) error {
	var next atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	for range seeders {
		g.Go(func() error {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if err := f(ctx, i); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return g.Wait()
}

func (l *lab) opening(i int, code otp.Code) (otp.Opening, error) {
	to, err := address.Parse(otp.SMS, recipient(i))
	if err != nil {
		return otp.Opening{}, err
	}
	owner := l.keys.Owner(namespace, to, "", l.config.Store.Partitions)
	letter, err := l.keys.SealLetter(owner, otp.Letter{To: to})
	return otp.Opening{
		Owner: owner, ID: otp.NewID(owner.Partition), Policy: l.policy, Channel: otp.SMS, Masked: to.Masked(),
		Nonce: otp.NewNonce(), Digest: l.keys.DigestOf(owner, code), Code: l.keys.SealCode(owner, code), Letter: letter, Address: l.keys.SealAddress(owner, to),
	}, err
}

// seedBare does the same for the bare handler.
func (l *lab) seedBare(ctx context.Context, n int) error {
	const batch = 500
	for first := 0; first < n; first += batch {
		_, err := l.bareDB.Pipelined(ctx, func(p redis.Pipeliner) error {
			for i := first; i < min(first+batch, n); i++ {
				at := string(namespace) + ":" + recipient(i)
				p.Set(ctx, "cooldown:"+at, "1", time.Minute)
				p.Set(ctx, "daily:"+at, "1", 24*time.Hour)
				p.HSet(ctx, bareCodeKey(at), "mac", bareDigest(at, rightCode), "n", 0)
				p.PExpire(ctx, bareCodeKey(at), 5*time.Minute)
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("seed the bare handler: %w", err)
		}
	}
	return nil
}
