package config

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// maxRounds bounds how often a file that is wrong is read again.
const maxRounds = 100

// file is a configuration file, read as far as it can be.
type file struct {
	name   string
	text   []byte // what cannot be read is blanked
	layout layout
	broken bool // a line is not TOML: what it was to set is not known
	wrong  complaints
	bad    map[string]bool // settings that there is a complaint about already
}

// read reads the text over c. The decoder stops at the first thing that it
// cannot read; so that is blanked, and the rest is read again.
//
// None of the decoder's words are handed on: they, and its picture of the
// place, quote what stands there and around it, which may be a secret.
func (f *file) read(c *Config) {
	f.bad = map[string]bool{}
	for range maxRounds {
		fresh := Default()
		f.layout = layoutOf(f.text)
		if f.uncountedList() {
			continue
		}
		err := toml.NewDecoder(bytes.NewReader(f.text)).DisallowUnknownFields().Decode(&fresh)
		unknown, strange := errors.AsType[*toml.StrictMissingError](err)
		if wrong, ok := errors.AsType[*toml.DecodeError](err); ok && !strange {
			f.leaveOut(wrong)
			continue
		}
		*c = fresh
		if strange {
			f.unknown(unknown)
		} else if err != nil {
			f.say(0, "", "this cannot be read as TOML")
		}
		return
	}
	f.say(0, "", "there is more, but this is enough for now")
	f.broken = true
}

func (f *file) say(line int, setting, want string) {
	f.wrong = append(f.wrong, complaint{place{file: f.name, line: line}, setting, want})
	f.bad[setting] = true
}

// leaveOut complains about what the decoder stopped at, and blanks it.
func (f *file) leaveOut(e *toml.DecodeError) {
	row, column := e.Position()
	at, ok := f.layout.covering(row)
	if !ok {
		f.leaveOutBroken(row)
		return
	}
	if first := f.layout.lines[at.path]; first < at.first {
		f.say(at.first, at.path, fmt.Sprintf("this stands in line %d already: want it once", first))
	} else {
		setting, inside := f.layout.at(row, column)
		if !inside {
			setting = at.path
		}
		f.say(row, setting, wanted(e, setting))
	}
	f.leaveOutWhole(at)
}

func (f *file) leaveOutBroken(row int) {
	const want = `want setting = "value", setting = 1 or [table]`
	first, last := f.brokenLines(row)
	if first == row {
		f.say(row, "", "this is not TOML: "+want)
	} else {
		f.say(first, "", fmt.Sprintf("this is not TOML, as line %d shows: %s", row, want))
	}
	f.broken = true
	f.blank(first, last)
}

// leaveOutWhole blanks an expression, a table with all that it holds.
func (f *file) leaveOutWhole(e expression) {
	if e.table {
		f.broken = true
		e.last = f.nextTable(e.last) - 1
	}
	f.blank(e.first, e.last)
}

// uncountedList finds a table that leaves out which entry of a list it is or
// belongs to. The decoder would take it for the first.
func (f *file) uncountedList() bool {
	for _, e := range f.layout.expressions {
		for path := range enclosing(e.path) {
			if isList(path) && (e.table || path != e.path) {
				f.say(e.first, path, "want tables, each under [["+uncounted(path)+"]]")
				f.leaveOutWhole(e)
				return true
			}
		}
	}
	return false
}

// brokenLines are those that cannot be trusted because of a syntax error: a
// line, or where it begins a table or ends in another line, up to the next table.
func (f *file) brokenLines(row int) (first, last int) {
	first = f.layout.end() + 1
	for first < row && ignored(f.line(first)) {
		first++
	}
	if first == row && !header(f.line(row)) {
		return row, row
	}
	return first, f.nextTable(row) - 1
}

// nextTable is the line of the first header behind a line, or the file's end.
func (f *file) nextTable(line int) int {
	end := bytes.Count(f.text, []byte("\n")) + 2
	for line++; line < end && !header(f.line(line)); line++ {
	}
	return line
}

func (f *file) line(n int) []byte {
	return bytes.TrimSpace(bytes.Split(f.text, []byte("\n"))[n-1])
}

func header(line []byte) bool { return bytes.HasPrefix(line, []byte("[")) }

func ignored(line []byte) bool { return len(line) == 0 || line[0] == '#' }

// blank makes lines empty; those behind keep their numbers.
func (f *file) blank(first, last int) {
	lines := bytes.Split(f.text, []byte("\n"))
	for i := first; i <= min(last, len(lines)); i++ {
		lines[i-1] = nil
	}
	f.text = bytes.Join(lines, []byte("\n"))
}

// unknown complains about settings that there are none of.
func (f *file) unknown(e *toml.StrictMissingError) {
	for _, missing := range e.Errors {
		row, column := missing.Position()
		setting, inside := f.layout.at(row, column)
		if !inside {
			at, _ := f.layout.covering(row)
			setting = at.path
		}
		name := strings.Join(missing.Key()[max(0, len(missing.Key())-1):], "")
		f.say(row, "", "there is no setting "+setting+didYouMean(name, siblings(setting)))
	}
}

// wanted is what may be said of a value that cannot be read.
func wanted(e *toml.DecodeError, setting string) string {
	if _, words, ours := strings.Cut(e.Error(), valueMark); ours {
		return words
	}
	t, ok := typeOf(setting)
	if !ok {
		return "this does not belong here: want the form that the sample file shows"
	}
	return "want " + example(t, uncounted(setting))
}

// siblings are the names of the settings beside one.
func siblings(setting string) (names []string) {
	parent, _, _ := cutLast(setting)
	t, ok := typeOf(parent)
	if !ok || elem(t).Kind() != reflect.Struct {
		return nil
	}
	for f := range fields(elem(t)) {
		names = append(names, f.name)
	}
	return names
}
