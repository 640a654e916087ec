package otp

import (
	"errors"
	"fmt"
	"time"
)

// Errors that callers test for.
var (
	ErrNotFound           = errors.New("not found")
	ErrProviderNotFound   = errors.New("no such provider")
	ErrNamespaceNotFound  = errors.New("no such namespace")
	ErrInvalidRecipient   = errors.New("not an address a code can be sent to")
	ErrChannelNotAllowed  = errors.New("the namespace does not send on this channel")
	ErrDestination        = errors.New("codes are not sent to this address")
	ErrCodeFormat         = errors.New("not the form of a code")
	ErrInvalid            = errors.New("invalid request")
	ErrFinished           = errors.New("the verification has already ended")
	ErrStoreUnavailable   = errors.New("the store does not answer")
	ErrLeaseLost          = errors.New("the send is no longer ours")
	ErrForged             = errors.New("the receipt's signature is wrong")
	ErrForeign            = errors.New("the receipt is about nothing of ours")
	ErrNamespaceForbidden = errors.New("the key is not for this namespace")
	ErrInFlight           = errors.New("a request with this key is still being worked on")
	ErrKeyReused          = errors.New("another request was made with this key")
	ErrFactorNotFound     = errors.New("no such factor")
	ErrFactorUnconfirmed  = errors.New("the factor is not confirmed yet")
	ErrFactorConfirmed    = errors.New("the factor is confirmed already")
	ErrTooManyFactors     = errors.New("the subject has as many factors as it may have")
	ErrNoFactors          = errors.New("no database is configured to keep factors in")
)

// InputError is a fault in one field of a request. Detail never quotes the value.
type InputError struct {
	Field  string // as the caller spells it
	Detail string
	Err    error // the kind: ErrInvalidRecipient, ErrInvalid, …
}

func (e *InputError) Error() string { return e.Field + ": " + e.Detail }

// Unwrap returns the kind.
func (e *InputError) Unwrap() error { return e.Err }

// Limit names an allowance.
type Limit string

// The allowances that a start or a check can run into.
const (
	LimitCooldown Limit = "cooldown"
	LimitSends    Limit = "sends"
	LimitDaily    Limit = "daily"
	LimitLock     Limit = "lock"
	LimitRate     Limit = "rate"   // of a bucket
	LimitFactor   Limit = "factor" // the lock of one
)

// LimitError says which allowance is used up and when to come back. ID and
// ExpiresAt name the verification that is alive meanwhile, if there is one.
type LimitError struct {
	Limit      Limit
	RetryAfter time.Duration
	ID         ID
	ExpiresAt  time.Time
	Bucket     string // its name, with LimitRate
	Policy     Policy // of the namespace, where a start ran into its limits
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("%s limit, retry in %s", e.Limit, e.RetryAfter)
}
