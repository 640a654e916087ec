package otp_test

import (
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

func TestTheStatusOfASend(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		state    otp.State
		attempts []otp.State
		want     otp.State
	}{
		{"waits for a worker", otp.Queued, nil, otp.Queued},
		{"is being handed over", otp.Queued, []otp.State{otp.Sending}, otp.Sending},
		{"waits for its next try", otp.Queued, []otp.State{otp.Failed}, otp.Queued},
		{"is tried by the next provider", otp.Queued, []otp.State{otp.Failed, otp.Sending}, otp.Sending},
		{"waits for an answer", otp.Queued, []otp.State{otp.Unknown}, otp.Unknown},
		{"is tried again after no answer", otp.Queued, []otp.State{otp.Unknown, otp.Sending}, otp.Sending},
		{"was accepted", otp.Accepted, []otp.State{otp.Accepted}, otp.Accepted},
		{"was accepted by the second", otp.Accepted, []otp.State{otp.Failed, otp.Accepted}, otp.Accepted},
		{"was accepted late, while the second was asked", otp.Accepted, []otp.State{otp.Unknown, otp.Sending}, otp.Accepted},
		{"was given up while the second was asked", otp.Failed, []otp.State{otp.Undelivered, otp.Sending}, otp.Undelivered},
		{"is at the carrier", otp.Accepted, []otp.State{otp.Sent}, otp.Sent},
		{"arrived", otp.Accepted, []otp.State{otp.Delivered}, otp.Delivered},
		{"arrived by the first of two", otp.Accepted, []otp.State{otp.Delivered, otp.Accepted}, otp.Delivered},
		{"arrived by the first though the second was refused", otp.Accepted, []otp.State{otp.Delivered, otp.Failed}, otp.Delivered},
		{"arrived though nobody answered", otp.Unknown, []otp.State{otp.Delivered, otp.Unknown}, otp.Delivered},
		{"was given up by the carrier", otp.Accepted, []otp.State{otp.Undelivered}, otp.Undelivered},
		{"nobody took it", otp.Failed, []otp.State{otp.Failed, otp.Failed}, otp.Failed},
		{"the recipient's fault", otp.Failed, []otp.State{otp.Failed}, otp.Failed},
		{"no answer twice", otp.Unknown, []otp.State{otp.Unknown, otp.Unknown}, otp.Unknown},
		{"no answer, then refused", otp.Unknown, []otp.State{otp.Unknown, otp.Failed}, otp.Unknown},
		{"expired untouched", otp.SendExpired, nil, otp.SendExpired},
		{"expired after a refusal", otp.SendExpired, []otp.State{otp.Failed}, otp.SendExpired},
		{"canceled", otp.SendCanceled, nil, otp.SendCanceled},
		{"canceled after a refusal", otp.SendCanceled, []otp.State{otp.Failed}, otp.SendCanceled},
		{"superseded", otp.SendSuperseded, nil, otp.SendSuperseded},
		{"superseded after a refusal", otp.SendSuperseded, []otp.State{otp.Failed}, otp.SendSuperseded},
		{"suppressed", otp.SendSuppressed, nil, otp.SendSuppressed},
		{"superseded, yet it had been accepted", otp.SendSuperseded, []otp.State{otp.Accepted}, otp.Accepted},
		{"superseded, yet it was at the carrier", otp.SendSuperseded, []otp.State{otp.Sent}, otp.Sent},
		{"superseded, yet it was taken and given up", otp.SendSuperseded, []otp.State{otp.Undelivered}, otp.Undelivered},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := otp.SendRecord{State: test.state}
			for _, a := range test.attempts {
				s.Attempts = append(s.Attempts, otp.Attempt{State: a})
			}
			if got := s.Status(); got != test.want {
				t.Fatalf("%s, want %s", got, test.want)
			}
		})
	}
}

func TestTheProviderOfASendIsTheNewestAttempts(t *testing.T) {
	t.Parallel()
	if p := (otp.SendRecord{}).Provider(); p != "" {
		t.Fatalf("without attempts %q", p)
	}
	s := otp.SendRecord{Attempts: []otp.Attempt{{Provider: "a"}, {Provider: "b"}}}
	if p := s.Provider(); p != "b" {
		t.Fatalf("%q", p)
	}
}

func TestAHistoryTellsItsNewestSendAndHowManyAreLeft(t *testing.T) {
	t.Parallel()
	h := otp.History{MaxSends: 2}
	if h.SendsLeft() != 2 || h.Newest().Status() != otp.Queued {
		t.Fatalf("before the first: %d left, %s", h.SendsLeft(), h.Newest().Status())
	}
	h.Sends = []otp.SendRecord{{State: otp.Accepted}, {State: otp.SendCanceled}}
	if h.SendsLeft() != 0 || h.Newest().State != otp.SendCanceled {
		t.Fatalf("%d left, newest %s", h.SendsLeft(), h.Newest().State)
	}
	h.MaxSends = 1 // a policy that became stricter meanwhile
	if h.SendsLeft() != 0 {
		t.Fatalf("%d left", h.SendsLeft())
	}
}

func TestTheNextSendMayBeAskedForAfterTheCooldownOrAtOnceIfItWasGivenBack(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	h := otp.History{Sends: []otp.SendRecord{{AskedAt: at.Add(-time.Hour)}, {AskedAt: at}}}
	if got := h.ResendAt(otp.DefaultPolicy()); !got.Equal(at.Add(time.Minute)) {
		t.Errorf("at %s", got)
	}
	h.Sends[1].Refunded = true
	if got := h.ResendAt(otp.DefaultPolicy()); !got.Equal(at) {
		t.Errorf("refunded: at %s", got)
	}
}

func TestStatesAreRanked(t *testing.T) {
	t.Parallel()
	order := [][]otp.State{
		{otp.SendExpired, otp.SendCanceled, otp.SendSuperseded, otp.SendSuppressed, "", "nonsense"},
		{otp.Queued},
		{otp.Sending},
		{otp.Accepted},
		{otp.Sent},
		{otp.Unknown},
		{otp.Undelivered, otp.Failed},
		{otp.Delivered},
	}
	for i, equals := range order {
		for _, s := range equals {
			if s.Rank() != i-1 {
				t.Errorf("%q has rank %d, want %d", s, s.Rank(), i-1)
			}
		}
	}
}

func TestAVerdictIsRightOnlyWithAVerificationAndWithoutAReason(t *testing.T) {
	t.Parallel()
	if !(otp.Verdict{ID: "VE1"}).Right() {
		t.Error("a right guess is wrong")
	}
	for _, v := range []otp.Verdict{{}, {ID: "VE1", Reason: otp.CodeMismatch}, {Reason: otp.NoSuchCode}} {
		if v.Right() {
			t.Errorf("%+v is right", v)
		}
	}
}
