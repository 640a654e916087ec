package app

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"

	"github.com/otpipe/otpipe/internal/config"
	"github.com/otpipe/otpipe/internal/message"
	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/templates"
)

// errMessages marks templates that cannot be used as they are configured.
var errMessages = errors.New("messages cannot be written as they are configured")

// NewComposer reads the templates and checks what texts cost, as both processes
// do before anything else: the api would admit what no worker can write.
func NewComposer(c config.Config) (*message.Composer, error) {
	composer, err := ReadTemplates(c)
	if err != nil {
		return nil, err
	}
	if err := composer.CheckTexts(TextLimits(c)); err != nil {
		return nil, fmt.Errorf("%w:\n%w", errMessages, err)
	}
	return composer, nil
}

// TextLimits are what a text may cost.
func TextLimits(c config.Config) message.Limits {
	m := c.Messages
	return message.Limits{Segments: m.SMSSegments, Unicode: m.UnicodeLocales, UnicodeSegments: m.UnicodeSegments}
}

// ReadTemplates is NewComposer without a look at what texts cost.
func ReadTemplates(c config.Config) (*message.Composer, error) {
	files, err := templateFiles(c)
	if err != nil {
		return nil, fmt.Errorf("%w:\n%w", errMessages, err)
	}
	m := c.Messages
	settings := message.Settings{Params: map[string]string{"brand": m.Brand}, Locale: m.DefaultLocale, Ending: map[otp.Namespace]message.Ending{}}
	maps.Copy(settings.Params, m.Params)
	for ns := range c.Policies() {
		origin, hash := m.Ending(ns)
		settings.Ending[ns] = message.Ending{Origin: origin, AndroidHash: hash}
	}
	composer, err := message.New(files, c.Policies(), settings)
	if err != nil {
		return nil, fmt.Errorf("%w:\n%w", errMessages, err)
	}
	return composer, nil
}

// templateFiles are the built-in templates under those of the configured directory.
func templateFiles(c config.Config) (fs.FS, error) {
	if c.Messages.Directory == "" {
		return templates.FS, nil
	}
	files, err := message.Overlay(os.DirFS(c.Messages.Directory), templates.FS, c.Policies())
	if err != nil {
		return nil, fmt.Errorf("messages.directory: %w", err)
	}
	return files, nil
}
