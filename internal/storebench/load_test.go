package storebench_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/otpipe/otpipe/internal/address"
	"github.com/otpipe/otpipe/internal/otp"
)

const rightCode, wrongCode = "123456", "000000"

// phone is the ith recipient's.
func phone(i int) string { return fmt.Sprintf("+4915%09d", 110_000_000+i) }

// seeded is a code that is known, and the ticket that goes with it.
type seeded struct {
	to     string
	ticket otp.Ticket
}

// seed stores codes that are known, as the api would.
func (l *lab) seed(w way, n int) []seeded {
	l.Helper()
	all := make([]seeded, n)
	code, err := otp.ParseCode(rightCode, 6)
	if err != nil {
		l.Fatal(err)
	}
	l.each(16, n, func(i int) error {
		to, err := address.Parse(otp.SMS, phone(i))
		if err != nil {
			return err
		}
		owner := w.keys.Owner(w.namespace, to, "", w.config.Store.Partitions)
		letter, err := w.keys.SealLetter(owner, otp.Letter{To: to})
		if err != nil {
			return err
		}
		opening := otp.Opening{
			Owner: owner, ID: otp.NewID(owner.Partition), Policy: w.config.Policies()[w.namespace], Channel: otp.SMS, Masked: to.Masked(),
			Nonce: otp.NewNonce(), Digest: w.keys.DigestOf(owner, code), Code: w.keys.SealCode(owner, code), Letter: letter, Address: w.keys.SealAddress(owner, to),
		}
		opened, err := w.store.Start(l.Context(), opening)
		for range 50 {
			if long || !errors.Is(err, otp.ErrStoreUnavailable) {
				break
			}
			opened, err = w.store.Start(l.Context(), opening)
		}
		all[i] = seeded{phone(i), opened.Ticket}
		return err
	})
	return all
}

// each calls f with 0 to n-1 from so many goroutines.
func (l *lab) each(goroutines, n int, f func(i int) error) {
	l.Helper()
	var next atomic.Int64
	var wg sync.WaitGroup
	for range goroutines {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if err := f(i); err != nil {
					l.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if l.Failed() {
		l.FailNow()
	}
}

// empty throws all codes away.
func (l *lab) empty() {
	l.Helper()
	ctx := l.Context()
	keep := l.rdb.HGetAll(ctx, "otpipe:store").Val()
	if err := l.rdb.FlushDB(ctx).Err(); err != nil {
		l.Fatal(err)
	}
	if err := l.rdb.HSet(ctx, "otpipe:store", keep).Err(); err != nil {
		l.Fatal(err)
	}
}

// operation is one kind of request, and what its answer holds.
type operation struct {
	name, path, holds string
	body              func(w way, s seeded) []byte
}

var operations = []operation{
	{"start", "/v1/verifications", `"status":"pending"`, func(w way, s seeded) []byte {
		return fmt.Appendf(nil, `{"namespace":%q,"to":%q}`, w.namespace, s.to)
	}},
	{"wrong check", "/v1/verifications/check", `"reason":"code_mismatch"`, func(w way, s seeded) []byte { return guess(w, s, wrongCode) }},
	{"right check", "/v1/verifications/check", `"valid":true`, func(w way, s seeded) []byte { return guess(w, s, rightCode) }},
}

func guess(w way, s seeded, code string) []byte {
	return fmt.Appendf(nil, `{"namespace":%q,"to":%q,"code":%q,"ticket":%q}`, w.namespace, s.to, code, s.ticket)
}

func post(c *http.Client, url string, body []byte) (status int, answer []byte, err error) {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+apiKey)
	req.Header.Set("Content-Type", "application/json")
	res, err := c.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = res.Body.Close() }()
	answer, err = io.ReadAll(res.Body)
	return res.StatusCode, answer, err
}

// figures are what a round saw.
type figures struct {
	rate     float64 // requests a second
	p50, p99 time.Duration
	cpu      cpu // an operation
}

// round asks once for each of the seeded, over so many connections.
func (l *lab) round(w way, o operation, conns int, all []seeded) figures {
	l.Helper()
	c := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: conns}, Timeout: 10 * time.Second}
	defer c.CloseIdleConnections()
	took := make([]time.Duration, len(all))
	before, began := l.spent(w), time.Now()
	l.each(conns, len(all), func(i int) error {
		sent := time.Now()
		status, answer, err := w.insist(c, o.path, o.body(w, all[i]))
		took[i] = time.Since(sent)
		if err == nil && !strings.Contains(string(answer), o.holds) {
			err = fmt.Errorf("%s, %s: unexpected %d: %s", w.name, o.name, status, answer)
		}
		return err
	})
	lasted := time.Since(began)
	slices.Sort(took)
	return figures{
		rate: float64(len(all)) / lasted.Seconds(), p50: took[len(took)/2], p99: took[len(took)*99/100],
		cpu: l.spent(w).since(before).over(len(all)),
	}
}
