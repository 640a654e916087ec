package ctl

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"
)

// screen is where a command writes, and how.
type screen struct {
	in       *os.File
	out, err io.Writer
	json     bool
	color    bool // out is a terminal that may have colours
	live     bool // err is a terminal: somebody waits in front of it
}

func newScreen(in, out, wrong *os.File) *screen {
	plain := os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb"
	return &screen{in: in, out: out, err: wrong, color: terminal(out) && !plain, live: terminal(wrong)}
}

func terminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// answer is what a command found out. Its JSON is what --json prints: names in
// it stay, new ones may be added.
type answer interface {
	// text writes it for people.
	text(p *paper)
}

// show writes an answer, as JSON or for people.
func (s *screen) show(a answer) error {
	if s.json {
		return s.encode(a)
	}
	p := &paper{to: s.out, color: s.color}
	a.text(p)
	return p.fault
}

func (s *screen) encode(v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	if _, err := s.out.Write(harmlessJSON(b.Bytes())); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

// complain says what went wrong.
func (s *screen) complain(err error) {
	_, _ = fmt.Fprintln(s.err, "otpctl:", harmlessLines(err.Error()))
}

// encoded is v in JSON, as it is written: with < and & in clear.
func encoded(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return b.Bytes(), err
}

// listed is a list that JSON writes as [] where it is empty.
func listed[T any](all []T) []T {
	if all == nil {
		return []T{}
	}
	return all
}
