package config

import (
	"bytes"
	"errors"
	"fmt"
	"os"
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
	if err := env.ParseWithOptions(&c, env.Options{Prefix: prefix}); err != nil {
		return Config{}, environment(err)
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
			return fmt.Errorf("%s:%d:%d: %s: not a value of the right kind", name, row, column, key)
		}
		return fmt.Errorf("%s:%d:%d: this is not TOML", name, row, column)
	}
	return fmt.Errorf("%s: %w", name, err)
}

func environment(err error) error {
	agg, ok := errors.AsType[env.AggregateError](err)
	if !ok {
		return errors.New("environment: a variable " + prefix + "… cannot be read")
	}
	var all []error
	for _, e := range agg.Errors {
		if pe, ok := errors.AsType[env.ParseError](e); ok {
			all = append(all, fmt.Errorf("environment: the setting %s cannot be read as %s", pe.Name, pe.Type))
			continue
		}
		all = append(all, errors.New("environment: a variable "+prefix+"… cannot be read"))
	}
	return errors.Join(all...)
}
