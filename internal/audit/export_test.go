package audit

import (
	"context"

	"github.com/otpipe/otpipe/internal/otp"
)

// Round has the exporter look at every partition once.
func (e *Exporter) Round(ctx context.Context) error {
	if e.ours == nil {
		e.ours = map[otp.Partition]bool{}
	}
	return e.round(ctx)
}
