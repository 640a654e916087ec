package client

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Code says what kind of problem it is. Codes are stable. Each is an error of its
// own for errors.Is.
type Code string

// The codes of all problems. docs/api.md says what to do about each.
const (
	ErrInvalidRequest        Code = "invalid_request"
	ErrInvalidRecipient      Code = "invalid_recipient"
	ErrInvalidCodeFormat     Code = "invalid_code_format" // not counted as a guess
	ErrChannelNotAllowed     Code = "channel_not_allowed"
	ErrIdempotencyKeyInvalid Code = "idempotency_key_invalid"
	ErrUnauthenticated       Code = "unauthenticated"
	ErrInsufficientScope     Code = "insufficient_scope"
	ErrNamespaceNotAllowed   Code = "namespace_not_allowed"
	ErrDestinationNotAllowed Code = "destination_not_allowed"
	ErrSignatureInvalid      Code = "signature_invalid" // of a provider's receipt
	ErrVerificationNotFound  Code = "verification_not_found"
	ErrNamespaceNotFound     Code = "namespace_not_found"
	ErrProviderNotFound      Code = "provider_not_found"
	ErrFactorNotFound        Code = "factor_not_found"
	ErrFactorsNotKept        Code = "factors_not_kept" // there is no database
	ErrFactorUnconfirmed     Code = "factor_unconfirmed"
	ErrFactorConfirmed       Code = "factor_confirmed"
	ErrTooManyFactors        Code = "too_many_factors"
	ErrFactorLocked          Code = "factor_locked"
	ErrAuditNotSearchable    Code = "audit_not_searchable"
	ErrRouteNotFound         Code = "route_not_found"
	ErrMethodNotAllowed      Code = "method_not_allowed"
	ErrIdempotencyInFlight   Code = "idempotency_in_flight"
	ErrAlreadyFinished       Code = "already_finished"
	ErrBodyTooLarge          Code = "body_too_large"
	ErrUnsupportedMediaType  Code = "unsupported_media_type"
	ErrIdempotencyKeyReused  Code = "idempotency_key_reused"
	ErrCooldownActive        Code = "cooldown_active"
	ErrSendLimitReached      Code = "send_limit_reached"
	ErrDailyQuotaExceeded    Code = "daily_quota_exceeded"
	ErrRateLimited           Code = "rate_limited" // Error.Limit says by which rule
	ErrRecipientLocked       Code = "recipient_locked"
	ErrInternal              Code = "internal_error"
	ErrStoreUnavailable      Code = "store_unavailable"
)

// Error is the code.
func (c Code) Error() string { return string(c) }

// Error is an answer that is not a success. It never has the value of a field in it.
type Error struct {
	Code           Code // "" if the answer is not the API's, but that of something before it
	Status         int  // of HTTP
	Detail         string
	Fields         []FieldError  // what is wrong with the request
	RetryAfter     time.Duration // 0: unknown
	Limit          string        // of ErrRateLimited: the rule's name in the configuration
	VerificationID string        // that is alive meanwhile
	ExpiresAt      time.Time     // until then
	RequestID      string        // finds the request in the API's log
}

// FieldError says what is wrong with one field.
type FieldError struct {
	Pointer string `json:"pointer"` // a JSON Pointer such as #/to, or the name of a header
	Detail  string `json:"detail"`
}

// Error says what is wrong, and under which request id it is logged.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Code == "" {
		_, _ = fmt.Fprintf(&b, "status %d, which is no answer of otpipe", e.Status)
	} else {
		_, _ = fmt.Fprintf(&b, "%s (%d)", e.Code, e.Status)
	}
	if e.Detail != "" {
		b.WriteString(": " + e.Detail)
	}
	for _, f := range e.Fields {
		_, _ = fmt.Fprintf(&b, "; %s: %s", f.Pointer, f.Detail)
	}
	if e.RequestID != "" {
		b.WriteString(" [request " + e.RequestID + "]")
	}
	return b.String()
}

// Unwrap returns the code, for errors.Is.
func (e *Error) Unwrap() error { return e.Code }

// problem is an Error as it is written. Its type and title say code and status
// in other words.
type problem struct {
	Code           Code         `json:"code"`
	Status         int          `json:"status"`
	Detail         string       `json:"detail"`
	Errors         []FieldError `json:"errors"`
	RetryAfter     int          `json:"retry_after"`
	Limit          string       `json:"limit"`
	VerificationID string       `json:"verification_id"`
	ExpiresAt      time.Time    `json:"expires_at"`
	RequestID      string       `json:"request_id"`
}

// errorOf reads an answer that is not a success, whoever gave it.
func errorOf(res *http.Response, body []byte) *Error {
	var p problem
	if json.Unmarshal(body, &p) != nil || p.Code == "" {
		p = problem{}
	}
	e := &Error{
		Code: p.Code, Status: res.StatusCode, Detail: p.Detail, Fields: p.Errors, RetryAfter: time.Duration(p.RetryAfter) * time.Second,
		Limit: p.Limit, VerificationID: p.VerificationID, ExpiresAt: p.ExpiresAt, RequestID: p.RequestID,
	}
	if e.RetryAfter == 0 {
		e.RetryAfter = retryAfter(res.Header.Get("Retry-After"))
	}
	return e
}

// retryAfter reads the header in either of its forms.
func retryAfter(header string) time.Duration {
	if n, err := strconv.Atoi(header); err == nil {
		return max(0, time.Duration(n)*time.Second)
	}
	at, err := http.ParseTime(header)
	if err != nil {
		return 0
	}
	return max(0, time.Until(at))
}
