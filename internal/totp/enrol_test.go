package totp_test

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/totp"
)

func TestAFactorIsGoodForNothingUntilItIsConfirmed(t *testing.T) {
	both(t, func(r *rig) {
		a := r.enrol(request())
		if _, err := a.check(a.code(0)); !errors.Is(err, otp.ErrFactorUnconfirmed) {
			r.t.Errorf("checked: %v", err)
		}
		c, err := r.Confirm(r.t.Context(), anybody, a.id, a.wrong())
		if err != nil || c.Right() || c.ChecksLeft != 4 || len(c.Recovery) != 0 {
			r.t.Fatalf("a wrong one: %+v, %v", c.FactorVerdict, err)
		}
		code := a.code(0)
		if c, err := r.Confirm(r.t.Context(), anybody, a.id, code); err != nil || !c.Right() || c.Token.Reveal() != "" {
			r.t.Fatalf("%+v, %v", c.FactorVerdict, err)
		}
		if _, err := r.Confirm(r.t.Context(), anybody, a.id, a.code(1)); !errors.Is(err, otp.ErrFactorConfirmed) {
			r.t.Errorf("confirmed again: %v", err)
		}
		a.want(code, otp.AlreadyUsed)
	})
}

func TestAFactorThatIsNotConfirmedInTimeIsGone(t *testing.T) {
	both(t, func(r *rig) {
		a := r.enrol(request())
		r.pass(totp.Enrolment)
		if _, err := r.Confirm(r.t.Context(), anybody, a.id, a.code(0)); !errors.Is(err, otp.ErrFactorNotFound) {
			r.t.Errorf("%v", err)
		}
		if all, err := r.List(r.t.Context(), anybody, otp.PhoneAuth, "user-1"); err != nil || len(all) != 0 {
			r.t.Errorf("%d are listed, %v", len(all), err)
		}
		r.enrol(request())
		var kept int
		if err := r.query("SELECT count(*) FROM otpipe_factors").Scan(&kept); err != nil || kept != 1 {
			r.t.Errorf("%d are kept, %v", kept, err)
		}
	})
}

func TestASubjectHasTenFactorsAtMostHoweverManyAreAskedForAtOnce(t *testing.T) {
	both(t, func(r *rig) {
		var made, refused atomic.Int32
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				_, err := r.Enrol(r.t.Context(), anybody, request())
				for errors.Is(err, otp.ErrStoreUnavailable) {
					_, err = r.Enrol(r.t.Context(), anybody, request())
				}
				switch {
				case err == nil:
					made.Add(1)
				case errors.Is(err, otp.ErrTooManyFactors):
					refused.Add(1)
				default:
					r.t.Error(err)
				}
			})
		}
		all.Wait()
		if listed, err := r.List(r.t.Context(), anybody, otp.PhoneAuth, "user-1"); err != nil || len(listed) != 10 {
			r.t.Errorf("%d are there, %v; %d were made, %d refused", len(listed), err, made.Load(), refused.Load())
		}
		other := request()
		other.Subject = "user-2"
		r.enrol(other)
		other = request()
		other.Namespace = otp.AddPhone
		r.enrol(other)
	})
}

func TestAKeyOfAnotherNamespaceDoesNotKnowAFactor(t *testing.T) {
	both(t, func(r *rig) {
		a, codes := r.confirmed()
		ctx, other := r.t.Context(), otp.Caller{Name: "other", Scopes: otp.Scopes, Namespaces: []otp.Namespace{otp.AddPhone}}
		for what, err := range map[string]error{
			"get":     second(r.Get(ctx, other, a.id)),
			"check":   second(r.Check(ctx, other, totp.CheckRequest{ID: a.id, Code: a.code(0)})),
			"recover": second(r.Check(ctx, other, totp.CheckRequest{ID: a.id, Recovery: codes[0].Reveal()})),
			"confirm": second(r.Confirm(ctx, other, a.id, a.code(0))),
			"renew":   second(r.Renew(ctx, other, a.id)),
			"delete":  second(r.Delete(ctx, other, a.id)),
		} {
			if !errors.Is(err, otp.ErrFactorNotFound) {
				r.t.Errorf("%s: %v", what, err)
			}
		}
		if _, err := r.List(ctx, other, otp.PhoneAuth, "user-1"); !errors.Is(err, otp.ErrNamespaceForbidden) {
			r.t.Errorf("list: %v", err)
		}
		a.want(a.code(0), "")
	})
}

func second[T any](_ T, err error) error { return err }

func TestADeletedFactorIsGoneWithItsRecoveryCodes(t *testing.T) {
	both(t, func(r *rig) {
		a, _ := r.confirmed()
		if _, err := r.Delete(r.t.Context(), anybody, a.id); err != nil {
			r.t.Fatal(err)
		}
		if _, err := a.check(a.code(0)); !errors.Is(err, otp.ErrFactorNotFound) {
			r.t.Errorf("checked: %v", err)
		}
		if _, err := r.Delete(r.t.Context(), anybody, a.id); !errors.Is(err, otp.ErrFactorNotFound) {
			r.t.Errorf("again: %v", err)
		}
		var kept int
		if err := r.query("SELECT count(*) FROM otpipe_recovery_codes").Scan(&kept); err != nil || kept != 0 {
			r.t.Errorf("%d recovery codes are kept, %v", kept, err)
		}
	})
}

func TestWhatCannotBeEnrolledIsToldByField(t *testing.T) {
	both(t, func(r *rig) {
		for field, spoil := range map[string]func(q *totp.EnrolRequest){
			"subject":   func(q *totp.EnrolRequest) { q.Subject = "" },
			"issuer":    func(q *totp.EnrolRequest) { q.Issuer = "a:b" },
			"account":   func(q *totp.EnrolRequest) { q.Account = strings.Repeat("a", 129) },
			"digits":    func(q *totp.EnrolRequest) { q.Clockwork.Digits = 9 },
			"period":    func(q *totp.EnrolRequest) { q.Clockwork.Period = time.Second },
			"algorithm": func(q *totp.EnrolRequest) { q.Clockwork.Algorithm = "" },
		} {
			q := request()
			spoil(&q)
			var bad *otp.InputError
			if _, err := r.Enrol(r.t.Context(), anybody, q); !errors.As(err, &bad) || bad.Field != field {
				r.t.Errorf("%s: %v", field, err)
			}
		}
		for _, subject := range []string{"a\nb", "a\x00b", "\xff", strings.Repeat("a", 129)} {
			q := request()
			q.Subject = subject
			if _, err := r.Enrol(r.t.Context(), anybody, q); !errors.Is(err, otp.ErrInvalid) {
				r.t.Errorf("%q: %v", subject, err)
			}
		}
	})
}
