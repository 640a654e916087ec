package ctl

import (
	"errors"

	"github.com/otpipe/otpipe/internal/app"
)

// The exit codes that otpctl has beside those of the processes.
const (
	exitFound  = 2  // something is wrong with what was looked at
	exitNotYet = 75 // not known yet (EX_TEMPFAIL of sysexits.h)
)

// errShown is the error of a command that has already shown what is wrong.
var errShown = errors.New("shown")

// ending is an error and the code that otpctl ends with because of it.
type ending struct {
	code int
	err  error
}

func (e ending) Error() string { return e.err.Error() }
func (e ending) Unwrap() error { return e.err }

// shown ends otpctl with a code and no further word.
func shown(code int) error {
	if code == app.ExitStopped {
		return nil
	}
	return ending{code, errShown}
}

func codeOf(err error) int {
	if err == nil {
		return app.ExitStopped
	}
	if e, ok := errors.AsType[ending](err); ok {
		return e.code
	}
	return app.ExitFailure
}
