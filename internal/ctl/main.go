// Package ctl is otpctl, the command line of those who run the system: what can
// be typed, what is shown, and with which code it ends. It runs in cmd/otpctl
// alone.
package ctl

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/otpipe/otpipe/internal/app"
)

const description = `The command line of those who run otpipe.

Commands of the first kind read the configuration (--config, OTPIPE_CONFIG and the
other OTPIPE_ variables), those of the second ask the api (--url and --key, or
OTPIPE_URL and OTPIPE_KEY). All of them print JSON with --json.

Exit codes: 0 done, 1 failed, 2 something is wrong with what was looked at,
64 wrong usage, 69 a dependency does not answer, 75 not known yet,
78 wrong configuration.`

// Main is the whole of otpctl: it returns the exit code.
func Main(args []string) int {
	ctx, stop := app.Signals()
	defer stop()
	app.QuietRedis()
	s := newScreen(os.Stdin, os.Stdout, os.Stderr)
	err := run(ctx, args, s)
	if err != nil && !errors.Is(err, errShown) {
		s.complain(err)
	}
	return codeOf(err)
}

// finished is what kong ends with when it has printed a help text or the version.
type finished struct{}

// run reads args and runs the command in them.
func run(ctx context.Context, args []string, s *screen) (err error) {
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(finished); !ok {
				panic(r)
			}
			err = nil
		}
	}()
	var line commandLine
	parser, err := newParser(&line, s)
	if err != nil {
		return fmt.Errorf("build the command line: %w", err) // its own grammar is wrong
	}
	found, err := parser.Parse(args)
	if err != nil {
		return usage(err)
	}
	s.json = line.JSON
	s.color = s.color && !line.NoColor
	found.BindTo(ctx, (*context.Context)(nil))
	return found.Run(s, parser)
}

func newParser(line *commandLine, s *screen) (*kong.Kong, error) {
	return kong.New(line,
		kong.Name("otpctl"), kong.Description(description), words(),
		kong.Writers(s.out, s.err), kong.Exit(func(int) { panic(finished{}) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: false, WrapUpperBound: 100}),
		kong.ExplicitGroups([]kong.Group{
			{Key: "config", Title: "With the configuration:"},
			{Key: "api", Title: "By way of the api:"},
			{Key: "alone", Title: "By itself:"},
		}),
	)
}

// usage is an error about what was typed, with the command whose help says more.
func usage(err error) error {
	help := "otpctl --help"
	if parse, ok := errors.AsType[*kong.ParseError](err); ok && parse.Context != nil {
		if path := parse.Context.Command(); path != "" {
			help = "otpctl " + commandWords(path) + " --help"
		}
	}
	return ending{app.ExitUsage, fmt.Errorf("%w\nsee %s", err, help)}
}

// commandWords leaves the arguments of a command out, as kong writes them: <id>.
func commandWords(path string) string {
	var all []string
	for _, word := range strings.Fields(path) {
		if !strings.HasPrefix(word, "<") {
			all = append(all, word)
		}
	}
	return strings.Join(all, " ")
}
