package client_test

import (
	"errors"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/otpipe/otpipe/client"
)

// absent is a network in which nothing answers; it notes when it was asked.
type absent struct{ asked []time.Time }

func (a *absent) RoundTrip(*http.Request) (*http.Response, error) {
	a.asked = append(a.asked, time.Now())
	return nil, errors.New("nobody answers")
}

// remembered is how long the store knows a guess again that it counted.
func remembered(t *testing.T) time.Duration {
	t.Helper()
	script, err := os.ReadFile("../internal/redisstore/lua/check.lua")
	if err != nil {
		t.Fatal(err)
	}
	said := regexp.MustCompile(`(?m)^local AGAIN = (\d+)`).FindSubmatch(script)
	if said == nil {
		t.Fatal("check.lua does not say how long it remembers a guess")
	}
	ms, err := strconv.Atoi(string(said[1]))
	if err != nil {
		t.Fatal(err)
	}
	return time.Duration(ms) * time.Millisecond
}

// The API may die with a guess counted and its answer lost. A try that comes after
// the store has forgotten the guess would be another one.
func TestACheckIsNotTriedAgainOnceItWouldBeAnotherGuess(t *testing.T) {
	t.Parallel()
	limit := remembered(t)
	synctest.Test(t, func(t *testing.T) {
		net := &absent{}
		otp := client.Client{BaseURL: "http://otp.test", HTTP: &http.Client{Transport: net}, Waiting: time.Hour}
		if _, err := otp.Check(t.Context(), client.CheckRequest{Code: client.Hide("123456")}); err == nil {
			t.Fatal("nobody answered, and there was no error")
		}
		if n := len(net.asked); n < 5 || net.asked[n-1].Sub(net.asked[0]) > limit-5*time.Second {
			t.Errorf("%d tries, the last after %s; a guess is known for %s", n, net.asked[n-1].Sub(net.asked[0]), limit)
		}
	})
}

func TestAQuestionIsAskedForAsLongAsItsCallerWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		net := &absent{}
		otp := client.Client{BaseURL: "http://otp.test", HTTP: &http.Client{Transport: net}, Waiting: time.Hour}
		began := time.Now()
		if _, err := otp.Get(t.Context(), "VE1"); err == nil {
			t.Fatal("nobody answered, and there was no error")
		}
		if took := time.Since(began); took < 59*time.Minute {
			t.Errorf("it gave up after %s", took)
		}
	})
}
