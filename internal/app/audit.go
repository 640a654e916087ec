package app

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/otpipe/otpipe/internal/address"
	"github.com/otpipe/otpipe/internal/audit"
	"github.com/otpipe/otpipe/internal/auditfile"
	"github.com/otpipe/otpipe/internal/config"
	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/redisstore"
	"github.com/otpipe/otpipe/internal/telemetry"
)

// megabyte is what audit.file_size counts in.
const megabyte = 1 << 20

// OpenArchive opens what the audit trail is kept in; nil if there is no trail.
func OpenArchive(ctx context.Context, c config.Config) (audit.Archive, error) {
	if !c.Audit.On() {
		return nil, nil
	}
	kind, where, err := c.Audit.Place()
	if err != nil {
		return nil, err
	}
	switch kind {
	case config.SinkPostgres, config.SinkSQLite:
		return openDatabase(ctx, kind, where, c.Audit.Sink)
	case config.SinkFile:
		return auditfile.Open(where, int64(c.Audit.FileSize)*megabyte)
	case config.SinkStdout:
		return &auditfile.Stream{To: os.Stdout}, nil
	}
	return nil, fmt.Errorf("audit.sink: %s is not known", kind)
}

// lateArchive is one that is opened when it is first used: a database that is away
// keeps no process from its start. It is nil if there is no trail.
func lateArchive(c config.Config) (audit.Archive, error) {
	if !c.Audit.On() {
		return nil, nil
	}
	kind, _, err := c.Audit.Place()
	if err != nil || kind == config.SinkStdout {
		return &auditfile.Stream{To: os.Stdout}, err
	}
	return &audit.Late{Open: func(ctx context.Context) (audit.Library, error) {
		opened, err := OpenArchive(ctx, c)
		if err != nil {
			return nil, err
		}
		library, _ := opened.(audit.Library) // all but a stream are
		return library, nil
	}}, nil
}

func closeArchive(a audit.Archive) {
	if a != nil {
		_ = a.Close()
	}
}

// newSearcher wires searches of the trail.
func newSearcher(archive audit.Archive, store *redisstore.Store, keys otp.Keys) *audit.Searcher {
	s := &audit.Searcher{Teller: store, Keys: keys, Addresses: func(text string) (otp.Recipient, error) {
		if strings.Contains(text, "@") {
			return address.Parse(otp.Email, text)
		}
		return address.Parse(otp.SMS, text)
	}}
	s.Library, _ = archive.(audit.Library)
	return s
}

// newExporter wires what keeps the trail; nil if there is none.
func newExporter(c config.Config, archive audit.Archive, store *redisstore.Store, keys otp.Keys, metrics *telemetry.Metrics, log *slog.Logger) *audit.Exporter {
	if archive == nil {
		return nil
	}
	m := metrics.Audit()
	return &audit.Exporter{
		Events: store, Archive: archive, Keys: keys, Partitions: c.Store.Partitions, Holder: rand.Text(),
		Retention: time.Duration(c.Audit.Retention), Log: log, Kept: m.Kept, Missed: m.Missed, Behind: m.Behind, Failing: m.Failing,
	}
}
