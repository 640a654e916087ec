package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/totp"
)

// Factors are authenticator apps; see totp.Service.
type Factors interface {
	Enrol(ctx context.Context, who otp.Caller, r totp.EnrolRequest) (totp.Enrolled, error)
	Confirm(ctx context.Context, who otp.Caller, id otp.FactorID, typed string) (totp.Confirmed, error)
	Check(ctx context.Context, who otp.Caller, r totp.CheckRequest) (totp.Checked, error)
	Renew(ctx context.Context, who otp.Caller, id otp.FactorID) ([]otp.Code, error)
	Get(ctx context.Context, who otp.Caller, id otp.FactorID) (otp.Factor, error)
	List(ctx context.Context, who otp.Caller, ns otp.Namespace, subject string) ([]otp.Factor, error)
	Delete(ctx context.Context, who otp.Caller, id otp.FactorID) (otp.Factor, error)
}

// EnrolBody asks for a factor.
type EnrolBody struct {
	Namespace string `json:"namespace" maxLength:"32" example:"phone-auth" doc:"What its codes prove something for."`
	Subject   string `json:"subject" maxLength:"128" example:"user-7f3a" doc:"Whose app it is: an id of yours, 1 to 128 bytes. It is kept as it is, so it is no address and no name."`
	Issuer    string `json:"issuer" maxLength:"64" example:"Example" doc:"Your product, as the app shows it. No colon."`
	Account   string `json:"account" maxLength:"128" example:"kim@example.com" doc:"The account, as the app shows it. No colon. It is in the URI and the QR code only, and not kept."`
	Algorithm string `json:"algorithm,omitempty" enum:"SHA1,SHA256,SHA512" doc:"Left out: SHA1. Many apps know no other, and some show wrong codes instead of saying so."`
	Digits    int    `json:"digits,omitempty" minimum:"6" maximum:"8" doc:"Of a code. Left out: 6; many apps know no other."`
	Period    int    `json:"period,omitempty" minimum:"20" maximum:"60" doc:"Seconds that a code is shown. Left out: 30; many apps know no other."`
	Skew      *int   `json:"skew,omitempty" minimum:"0" maximum:"2" doc:"Periods that the app's clock may be off by. Left out: 1."`
}

// Factor is an authenticator app of a subject.
type Factor struct {
	ID            string   `json:"id" example:"FA0a1b2c3d4e5f60718293a4b5c6d7e8f9" doc:"Of the factor; FA and 32 hex digits."`
	Namespace     string   `json:"namespace" example:"phone-auth" doc:"What its codes prove something for."`
	Subject       string   `json:"subject" doc:"Whose it is, as you said."`
	Status        string   `json:"status" enum:"unconfirmed,confirmed" doc:"It is good for checks once it is confirmed."`
	Algorithm     string   `json:"algorithm" enum:"SHA1,SHA256,SHA512" doc:"Of its codes."`
	Digits        int      `json:"digits" doc:"Of a code."`
	Period        int      `json:"period" doc:"Seconds that a code is shown."`
	Skew          int      `json:"skew" doc:"Periods that its clock may be off by."`
	CreatedAt     Instant  `json:"created_at" doc:"When it was enrolled."`
	ExpiresAt     *Instant `json:"expires_at,omitempty" doc:"While it is unconfirmed: it is gone then."`
	ConfirmedAt   *Instant `json:"confirmed_at,omitempty" doc:"When its first code was right."`
	UsedAt        *Instant `json:"used_at,omitempty" doc:"When a code of it, or a recovery code, was right last."`
	LockedUntil   *Instant `json:"locked_until,omitempty" doc:"Too many wrong codes: none is compared until then."`
	FailedChecks  int      `json:"failed_checks" doc:"Wrong codes since the last right one, or the last lock."`
	RecoveryCodes int      `json:"recovery_codes_left" doc:"How many of them are not used yet."`
}

// Enrolled is a new factor and what its app has to know. It is told this once.
type Enrolled struct {
	Factor
	Secret string `json:"secret" doc:"For those who type it instead: base32, without padding."`
	URI    string `json:"uri" doc:"For a link on the device that has the app (otpauth://…)."`
	QRPNG  string `json:"qr_png" doc:"The URI as a QR code: a PNG as a data URI, for the src of an img."`
	QRSVG  string `json:"qr_svg" doc:"The same as an SVG document."`
}

// CodeBody is what the app shows.
type CodeBody struct {
	Code string `json:"code" example:"123456" doc:"As it was typed, without spaces."`
}

// FactorCheckBody is what a person typed. Either code or recovery_code.
type FactorCheckBody struct {
	Code         string `json:"code,omitempty" example:"123456" doc:"As the app shows it, without spaces."`
	RecoveryCode string `json:"recovery_code,omitempty" example:"7k2m9-x4qvt" doc:"Instead, where the app is lost: one of those that confirm told. Case, dash and spaces do not matter."`
}

// FactorChecked is the verdict on a code. A wrong code is a normal answer.
type FactorChecked struct {
	ID            string        `json:"id" doc:"Of the factor."`
	Status        string        `json:"status" enum:"unconfirmed,confirmed" doc:"Of the factor, after this check."`
	Valid         bool          `json:"valid" doc:"The code is right, and this check used it up."`
	Reason        string        `json:"reason,omitempty" enum:"code_mismatch,already_used" doc:"Why it was not. For you: do not show it. A code that was used already is not counted as a guess."`
	PublicReason  string        `json:"public_reason,omitempty" doc:"Safe to show." example:"invalid_or_expired"`
	ChecksLeft    int           `json:"checks_left" doc:"How many more wrong codes lock the factor."`
	LockedUntil   *Instant      `json:"locked_until,omitempty" doc:"This guess locked the factor until then."`
	RecoveryCodes int           `json:"recovery_codes_left" doc:"Of a right check: how many are not used yet."`
	Session       *SessionProof `json:"session,omitempty" doc:"Of a right check."`
}

// FactorConfirmed is the verdict on a first code.
type FactorConfirmed struct {
	ID            string   `json:"id" doc:"Of the factor."`
	Status        string   `json:"status" enum:"unconfirmed,confirmed" doc:"Of the factor, after this check."`
	Valid         bool     `json:"valid" doc:"The code is right: the factor is good for checks from now on."`
	Reason        string   `json:"reason,omitempty" enum:"code_mismatch" doc:"Why it was not."`
	PublicReason  string   `json:"public_reason,omitempty" doc:"Safe to show." example:"invalid_or_expired"`
	ChecksLeft    int      `json:"checks_left" doc:"How many more wrong codes lock the factor."`
	LockedUntil   *Instant `json:"locked_until,omitempty" doc:"This guess locked the factor until then."`
	RecoveryCodes []string `json:"recovery_codes,omitempty" nullable:"false" doc:"For the day on which the app is lost: each is good once. They are told this once; have them printed or written down."`
}

// RecoveryCodes are all that a factor has.
type RecoveryCodes struct {
	RecoveryCodes []string `json:"recovery_codes" nullable:"false" doc:"Each is good once. They are told this once; the ones before are worth nothing now."`
}

// FactorList is all that a subject has.
type FactorList struct {
	Items []Factor `json:"items" nullable:"false" doc:"The oldest first, ten at most."`
}

type (
	enrolInput  struct{ Body EnrolBody }
	enrolOutput struct {
		Location string `header:"Location"`
		Body     Enrolled
	}
	factorInput struct {
		ID string `path:"id" doc:"Of the factor."`
	}
	factorOutput struct{ Body Factor }
	confirmInput struct {
		ID   string `path:"id" doc:"Of the factor."`
		Body CodeBody
	}
	confirmOutput    struct{ Body FactorConfirmed }
	factorCheckInput struct {
		ID             string `path:"id" doc:"Of the factor."`
		IdempotencyKey string `header:"Idempotency-Key" doc:"The same key gets the same answer for a day: a lost answer can be asked for again."`
		Body           FactorCheckBody
	}
	factorCheckOutput struct {
		Replayed string `header:"Idempotency-Replayed" doc:"true if this answer was given before."`
		Body     FactorChecked
	}
	recoveryOutput struct{ Body RecoveryCodes }
	listInput      struct {
		Namespace string `query:"namespace" required:"true" maxLength:"32" doc:"What their codes prove something for."`
		Subject   string `query:"subject" required:"true" maxLength:"128" doc:"Whose they are."`
	}
	listOutput struct{ Body FactorList }
)

func (a *API) factors(api huma.API) {
	tags, known := []string{"factors"}, []string{"factor_not_found", "factors_not_kept"}
	add(a, api, described(huma.Operation{
		OperationID: "enrol", Method: http.MethodPost, Path: "/v1/factors", DefaultStatus: http.StatusCreated,
		Summary: "Enrol an authenticator app", Security: needs(otp.ScopeFactors), Tags: tags,
		Description: "Draws a secret and tells it once, as text, URI and QR code. The factor is good for nothing until it is confirmed with a first code; after 15 minutes without, it is gone.",
	}, enrolExamples, "namespace_not_allowed", "namespace_not_found", "too_many_factors", "factors_not_kept"), a.enrol)
	add(a, api, described(huma.Operation{
		OperationID: "confirm-factor", Method: http.MethodPost, Path: "/v1/factors/{id}/confirm",
		Summary: "Confirm an app by its first code", Security: needs(otp.ScopeFactors), Tags: tags,
		Description: "Counts the guess, then compares it. The right one makes the factor good for checks, and tells its recovery codes once.",
	}, confirmExamples, append(known, "invalid_code_format", "factor_confirmed", "factor_locked")...), a.confirm)
	add(a, api, described(huma.Operation{
		OperationID: "check-factor", Method: http.MethodPost, Path: "/v1/factors/{id}/check",
		Summary: "Check a code of an app", Security: needs(otp.ScopeCheck), Tags: tags,
		Description: "Counts the guess, then compares it. A wrong code is a normal answer; a right one is accepted once, as is a recovery code, and opens a session.",
	}, checkFactorExamples, append(known, "invalid_code_format", "idempotency_key_invalid", "idempotency_in_flight", "idempotency_key_reused",
		"factor_unconfirmed", "factor_locked")...), a.checkFactor)
	add(a, api, described(huma.Operation{
		OperationID: "get-factor", Method: http.MethodGet, Path: "/v1/factors/{id}",
		Summary: "Tell of an app", Security: needs(otp.ScopeFactors), Tags: tags,
		Description: "How it stands and when it was used last. Never its secret.",
	}, getFactorExamples, known...), a.getFactor)
	add(a, api, described(huma.Operation{
		OperationID: "list-factors", Method: http.MethodGet, Path: "/v1/factors",
		Summary: "List a subject's apps", Security: needs(otp.ScopeFactors), Tags: tags,
		Description: "All that a subject has in a namespace.",
	}, listFactorsExamples, "invalid_request", "namespace_not_allowed", "namespace_not_found", "factors_not_kept"), a.listFactors)
	add(a, api, described(huma.Operation{
		OperationID: "delete-factor", Method: http.MethodDelete, Path: "/v1/factors/{id}",
		Summary: "Forget an app", Security: needs(otp.ScopeFactors), Tags: tags,
		Description: "Its secret and its recovery codes are gone; sessions that it opened stay as they are. The answer is what it was.",
	}, deleteFactorExamples, known...), a.deleteFactor)
	add(a, api, described(huma.Operation{
		OperationID: "renew-recovery-codes", Method: http.MethodPost, Path: "/v1/factors/{id}/recovery-codes",
		Summary: "Draw new recovery codes", Security: needs(otp.ScopeFactors), Tags: tags,
		Description: "Ten new ones, told once. Those before are worth nothing then.",
	}, recoveryExamples, append(known, "factor_unconfirmed")...), a.renewRecoveryCodes)
}

func (a *API) enrol(ctx context.Context, who otp.Caller, in *enrolInput) (*enrolOutput, error) {
	b := in.Body
	e, err := a.Factors.Enrol(ctx, who, totp.EnrolRequest{
		Namespace: otp.Namespace(b.Namespace), Subject: b.Subject, Issuer: b.Issuer, Account: b.Account, Clockwork: clockwork(b),
	})
	if err != nil {
		return nil, err
	}
	qr, err := qrOf(e.URI)
	if err != nil {
		return nil, err
	}
	return &enrolOutput{Location: "/v1/factors/" + string(e.ID), Body: Enrolled{
		Factor: factor(e.Factor), Secret: e.Plain.Base32(), URI: e.URI, QRPNG: qr.png, QRSVG: qr.svg,
	}}, nil
}

// clockwork is the usual one but for what was said.
func clockwork(b EnrolBody) otp.Clockwork {
	c := otp.DefaultClockwork()
	if b.Algorithm != "" {
		c.Algorithm = otp.Algorithm(b.Algorithm)
	}
	if b.Digits != 0 {
		c.Digits = b.Digits
	}
	if b.Period != 0 {
		c.Period = time.Duration(b.Period) * time.Second
	}
	if b.Skew != nil {
		c.Skew = *b.Skew
	}
	return c
}

func factor(f otp.Factor) Factor {
	return Factor{
		ID: string(f.ID), Namespace: string(f.Namespace), Subject: f.Subject, Status: factorStatus(f.Confirmed()),
		Algorithm: string(f.Algorithm), Digits: f.Digits, Period: int(f.Period / time.Second), Skew: f.Skew,
		CreatedAt: Instant(f.CreatedAt), ExpiresAt: unlessZero(f.ExpiresAt), ConfirmedAt: unlessZero(f.ConfirmedAt), UsedAt: unlessZero(f.UsedAt),
		LockedUntil: unlessZero(f.LockedUntil), FailedChecks: f.Fails, RecoveryCodes: f.RecoveryCodes,
	}
}

func factorStatus(confirmed bool) string {
	if confirmed {
		return "confirmed"
	}
	return "unconfirmed"
}

func unlessZero(t time.Time) *Instant {
	if t.IsZero() {
		return nil
	}
	return instant(t)
}

func (a *API) confirm(ctx context.Context, who otp.Caller, in *confirmInput) (*confirmOutput, error) {
	id, err := otp.ParseFactorID(in.ID)
	if err != nil {
		return nil, err
	}
	c, err := a.Factors.Confirm(ctx, who, id, in.Body.Code)
	if err != nil {
		return nil, err
	}
	return &confirmOutput{FactorConfirmed{
		ID: string(c.ID), Status: factorStatus(c.Confirmed), Valid: c.Right(), Reason: string(c.Reason), PublicReason: publicly(c.Checked),
		ChecksLeft: c.ChecksLeft, LockedUntil: unlessZero(c.LockedUntil), RecoveryCodes: revealed(c.Recovery),
	}}, nil
}

// publicly is what may be shown of why a code is not taken.
func publicly(c totp.Checked) string {
	if c.Right() {
		return ""
	}
	return "invalid_or_expired"
}

func revealed(all []otp.Code) (texts []string) {
	for _, c := range all {
		texts = append(texts, c.Reveal())
	}
	return texts
}

func (a *API) checkFactor(ctx context.Context, who otp.Caller, in *factorCheckInput) (*factorCheckOutput, error) {
	id, err := otp.ParseFactorID(in.ID)
	if err != nil {
		return nil, err
	}
	n, err := nonce(who, "check-factor", in.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	if (in.Body.Code == "") == (in.Body.RecoveryCode == "") {
		p := newProblem("invalid_request", "a check has one of two codes")
		p.Errors = []FieldError{{Pointer: "#", Detail: "want either code or recovery_code"}}
		return nil, p
	}
	c, err := a.Factors.Check(ctx, who, totp.CheckRequest{ID: id, Code: in.Body.Code, Recovery: in.Body.RecoveryCode, Nonce: n})
	if err != nil {
		return nil, err
	}
	out := FactorChecked{
		ID: string(c.ID), Status: factorStatus(c.Confirmed), Valid: c.Right(), Reason: string(c.Reason), PublicReason: publicly(c),
		ChecksLeft: c.ChecksLeft, LockedUntil: unlessZero(c.LockedUntil), RecoveryCodes: c.RecoveryCodes,
	}
	if c.Right() {
		out.Session = &SessionProof{Token: c.Token.Reveal(), ExpiresAt: Instant(c.ExpiresAt)}
	}
	return &factorCheckOutput{Replayed: replayed(c.Replayed), Body: out}, nil
}

func (a *API) getFactor(ctx context.Context, who otp.Caller, in *factorInput) (*factorOutput, error) {
	id, err := otp.ParseFactorID(in.ID)
	if err != nil {
		return nil, err
	}
	f, err := a.Factors.Get(ctx, who, id)
	return &factorOutput{factor(f)}, err
}

func (a *API) listFactors(ctx context.Context, who otp.Caller, in *listInput) (*listOutput, error) {
	all, err := a.Factors.List(ctx, who, otp.Namespace(in.Namespace), in.Subject)
	out := &listOutput{FactorList{Items: make([]Factor, 0, len(all))}}
	for _, f := range all {
		out.Body.Items = append(out.Body.Items, factor(f))
	}
	return out, err
}

func (a *API) deleteFactor(ctx context.Context, who otp.Caller, in *factorInput) (*factorOutput, error) {
	id, err := otp.ParseFactorID(in.ID)
	if err != nil {
		return nil, err
	}
	f, err := a.Factors.Delete(ctx, who, id)
	return &factorOutput{factor(f)}, err
}

func (a *API) renewRecoveryCodes(ctx context.Context, who otp.Caller, in *factorInput) (*recoveryOutput, error) {
	id, err := otp.ParseFactorID(in.ID)
	if err != nil {
		return nil, err
	}
	codes, err := a.Factors.Renew(ctx, who, id)
	return &recoveryOutput{RecoveryCodes{revealed(codes)}}, err
}
