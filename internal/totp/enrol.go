package totp

import (
	"context"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/otpipe/otpipe/internal/otp"
)

const (
	maxSubject = 128 // bytes
	maxIssuer  = 64  // likewise; both are for a small screen
	maxAccount = 128
)

// EnrolRequest asks for a factor.
type EnrolRequest struct {
	Namespace otp.Namespace
	Subject   string // whom the product says
	Issuer    string // the product, as the app shows it
	Account   string // the account, likewise; it is not kept
	Clockwork otp.Clockwork
}

// Enrolled is a new factor, and all that its app has to know: it is told once.
type Enrolled struct {
	otp.Factor
	Plain otp.FactorSecret
	URI   string
}

// Enrol makes a factor. It is good for nothing until it is confirmed.
func (s *Service) Enrol(ctx context.Context, who otp.Caller, r EnrolRequest) (Enrolled, error) {
	if _, err := s.policy(who, r.Namespace); err != nil {
		return Enrolled{}, err
	}
	if err := r.check(); err != nil {
		return Enrolled{}, err
	}
	owner := s.Keys.FactorOwner(r.Namespace, r.Subject, s.Partitions)
	if err := s.Sessions.Awake(ctx, owner.Partition); err != nil {
		return Enrolled{}, fmt.Errorf("ask for the records: %w", err)
	}
	now := s.Now()
	id, secret := otp.NewFactorID(owner.Partition), otp.NewFactorSecret(r.Clockwork.Algorithm)
	f := otp.Factor{
		ID: id, Namespace: r.Namespace, Subject: r.Subject, Clockwork: r.Clockwork,
		Secret: s.Keys.SealFactor(r.Namespace, id, secret), CreatedAt: now, ExpiresAt: now.Add(Enrolment),
	}
	if err := s.Factors.Add(ctx, f, MostFactors); err != nil {
		return Enrolled{}, fmt.Errorf("keep factor: %w", err)
	}
	return Enrolled{f, secret, uri(r.Issuer, r.Account, r.Clockwork, secret)}, s.record(ctx, f, "enrolled")
}

func (r EnrolRequest) check() error {
	if err := checkSubject(r.Subject); err != nil {
		return err
	}
	for field, text := range map[string]struct {
		value string
		most  int
	}{"issuer": {r.Issuer, maxIssuer}, "account": {r.Account, maxAccount}} {
		if !line(text.value, text.most) || strings.Contains(text.value, ":") {
			return &otp.InputError{Field: field, Detail: fmt.Sprintf("want 1 to %d bytes of text on one line, without a colon", text.most), Err: otp.ErrInvalid}
		}
	}
	return r.Clockwork.Check()
}

func checkSubject(s string) error {
	if line(s, maxSubject) {
		return nil
	}
	return &otp.InputError{Field: "subject", Detail: fmt.Sprintf("want 1 to %d bytes of text on one line: an id of yours, and no address", maxSubject), Err: otp.ErrInvalid}
}

// line tells whether a text is one of at most so many bytes.
func line(s string, most int) bool {
	return s != "" && len(s) <= most && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}
