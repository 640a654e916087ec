package config

import (
	"fmt"
	"time"
)

// Audit is the trail of all that happened, kept for good. Without a sink there is none.
type Audit struct {
	// Sink is where records are kept: postgres://user:password@host/database,
	// sqlite:///path/audit.db, jsonl:///directory for files of JSON lines, or stdout.
	// The workers write it; the api reads it for searches.
	Sink      Secret   `toml:"sink"`
	Retention Duration `toml:"retention"` // how long records are kept; 0 is for ever
	FileSize  int      `toml:"file_size"` // of the files of jsonl://, in MB, before the next is begun
	// Strict refuses starts with 503 while half of store.events_kept waits to be
	// kept; without it the oldest are lost when there is no more room, and counted.
	// It takes Redis 7.
	Strict bool `toml:"strict"`
}

func defaultAudit() Audit { return Audit{Retention: Duration(400 * 24 * time.Hour), FileSize: 100} }

// On tells whether there is a trail.
func (a Audit) On() bool { return a.Sink.Set() }

// The kinds of sinks, by the scheme of their URLs.
const (
	SinkPostgres = "postgres"
	SinkSQLite   = "sqlite"
	SinkFile     = "jsonl"
	SinkStdout   = "stdout"
)

// Place is the kind of the sink, and the path of one on a disk.
func (a Audit) Place() (kind, where string, err error) {
	text := a.Sink.Reveal()
	if text == SinkStdout {
		return SinkStdout, "", nil
	}
	kind, where, ok := placeOf(text)
	if !ok {
		return "", "", errSink
	}
	return kind, where, nil
}

var errSink = fmt.Errorf("want postgres://user:password@host/database, sqlite:///path/audit.db, jsonl:///directory or stdout")

func (c Config) checkAudit(cs *complaints) {
	a := c.Audit
	if a.On() {
		_, _, err := a.Place()
		cs.want(err == nil, "audit.sink", "%v", errSink)
	}
	cs.want(a.Retention == 0 || a.Retention >= Duration(time.Hour), "audit.retention", "want at least 1h, such as 9600h for 400 days, or 0s for ever")
	cs.want(a.FileSize >= 1, "audit.file_size", "want 1 or more")
	cs.want(!a.Strict || a.On(), "audit.strict", "there is no sink, so nothing would ever be admitted")
}
