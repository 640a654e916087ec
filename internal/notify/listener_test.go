package notify_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/otpipe/otpipe/internal/notify"
	"github.com/otpipe/otpipe/internal/otp"
)

// stream is one that has lost some events, and is away from its second reading on.
type stream struct{ readings int }

func (s *stream) Listen(context.Context, otp.Partition, int, time.Duration) ([]otp.Event, int, error) {
	if s.readings++; s.readings > 1 {
		return nil, 0, otp.ErrStoreUnavailable
	}
	return nil, 7, nil
}

func (s *stream) Heard(context.Context, otp.Partition, []string) error { return nil }

func TestTheLogSaysWhoCouldNotRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		l := &notify.Listener{
			Name: "thanks", Events: &stream{}, Hearer: &notify.Thanks{}, Partitions: 1, Left: time.Hour, Now: time.Now,
			Log: slog.New(slog.NewJSONHandler(&log, nil)), Missed: func(int) {}, Behind: func(time.Duration) {},
		}
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		l.Run(ctx)
		for _, want := range []string{
			`"msg":"events were trimmed before they were read","operation":"thanks","count":7}`,
			`"msg":"events cannot be read","operation":"thanks","error":`,
		} {
			if strings.Count(log.String(), want) != 1 {
				t.Errorf("want %s once in %s", want, log.String())
			}
		}
	})
}
