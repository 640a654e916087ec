package ctl

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/otpipe/otpipe/internal/app"
	"github.com/otpipe/otpipe/internal/config"
)

// configCheck is what the processes' own -check does.
type configCheck struct{ settings }

// Help says how it ends.
func (configCheck) Help() string {
	return `It starts nothing and changes nothing. It ends with 78 if a setting has to be changed,
and with 69 if Redis does not answer.

	otpctl config check -c /etc/otpipe/otpipe.toml`
}

// Run examines the configuration.
func (k configCheck) Run(ctx context.Context, s *screen) error {
	c, err := config.Load(k.Path)
	if err != nil && !s.json {
		_, err := k.load()
		return err
	}
	if err != nil {
		return errors.Join(s.show(examined{Source: app.Source(k.Path), report: app.Report{Fault: err}}), shown(app.ExitConfig))
	}
	done := s.waiting("asking Redis")
	report := app.Examine(ctx, c)
	done()
	return errors.Join(s.show(examined{app.Source(k.Path), report, s}), shown(report.Code()))
}

// examined is a configuration that was examined.
type examined struct {
	Source string
	report app.Report
	screen *screen
}

func (e examined) text(p *paper) {
	var out, wrong strings.Builder
	e.report.Write(e.Source, &out, &wrong)
	p.write(harmlessLines(out.String()))
	_, _ = io.WriteString(e.screen.err, harmlessLines(wrong.String()))
}

// MarshalJSON writes what --json prints.
func (e examined) MarshalJSON() ([]byte, error) {
	type subject struct {
		Name    string `json:"name"`
		Meaning string `json:"meaning"`
	}
	out := struct {
		OK       bool      `json:"ok"`
		Source   string    `json:"source"`
		Settings []subject `json:"settings"`
		Warnings []string  `json:"warnings"`
		Faults   []string  `json:"faults"`
	}{e.report.Fault == nil, e.Source, []subject{}, listed(e.report.Warnings), []string{}}
	for _, s := range e.report.Settings {
		out.Settings = append(out.Settings, subject(s))
	}
	if e.report.Fault != nil {
		out.Faults = strings.Split(e.report.Fault.Error(), "\n")
	}
	return encoded(out)
}
