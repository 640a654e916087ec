package ctl

import (
	"fmt"

	"github.com/otpipe/otpipe/internal/app"
	"github.com/otpipe/otpipe/internal/config"
)

// settings say where a command's configuration is from.
type settings struct {
	Path string `name:"config" short:"c" env:"OTPIPE_CONFIG" placeholder:"FILE" help:"The configuration file. Settings may also come from the environment as OTPIPE_…"`
}

// load reads the configuration. Its error ends otpctl as one of the processes.
func (s settings) load() (config.Config, error) {
	c, err := config.Load(s.Path)
	switch {
	case err == nil:
		return c, nil
	case s.Path == "":
		err = fmt.Errorf("the environment alone is no configuration; name the file by --config or OTPIPE_CONFIG\n%w", err)
	default:
		err = fmt.Errorf("the configuration is wrong\n%w", err)
	}
	return c, ending{app.ExitConfig, err}
}
