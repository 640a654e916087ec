package audit

import (
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

// ErrCursor means that a cursor is not one that a search has returned.
var ErrCursor = errors.New("not a cursor of a search")

// CursorOf names a record, behind which a search goes on.
func CursorOf(r otp.Record) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d.%d.%d", r.At.UnixMilli(), r.Partition, r.Seq))
}

// ParseCursor is the reverse, as far as the record's place goes: nil for "". Its
// error is ErrCursor.
func ParseCursor(text string) (*otp.Record, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // there is no place, and nothing wrong with that
	}
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil, ErrCursor
	}
	var r otp.Record
	var at int64
	if _, err := fmt.Sscanf(string(b), "%d.%d.%d", &at, &r.Partition, &r.Seq); err != nil {
		return nil, ErrCursor
	}
	r.At = time.UnixMilli(at).UTC()
	return &r, nil
}
