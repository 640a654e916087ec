package totp_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/totp"
)

func (a app) recover(typed string) (totp.Checked, error) {
	return a.r.Check(a.r.t.Context(), anybody, totp.CheckRequest{ID: a.id, Recovery: typed})
}

func TestEachRecoveryCodeIsGoodOnce(t *testing.T) {
	both(t, func(r *rig) {
		a, codes := r.confirmed()
		for i, code := range codes {
			c, err := a.recover(strings.ToUpper(code.Reveal()))
			if outcome(c, err) != "right" || c.RecoveryCodes != len(codes)-i-1 || c.Token.Reveal() == "" {
				r.t.Fatalf("%s, %d left", outcome(c, err), c.RecoveryCodes)
			}
		}
		c, err := a.recover(codes[0].Reveal())
		if outcome(c, err) != string(otp.CodeMismatch) || c.ChecksLeft != 4 {
			r.t.Errorf("used: %s, %d left", outcome(c, err), c.ChecksLeft)
		}
	})
}

func TestOfAHundredWithOneRecoveryCodeOneIsApproved(t *testing.T) {
	both(t, func(r *rig) {
		a, codes := r.confirmed()
		got := hundred(func() (totp.Checked, error) { return a.recover(codes[3].Reveal()) })
		if got["right"] != 1 || got[string(otp.CodeMismatch)] != 5 || got["locked out"] != 94 {
			r.t.Errorf("%v", got)
		}
	})
}

func TestGuessesAtRecoveryCodesLockAsThoseAtCodesDo(t *testing.T) {
	both(t, func(r *rig) {
		a, codes := r.confirmed()
		for range 3 {
			a.want(a.wrong(), otp.CodeMismatch)
		}
		for range 2 {
			if c, err := a.recover("00000-00000"); outcome(c, err) != string(otp.CodeMismatch) {
				r.t.Fatal(outcome(c, err))
			}
		}
		if c, err := a.recover(codes[0].Reveal()); outcome(c, err) != "locked out" {
			r.t.Error(outcome(c, err))
		}
	})
}

func TestNewRecoveryCodesReplaceTheOldOnes(t *testing.T) {
	both(t, func(r *rig) {
		a, old := r.confirmed()
		renewed, err := r.Renew(r.t.Context(), anybody, a.id)
		if err != nil || len(renewed) != otp.RecoveryCodes {
			r.t.Fatal(len(renewed), err)
		}
		if c, err := a.recover(old[0].Reveal()); outcome(c, err) != string(otp.CodeMismatch) {
			r.t.Errorf("an old one: %s", outcome(c, err))
		}
		if c, err := a.recover(renewed[0].Reveal()); outcome(c, err) != "right" || c.RecoveryCodes != 9 {
			r.t.Errorf("a new one: %s", outcome(c, err))
		}
		if _, err := r.Renew(r.t.Context(), anybody, r.enrol(request()).id); !errors.Is(err, otp.ErrFactorUnconfirmed) {
			r.t.Errorf("of an unconfirmed factor: %v", err)
		}
	})
}

func TestRecoveryCodesOutliveARotation(t *testing.T) {
	both(t, func(r *rig) {
		a, codes := r.confirmed()
		r.Keys = keysOf(r.t, "k2")
		if c, err := a.recover(codes[0].Reveal()); outcome(c, err) != "right" {
			r.t.Error(outcome(c, err))
		}
	})
}
