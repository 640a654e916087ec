package deliver

import (
	"context"
	"fmt"

	"github.com/otpipe/otpipe/internal/otp"
)

// Receipts is the store's side of a provider's report.
type Receipts interface {
	// Receive writes a receipt down.
	Receive(ctx context.Context, r otp.Receipt) (otp.Reception, error)
}

// Desk takes providers' reports. Whether a report is genuine is decided before,
// in the provider's package. It is wired by app; every field is required.
type Desk struct {
	Receipts Receipts
	Ringer   Ringer
}

// Receive writes down what a provider reports. A report that is late, doubled,
// out of order or about somebody else's message is no error: it changes nothing.
// One that a message was given up has the next provider asked.
func (d *Desk) Receive(ctx context.Context, r otp.Receipt) (moved bool, err error) {
	got, err := d.Receipts.Receive(ctx, r)
	if err != nil {
		return false, fmt.Errorf("write receipt: %w", err)
	}
	if got.Due != nil {
		d.Ringer.Ring(ctx, *got.Due)
	}
	return got.Moved, nil
}
