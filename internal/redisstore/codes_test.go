package redisstore_test

import (
	"testing"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/storetest"
)

func TestCodesInTheStore(t *testing.T) {
	t.Parallel()
	storetest.Suite(t, func(t *testing.T, change func(*otp.Policy)) *storetest.Place {
		t.Helper()
		return storetest.Open(t, otp.CodesInStore, nil, change)
	})
}
