package config

import (
	"cmp"
	"errors"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// The complaints about a Redis URL. None quotes it, for it holds a password.
var (
	errRedis      = errors.New("want redis://user:password@host:6379/0, rediss:// for TLS, or a form for sentinels or a cluster as in docs/settings.md")
	errHosts      = errors.New("want host:port, and with sentinels or a cluster several with commas between them")
	errSingle     = errors.New("want one host; several are redis+sentinel:// or redis+cluster://")
	errDatabase   = errors.New("want the number of the database behind the host, such as /0")
	errMaster     = errors.New("want the name that the sentinels know the master by, and the database: redis+sentinel://host:26379,host:26379/mymaster/0")
	errNoDatabase = errors.New("a cluster has no numbered databases: leave out what stands behind the hosts")
	errParameter  = errors.New("want no parameter but those of docs/settings.md: timeouts and pools are this program's own")
	errQueue      = errors.New("want a Redis of the queue's own that is no cluster: a queue lies on one server whole, and one frozen server of a cluster would stop all workers")
)

// State is where the state is kept: one server, the master that sentinels name,
// or a cluster, as its client takes it. Its error says what to write instead and
// quotes nothing.
func (r Redis) State() (*redis.UniversalOptions, error) { return parseRedis(r.URL.Reveal()) }

// Queue is where the queue is kept: where the state is, unless it has a URL of
// its own, and never in a cluster. Its error is like State's.
func (r Redis) Queue() (*redis.UniversalOptions, error) {
	of := r.QueueURL
	if !of.Set() {
		of = r.URL
	}
	o, err := parseRedis(of.Reveal())
	if err == nil && o.IsClusterMode {
		return nil, errQueue
	}
	return o, err
}

func (r Redis) check(cs *complaints) {
	state, err := r.State()
	if err != nil {
		cs.add("redis.url", "%s", err)
	}
	if _, err := r.Queue(); err != nil && (r.QueueURL.Set() || state != nil) {
		cs.add("redis.queue_url", "%s", err)
	}
}

// parseRedis reads a URL of any form. go-redis has a parser for each, but they
// disagree about whose the user and password are; see docs/adr/0022.
func parseRedis(raw string) (*redis.UniversalOptions, error) {
	u, places, err := apart(raw)
	if err != nil {
		return nil, errRedis
	}
	scheme, kind, _ := strings.Cut(u.Scheme, "+")
	if scheme != "redis" && scheme != "rediss" {
		return nil, errRedis
	}
	o := &redis.UniversalOptions{Username: u.User.Username()}
	o.Password, _ = u.User.Password()
	switch kind {
	case "":
		err = single(o, places, u.Path)
	case "sentinel":
		err = sentinels(o, places, u.Path)
	case "cluster":
		err = cluster(o, places, u.Path)
	default:
		err = errRedis
	}
	if err != nil {
		return nil, err
	}
	return o, parameters(o, u.Query(), scheme == "rediss", kind)
}

// apart takes the hosts out of a URL: net/url knows of one at the most.
func apart(raw string) (rest *url.URL, places []string, err error) {
	scheme, behind, _ := strings.Cut(raw, "://")
	end := len(behind)
	if i := strings.IndexAny(behind, "/?#"); i >= 0 {
		end = i
	}
	begin := strings.LastIndexByte(behind[:end], '@') + 1
	rest, err = url.Parse(scheme + "://" + behind[:begin] + "host" + behind[end:])
	return rest, strings.Split(behind[begin:end], ","), err
}

func single(o *redis.UniversalOptions, places []string, path string) (err error) {
	if len(places) > 1 {
		return errSingle
	}
	if o.Addrs, err = hosts(places, "6379"); err != nil {
		return err
	}
	o.DB, err = database(strings.Trim(path, "/"))
	return err
}

func sentinels(o *redis.UniversalOptions, places []string, path string) (err error) {
	if o.Addrs, err = hosts(places, "26379"); err != nil {
		return err
	}
	name, db, _ := strings.Cut(strings.Trim(path, "/"), "/")
	if _, err := database(name); err == nil { // no name, or a database in its place
		return errMaster
	}
	o.MasterName = name
	o.DB, err = database(db)
	return err
}

func cluster(o *redis.UniversalOptions, places []string, path string) (err error) {
	if strings.Trim(path, "/") != "" {
		return errNoDatabase
	}
	o.IsClusterMode = true
	o.Addrs, err = hosts(places, "6379")
	return err
}

func hosts(places []string, port string) (all []string, err error) {
	for _, one := range places {
		u, err := url.Parse("redis://" + one)
		if err != nil || u.Hostname() == "" {
			return nil, errHosts
		}
		p := cmp.Or(u.Port(), port)
		if n, err := strconv.ParseUint(p, 10, 16); err != nil || n == 0 {
			return nil, errHosts
		}
		all = append(all, net.JoinHostPort(u.Hostname(), p))
	}
	return all, nil
}

func database(text string) (int, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return 0, errDatabase
	}
	return int(n), nil
}

// parameters are what stands behind the question mark.
func parameters(o *redis.UniversalOptions, given url.Values, secure bool, kind string) error {
	known := []string{}
	if secure {
		known = append(known, "ca_file", "cert_file", "key_file", "skip_verify")
	}
	if kind == "sentinel" {
		known = append(known, "sentinel_username", "sentinel_password")
	}
	for name, values := range given {
		if !slices.Contains(known, name) || len(values) > 1 {
			return errParameter
		}
	}
	o.SentinelUsername, o.SentinelPassword = given.Get("sentinel_username"), given.Get("sentinel_password")
	if !secure {
		return nil
	}
	var err error
	o.TLSConfig, err = transport(given)
	return err
}
