package app

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"time"

	"github.com/otpipe/otpipe/internal/certfile"
)

// lookEvery is how often the files of certificates are read again.
const lookEvery = 10 * time.Second

// certificates are those that a process listens with, by what the log calls the
// listener.
type certificates map[string]*certfile.Source

// open is how a listener shall speak TLS; nil if it has no certificate.
func (c certificates) open(listener string, files certfile.Files, protocols ...string) (*tls.Config, error) {
	if !files.On() {
		return nil, nil
	}
	source, err := certfile.Open(files, protocols...)
	if err != nil {
		return nil, fmt.Errorf("certificate of %s: %w", listener, err)
	}
	c[listener] = source
	return source.Config(), nil
}

// watch takes what is put in the place of any of them, until ctx ends.
func (c certificates) watch(ctx context.Context, log *slog.Logger) error {
	for listener, source := range c {
		go source.Watch(ctx, lookEvery, func(until time.Time, err error) { tellOf(log, listener, until, err) })
	}
	<-ctx.Done()
	return nil
}

// refresh looks at once.
func (c certificates) refresh(log *slog.Logger) {
	for listener, source := range c {
		if changed, err := source.Refresh(); changed || err != nil {
			tellOf(log, listener, source.NotAfter(), err)
		}
	}
}

func tellOf(log *slog.Logger, listener string, until time.Time, err error) {
	if err != nil {
		log.Error("certificate cannot be used, going on with the one before", "listener", listener, "until", until, "error", err)
		return
	}
	log.Info("certificate taken", "listener", listener, "until", until)
}

// expiries are when they end.
func (c certificates) expiries() map[string]time.Time {
	all := map[string]time.Time{}
	for listener, source := range c {
		all[listener] = source.NotAfter()
	}
	return all
}
