package ctl

import (
	"fmt"
	"io"
	"reflect"
	"strings"
	"unicode/utf8"
)

// tint is a colour by its meaning.
type tint string

// The tints, as terminals know them (ECMA-48, select graphic rendition).
const (
	plain tint = ""
	faint tint = "2"
	bold  tint = "1"
	good  tint = "32"
	odd   tint = "33"
	bad   tint = "31"
)

// paper is what is written for people. Colours only say again what words say.
type paper struct {
	to    io.Writer
	color bool
	fault error // the first that writing had
}

// painted is a text that may be written as it is.
type painted string

// line writes a line. Texts in it lose what a terminal would obey.
func (p *paper) line(format string, args ...any) {
	for i, a := range args {
		if v := reflect.ValueOf(a); v.Kind() == reflect.String && v.Type() != reflect.TypeFor[painted]() {
			args[i] = harmless(v.String())
		}
	}
	p.write(fmt.Sprintf(format, args...) + "\n")
}

func (p *paper) write(text string) {
	if _, err := io.WriteString(p.to, text); err != nil && p.fault == nil {
		p.fault = fmt.Errorf("write: %w", err)
	}
}

// tinted is a text in a colour, where there are colours.
func (p *paper) tinted(text string, t tint) painted {
	text = harmless(text)
	if !p.color || t == plain || text == "" {
		return painted(text)
	}
	return painted("\x1b[" + string(t) + "m" + text + "\x1b[0m")
}

// cell is a text in a table.
type cell struct {
	text string
	tint tint
}

// row makes cells without a colour.
func row(texts ...string) []cell {
	all := make([]cell, 0, len(texts))
	for _, t := range texts {
		all = append(all, cell{text: t})
	}
	return all
}

// table writes rows below the names of their columns, as wide as each needs. The
// last cell of a row may be of any length.
func (p *paper) table(head []string, rows [][]cell) {
	names := row(head...)
	for i := range names {
		names[i].tint = faint
	}
	all := append([][]cell{names}, rows...)
	widths := make([]int, len(head))
	for _, r := range all {
		for i, c := range r {
			widths[i] = max(widths[i], utf8.RuneCountInString(c.text))
		}
	}
	for _, r := range all {
		p.row(r, widths)
	}
}

func (p *paper) row(r []cell, widths []int) {
	var b strings.Builder
	for i, c := range r {
		text := c.text
		if text == "" {
			text = "–"
		}
		b.WriteString(string(p.tinted(text, c.tint)))
		if i < len(r)-1 {
			b.WriteString(strings.Repeat(" ", max(0, widths[i]-utf8.RuneCountInString(text))+2))
		}
	}
	p.line("%s", painted(b.String()))
}
