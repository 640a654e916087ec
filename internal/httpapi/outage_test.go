package httpapi_test

import (
	"context"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/otpipe/otpipe/internal/redistest"
)

// still keeps go-redis from telling on standard error what the answers tell.
type still struct{}

func (still) Printf(context.Context, string, ...any) {}

func TestMain(m *testing.M) {
	redis.SetLogger(still{})
	os.Exit(m.Run())
}

// impatient is a client with the settings of the api's; see internal/app.
func impatient(t *testing.T, addr string) *redis.Client {
	c := redis.NewClient(&redis.Options{
		Addr: addr, DialTimeout: 300 * time.Millisecond, ReadTimeout: 350 * time.Millisecond, WriteTimeout: 350 * time.Millisecond,
		PoolTimeout: 300 * time.Millisecond, MaxRetries: 1, DialerRetries: 1,
		MinRetryBackoff: 5 * time.Millisecond, MaxRetryBackoff: 20 * time.Millisecond,
		ContextTimeoutEnabled: true, PoolSize: 100,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// unavailable wants every operation answered with 503 in time, one alone and
// fifty at once.
func unavailable(r *rig, limit time.Duration) {
	r.t.Helper()
	ask := func(q request) {
		began := time.Now()
		a := r.do(q)
		if a.status != http.StatusServiceUnavailable || a.text("code") != "store_unavailable" {
			r.t.Errorf("%s: %d %s", a.asked, a.status, a.raw)
		}
		if took := time.Since(began); took > limit {
			r.t.Errorf("%s: after %s", a.asked, took)
		}
	}
	asked := []request{report(receiptPath("twilio", someID), "delivered", authToken)}
	for _, op := range operations {
		if strings.HasPrefix(op.path, factors+"/") || op.method == http.MethodGet && strings.HasPrefix(op.path, factors) {
			continue // the database alone tells that there is none
		}
		body := op.body
		if op.scope == "check" && op.path != "/v1/verifications/check" {
			body = toPhone.with(fields{"token": "ots_" + r.partition() + "0123456789012345678901234567890123456789012"})
		}
		asked = append(asked, request{method: op.method, path: op.path, body: body})
	}
	ask(asked[1])
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() { ask(asked[i%len(asked)]) })
	}
	wg.Wait()
}

// partition is the one of toPhone's recipient.
func (r *rig) partition() string {
	o, err := r.service.Addresses("sms", phone)
	if err != nil {
		r.t.Fatal(err)
	}
	return r.keys.Owner("phone-auth", o, "", 16).Partition.String()
}

// back waits for a start to be admitted.
func back(r *rig) {
	r.t.Helper()
	end := time.Now().Add(10 * time.Second)
	for {
		a := r.do(request{path: "/v1/verifications/check", body: fields{"id": someID, "code": "739182"}})
		if a.status == http.StatusOK {
			break
		}
		if time.Now().After(end) {
			r.t.Fatalf("not back: %d %s", a.status, a.raw)
		}
		time.Sleep(10 * time.Millisecond)
	}
	r.start(toMail).want(http.StatusAccepted, "")
}

// The two tests of a store that is away run by themselves, for a busy machine must
// not be mistaken for a slow answer: that is under a second, as the soak measures.

func TestWithTheStoreGoneEveryOperationSaysSoAndComesBackByItself(t *testing.T) {
	server := redistest.Start(t)
	r := newRigOn(t, impatient(t, server.Addr()))
	r.start(toPhone).want(http.StatusAccepted, "")
	server.Kill()
	unavailable(r, 3*time.Second)
	server.Restart(t)
	back(r)
	r.get(someID).want(http.StatusNotFound, "verification_not_found")
}

func TestWithTheStoreFrozenEveryOperationSaysSoAndComesBackByItself(t *testing.T) {
	server := redistest.Start(t)
	r := newRigOn(t, impatient(t, server.Addr()))
	r.start(toPhone).want(http.StatusAccepted, "")
	server.Freeze()
	t.Cleanup(server.Thaw)
	unavailable(r, 3*time.Second)
	server.Thaw()
	back(r)
}

func TestARequestThatIsWrongNeedsNoStoreToBeRefused(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	r := newRigOn(t, impatient(t, server.Addr()))
	server.Kill()
	r.start(toPhone.with(fields{"to": "12"})).want(http.StatusBadRequest, "invalid_recipient")
	r.do(request{path: "/v1/verifications", body: toPhone, key: noKey}).want(http.StatusUnauthorized, "unauthenticated")
}
