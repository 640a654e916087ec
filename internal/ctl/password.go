package ctl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/otpipe/otpipe/internal/app"
)

// maxPassword is how many bytes are read of one.
const maxPassword = 4 << 10

// newPassword asks for one twice, on a terminal without showing it, or reads the
// first line of what comes by a pipe.
func (s *screen) newPassword(ctx context.Context) (string, error) {
	if !terminal(s.in) {
		text, err := io.ReadAll(io.LimitReader(s.in, maxPassword))
		if err != nil {
			return "", fmt.Errorf("read password: %w", err)
		}
		line, _, _ := strings.Cut(string(text), "\n")
		return strings.TrimSuffix(line, "\r"), nil
	}
	first, err := s.hidden(ctx, "Password: ")
	if err != nil {
		return "", err
	}
	second, err := s.hidden(ctx, "Once more: ")
	if err != nil {
		return "", err
	}
	if first != second {
		return "", ending{app.ExitUsage, errors.New("these are two passwords: try again")}
	}
	return first, nil
}

// hidden reads a line that the terminal does not show. When ctx ends, the terminal
// is as it was before.
func (s *screen) hidden(ctx context.Context, prompt string) (string, error) {
	fd := int(s.in.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", fmt.Errorf("read password: %w", err)
	}
	type line struct {
		text []byte
		err  error
	}
	read := make(chan line, 1)
	go func() {
		text, err := term.ReadPassword(fd)
		read <- line{text, err}
	}()
	silenced(fd, before)
	_, _ = fmt.Fprint(s.err, prompt)
	defer func() { _, _ = fmt.Fprintln(s.err) }()
	select {
	case l := <-read:
		if l.err != nil {
			return "", fmt.Errorf("read password: %w", l.err)
		}
		return string(l.text), nil
	case <-ctx.Done():
		_ = term.Restore(fd, before)
		return "", fmt.Errorf("read password: %w", ctx.Err())
	}
}

// silenced waits until the terminal shows no more what is typed: what a quick typist
// answers to the prompt must not be seen either. One that was silent before is given
// half a second.
func silenced(fd int, before *term.State) {
	for range 100 {
		if now, err := term.GetState(fd); err != nil || !reflect.DeepEqual(now, before) {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}
