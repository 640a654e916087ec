package httpapi

import (
	"context"
	"errors"
	"math"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/otpipe/otpipe/internal/audit"
	"github.com/otpipe/otpipe/internal/otp"
)

const problemType = "application/problem+json"

// FieldError says what is wrong with one field. It never carries the value,
// which may be a code or an address.
type FieldError struct {
	Pointer string `json:"pointer" doc:"JSON Pointer into the body, or the name of a header or path parameter" example:"#/to"`
	Detail  string `json:"detail" doc:"What it wants." example:"want a phone number in international form, starting with +"`
}

// Problem is every answer that is not a success (RFC 9457).
type Problem struct {
	Type           string       `json:"type" doc:"/docs# and this lead to what it means and what to do." example:"urn:otpipe:problem:cooldown_active"`
	Title          string       `json:"title" doc:"The status in words." example:"Too Many Requests"`
	Status         int          `json:"status" doc:"The HTTP status." example:"429"`
	Code           string       `json:"code" doc:"Stable and machine-readable; there may be new ones." example:"cooldown_active"`
	Detail         string       `json:"detail,omitempty" doc:"For developers; not for the recipient."`
	RequestID      string       `json:"request_id,omitempty" doc:"Finds the request in the logs."`
	Errors         []FieldError `json:"errors,omitempty" nullable:"false" doc:"Of status 400: what is wrong, and where."`
	RetryAfter     int          `json:"retry_after,omitempty" doc:"Seconds, rounded up; the same as the header Retry-After."`
	Limit          string       `json:"limit,omitempty" doc:"Of rate_limited: the name of the rule in the configuration, or daily-spend."`
	VerificationID string       `json:"verification_id,omitempty" doc:"Of the verification that is alive meanwhile."`
	ExpiresAt      *Instant     `json:"expires_at,omitempty" doc:"Of that verification."`

	headers http.Header
}

// Error is the detail.
func (p *Problem) Error() string { return p.Code + ": " + p.Detail }

// GetStatus is the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is application/problem+json.
func (p *Problem) ContentType(string) string { return problemType }

// GetHeaders are sent along.
func (p *Problem) GetHeaders() http.Header { return p.headers }

func newProblem(code, detail string) *Problem {
	status := kindOf(code).status
	return &Problem{Type: urn(code), Title: http.StatusText(status), Status: status, Code: code, Detail: detail, headers: http.Header{}}
}

// withRetry says when to come back, in the body and as Retry-After.
func (p *Problem) withRetry(after time.Duration) *Problem {
	p.RetryAfter = seconds(after)
	p.headers.Set("Retry-After", strconv.Itoa(p.RetryAfter))
	return p
}

// seconds are whole and rounded up, at least one.
func seconds(d time.Duration) int { return max(1, int(math.Ceil(d.Seconds()))) }

// problems is the one place where an error becomes a code.
var problems = []struct {
	err  error
	code string
}{
	{otp.ErrInvalid, "invalid_request"},
	{otp.ErrInvalidRecipient, "invalid_recipient"},
	{otp.ErrCodeFormat, "invalid_code_format"},
	{otp.ErrChannelNotAllowed, "channel_not_allowed"},
	{otp.ErrDestination, "destination_not_allowed"},
	{otp.ErrNamespaceForbidden, "namespace_not_allowed"},
	{otp.ErrNamespaceNotFound, "namespace_not_found"},
	{otp.ErrProviderNotFound, "provider_not_found"},
	{otp.ErrNotFound, "verification_not_found"},
	{audit.ErrNotSearchable, "audit_not_searchable"},
	{otp.ErrFactorNotFound, "factor_not_found"},
	{otp.ErrNoFactors, "factors_not_kept"},
	{otp.ErrFactorUnconfirmed, "factor_unconfirmed"},
	{otp.ErrFactorConfirmed, "factor_confirmed"},
	{otp.ErrTooManyFactors, "too_many_factors"},
	{otp.ErrFinished, "already_finished"},
	{otp.ErrKeyReused, "idempotency_key_reused"},
}

var limits = map[otp.Limit]struct{ code, detail string }{
	otp.LimitCooldown: {"cooldown_active", "a code was sent a moment ago: wait, or have the one that was sent typed in"},
	otp.LimitSends:    {"send_limit_reached", "this verification has had all its sends: wait until it expires"},
	otp.LimitDaily:    {"daily_quota_exceeded", "this recipient has had all the day's sends"},
	otp.LimitRate:     {"rate_limited", "there were too many starts of this kind: limit names the rule"},
	otp.LimitFactor:   {"factor_locked", "too many wrong codes: wait, or let the person use another factor"},
	otp.LimitLock:     {"recipient_locked", "too many wrong codes: wait, or have an operator unlock the recipient"},
}

// asProblem turns an error into an answer. What nobody expected is an
// internal_error, of which the caller learns nothing more.
func asProblem(err error) *Problem {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	if le, ok := errors.AsType[*otp.LimitError](err); ok {
		return limitProblem(le)
	}
	if errors.Is(err, otp.ErrStoreUnavailable) || errors.Is(err, context.DeadlineExceeded) {
		return newProblem("store_unavailable", "the store does not answer; try again").withRetry(time.Second)
	}
	if errors.Is(err, otp.ErrInFlight) {
		return newProblem("idempotency_in_flight", "the first request with this Idempotency-Key is still being worked on; try again").withRetry(time.Second)
	}
	for _, row := range problems {
		if errors.Is(err, row.err) {
			return inputProblem(newProblem(row.code, row.err.Error()), err)
		}
	}
	return newProblem("internal_error", "this is our fault; the request id finds it in our logs")
}

func inputProblem(p *Problem, err error) *Problem {
	ie, ok := errors.AsType[*otp.InputError](err)
	switch {
	case ok && p.Status != http.StatusBadRequest:
		p.Detail = ie.Error()
	case ok:
		p.Errors = []FieldError{{Pointer: "#/" + ie.Field, Detail: ie.Detail}}
	}
	return p
}

func limitProblem(le *otp.LimitError) *Problem {
	l := limits[le.Limit]
	p := newProblem(l.code, l.detail).withRetry(le.RetryAfter)
	p.Limit = le.Bucket
	if le.ID != "" {
		p.VerificationID = string(le.ID)
	}
	if !le.ExpiresAt.IsZero() {
		at := Instant(le.ExpiresAt)
		p.ExpiresAt = &at
	}
	if le.Policy.Daily > 0 {
		p.headers.Set("RateLimit-Policy", rateLimitPolicy(le.Policy))
	}
	if le.Limit == otp.LimitCooldown || le.Limit == otp.LimitDaily { // the others are no quotas
		p.headers.Set("RateLimit", rateLimit(string(le.Limit), 0, le.RetryAfter))
	}
	return p
}

// codes are for what huma itself finds wrong with a request.
var codes = map[int]string{
	http.StatusBadRequest:            "invalid_request",
	http.StatusNotFound:              "route_not_found",
	http.StatusMethodNotAllowed:      "method_not_allowed",
	http.StatusRequestTimeout:        "invalid_request",
	http.StatusRequestEntityTooLarge: "body_too_large",
	http.StatusUnsupportedMediaType:  "unsupported_media_type",
}

var details = map[int]string{
	http.StatusBadRequest:            "the request is not what this operation takes; errors says where",
	http.StatusRequestTimeout:        "the body did not arrive in time",
	http.StatusRequestEntityTooLarge: "the body is longer than 16 KiB",
	http.StatusUnsupportedMediaType:  "send the body as application/json",
}

// useProblems makes huma answer with problems of ours. Its own words are
// dropped where they may quote what was sent.
func useProblems() {
	huma.ValidateStrictCasing = true // "To" is not "to", and would be dropped without a word
	huma.NewError = func(status int, msg string, errs ...error) huma.StatusError {
		if status == http.StatusUnprocessableEntity || msg == unreadable {
			status = http.StatusBadRequest
		}
		code, known := codes[status]
		if !known {
			code = "internal_error"
		}
		p := newProblem(code, details[status])
		if status != http.StatusBadRequest {
			return p
		}
		for _, err := range errs {
			p.Errors = append(p.Errors, fieldError(err))
		}
		if len(errs) == 0 {
			p.Errors = []FieldError{{Pointer: "#", Detail: "the body is missing, or broke off"}}
		}
		return p
	}
	huma.NewErrorWithContext = func(ctx huma.Context, status int, msg string, errs ...error) huma.StatusError {
		err := huma.NewError(status, msg, errs...)
		if p, ok := err.(*Problem); ok && ctx != nil {
			p.RequestID = ctx.Header(requestIDHeader)
		}
		return err
	}
}

func fieldError(err error) FieldError {
	d, ok := errors.AsType[*huma.ErrorDetail](err)
	if !ok {
		return FieldError{Pointer: "#", Detail: "this cannot be read"}
	}
	if d.Message == unexpected {
		return FieldError{Pointer: pointer(d.Location), Detail: "this operation has no such field"}
	}
	return FieldError{Pointer: pointer(d.Location), Detail: d.Message}
}

// Two of huma's own sentences.
const (
	unreadable = "cannot read request body"
	unexpected = "unexpected property"
)

// location is a place in a body as huma writes it, if all names in it could be ours.
var location = regexp.MustCompile(`^body((?:\.[a-z_]{1,32}(?:\[[0-9]\])?){0,2})$`)

// slashes write such a place as a JSON Pointer.
var slashes = strings.NewReplacer(".", "/", "[", "/", "]", "")

// pointer turns huma's body.params.brand into #/params/brand, and its
// body.fallback[0].to into #/fallback/0/to. A name that could not be one of ours
// may be a code or an address, and is left out.
func pointer(at string) string {
	m := location.FindStringSubmatch(at)
	switch {
	case m != nil:
		return "#" + slashes.Replace(m[1])
	case strings.HasPrefix(at, "body.params."):
		return "#/params"
	case strings.HasPrefix(at, "body"):
		return "#"
	}
	return at
}
