package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/otpipe/otpipe/internal/address"
	"github.com/otpipe/otpipe/internal/audit"
	"github.com/otpipe/otpipe/internal/config"
	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/redisstore"
)

// ErrNoTrail means that the configuration has no audit trail, or one that only its
// reader can look at.
var ErrNoTrail = errors.New("audit.sink names nothing that can be read: want a database or a directory")

// OpenTrail opens an audit trail for reading.
func OpenTrail(ctx context.Context, c config.Config) (audit.Library, error) {
	archive, err := OpenArchive(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("open the audit trail: %w", err)
	}
	library, ok := archive.(audit.Library)
	if !ok {
		return nil, ErrNoTrail
	}
	return library, nil
}

// Erased is what was erased of a recipient.
type Erased struct {
	redisstore.Forgotten
	Masked  string
	Records int // of the audit trail, which keep what is not personal
}

// forgetWait is how long what still has to be read is waited for.
const forgetWait = 30 * time.Second

// Forget erases what Redis and the audit trail hold of a recipient. What happened a
// moment ago may still have to get into the trail: that is waited for.
func Forget(ctx context.Context, c config.Config, recipient string) (e Erased, err error) {
	channel := otp.SMS
	if strings.Contains(recipient, "@") {
		channel = otp.Email
	}
	to, err := address.Parse(channel, recipient)
	if err != nil {
		return e, err
	}
	keys, err := c.Secrets()
	if err != nil {
		return e, err
	}
	store, done, err := OpenStore(ctx, c)
	if err != nil {
		return e, err
	}
	defer done()
	e.Masked = to.Masked()
	owner := keys.Owner("", to, "", c.Store.Partitions)
	for until := time.Now().Add(forgetWait); ; {
		f, err := store.ForgetRecipient(ctx, owner)
		e.Keys, e.Events, e.Waiting = e.Keys+f.Keys, e.Events+f.Events, f.Waiting
		if err != nil {
			return e, err
		}
		if f.Waiting == 0 || time.Now().After(until) {
			break
		}
		select {
		case <-ctx.Done():
			return e, ctx.Err()
		case <-time.After(time.Second):
		}
	}
	e.Records, err = forgetInTrail(ctx, c, owner.Anchor)
	return e, err
}

func forgetInTrail(ctx context.Context, c config.Config, of otp.Anchor) (int, error) {
	trail, err := OpenTrail(ctx, c)
	if errors.Is(err, ErrNoTrail) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer func() { _ = trail.Close() }()
	return trail.Forget(ctx, of)
}
