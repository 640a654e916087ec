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
	u, err := url.Parse(d.URL.Reveal())
	if err != nil {
		return "", "", errDatabaseURL // url's own words would quote it
	}
	switch {
	case u.Scheme == SinkPostgres, u.Scheme == "postgresql":
		return SinkPostgres, "", nil
	case u.Scheme == SinkSQLite && u.Host == "" && path.IsAbs(u.Path):
		return SinkSQLite, u.Path, nil
	}
	return "", "", errDatabaseURL
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
