package config

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/caarlos0/env/v11"
	"github.com/pelletier/go-toml/v2"
)

const prefix = "OTPIPE_"

// Load reads a file over the defaults and the environment over the file, and
// checks the result. Without a path there is only the environment.
func Load(path string) (Config, error) {
	var text []byte
	if path != "" {
		var err error
		if text, err = os.ReadFile(path); err != nil {
			return Config{}, fmt.Errorf("read configuration: %w", err)
		}
	}
	return Parse(path, text)
}

// Parse is Load for a text that was read already; name is its name in complaints.
func Parse(name string, text []byte) (Config, error) {
	c := Default()
	if err := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields().Decode(&c); err != nil {
		return Config{}, complaint(name, err)
	}
	if err := c.environment(os.Environ()); err != nil {
		return Config{}, err
	}
	if url := os.Getenv("REDIS_URL"); url != "" && os.Getenv(prefix+"REDIS_URL") == "" {
		c.Redis.URL = NewSecret(url) // as platforms set it
	}
	if port := os.Getenv("PORT"); port != "" && os.Getenv(prefix+"API_LISTEN") == "" {
		c.API.Listen = ":" + port
	}
	return c, c.Check()
}

// complaint says where the file is wrong. The decoder's own picture of the
// place shows the lines around it, which may hold secrets.
func complaint(name string, err error) error {
	if strict, ok := errors.AsType[*toml.StrictMissingError](err); ok {
		var all []error
		for _, e := range strict.Errors {
			row, _ := e.Position()
			all = append(all, fmt.Errorf("%s:%d: there is no setting %s", name, row, strings.Join(e.Key(), ".")))
		}
		return errors.Join(all...)
	}
	if e, ok := errors.AsType[*toml.DecodeError](err); ok {
		row, column := e.Position()
		if key := strings.Join(e.Key(), "."); key != "" {
			return fmt.Errorf("%s:%d:%d: %s: %s", name, row, column, key, quoted(e))
		}
		return fmt.Errorf("%s:%d:%d: this is not TOML", name, row, column)
	}
	return fmt.Errorf("%s: %w", name, err)
}

// quoted finds our own words about a value in the decoder's, which has no other
// way of handing them on.
func quoted(e *toml.DecodeError) string {
	if _, words, ours := strings.Cut(e.Error(), valueMark); ours {
		return words
	}
	return "not a value of the right kind"
}

// lists are the settings whose entries the environment counts.
var lists = []string{prefix + "PROVIDERS_", prefix + "CALLERS_", prefix + "KEYS_RING_"}

// environment reads the variables over the settings.
func (c *Config) environment(vars []string) error {
	ours := map[string]string{}
	for _, v := range vars {
		if name, value, _ := strings.Cut(v, "="); strings.HasPrefix(name, prefix) && value != "" {
			ours[name] = value
		}
	}
	looked := map[string]bool{}
	err := env.ParseWithOptions(c, env.Options{Prefix: prefix, Environment: ours, OnSet: func(tag string, _ any, _ bool) { looked[tag] = true }})
	if err != nil {
		return c.culprits(ours, err)
	}
	var all []error
	for name := range ours {
		if !looked[name] && slices.ContainsFunc(lists, func(l string) bool { return strings.HasPrefix(name, l) }) {
			all = append(all, fmt.Errorf("environment: %s: there is no such setting, or the entries before it are not there", name))
		}
	}
	return errors.Join(all...)
}

// culprits names the variables that cannot be read: the library's errors name
// fields of a struct, and nobody sets those. Each is tried by itself.
func (c *Config) culprits(vars map[string]string, err error) error {
	var all []error
	for name, value := range vars {
		alone := env.Options{Prefix: prefix, Environment: map[string]string{name: value}}
		if err := env.ParseWithOptions(c, alone); err != nil {
			all = append(all, fmt.Errorf("environment: %s: %s", name, reason(err)))
		}
	}
	if len(all) == 0 {
		return fmt.Errorf("environment: a variable %s… is %s", prefix, reason(err))
	}
	return errors.Join(all...)
}

// reason is what may be said of a value that cannot be read: our own words,
// which never quote it.
func reason(err error) string {
	if ve, ok := errors.AsType[valueError](err); ok {
		return string(ve)
	}
	for _, e := range unwrapped(err) {
		if pe, ok := errors.AsType[env.ParseError](e); ok {
			if ve, ok := errors.AsType[valueError](pe.Err); ok {
				return string(ve)
			}
		}
	}
	return "not a value of the right kind"
}

func unwrapped(err error) []error {
	if agg, ok := errors.AsType[env.AggregateError](err); ok {
		return agg.Errors
	}
	return []error{err}
}
