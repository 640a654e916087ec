package otp

import "time"

// Voucher asks the store to open a session for a right check of a factor.
type Voucher struct {
	Factor  FactorID
	Owner   Owner // of the subject
	Session SessionSeed
	Life    time.Duration
	How     string // "recovery_code"; "" of a code
}
