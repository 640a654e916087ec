package config

import (
	"errors"
	"net/url"
	"path"

	"github.com/otpipe/otpipe/internal/otp"
)

// Database is where authenticator apps, and the codes of namespaces that say so, are kept: what has to outlive
// Redis, or to stay out of it. Without a URL there is none.
type Database struct {
	URL Secret `toml:"url"` // postgres://user:password@host/database, or sqlite:///path/otpipe.db for one machine
}

// On tells whether there is a database.
func (d Database) On() bool { return d.URL.Set() }

var errDatabaseURL = errors.New("want postgres://user:password@host/database, or sqlite:///path/otpipe.db")

// Place is the kind of the database, SinkPostgres or SinkSQLite, and the path of one on a disk.
func (d Database) Place() (kind, where string, err error) {
	kind, where, ok := placeOf(d.URL.Reveal())
	if !ok || kind == SinkFile {
		return "", "", errDatabaseURL
	}
	return kind, where, nil
}

// placeOf reads the URL of a database or a directory.
func placeOf(text string) (kind, where string, ok bool) {
	u, err := url.Parse(text)
	if err != nil {
		return "", "", false // url's own words would quote it
	}
	switch {
	case u.Scheme == SinkPostgres, u.Scheme == "postgresql":
		return SinkPostgres, "", true
	case (u.Scheme == SinkSQLite || u.Scheme == SinkFile) && u.Host == "" && path.IsAbs(u.Path):
		return u.Scheme, u.Path, true
	}
	return "", "", false
}

func (c Config) checkDatabase(cs *complaints) {
	for ns, p := range c.Policies() {
		cs.want(p.Codes != otp.CodesInSQL || c.Database.On(), "namespaces."+string(ns)+".codes", "there is no database: want database.url")
	}
	if c.Database.On() {
		_, _, err := c.Database.Place()
		cs.want(err == nil, "database.url", "%v", errDatabaseURL)
	}
}
