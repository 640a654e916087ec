package config

import (
	"fmt"
	"iter"
	"regexp"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"

	"github.com/otpipe/otpipe/internal/otp"
)

// layout says where in a file each setting and table stands.
type layout struct {
	parser      unstable.Parser
	expressions []expression
	spans       []span
	lines       map[string]int // the first line of each path
	entries     map[string]int // how many there are of a list so far
}

// expression is a table's header, or a setting with its value.
type expression struct {
	first, last int // lines
	table       bool
	path        string
}

// span is the text of a setting, which may stand in that of another.
type span struct {
	path        string
	first, last unstable.Position
}

// layoutOf takes a text apart, up to its end or to what is not TOML.
func layoutOf(text []byte) layout {
	l := layout{lines: map[string]int{}, entries: map[string]int{}}
	l.parser.Reset(text)
	table := ""
	for l.parser.NextExpression() {
		switch e := l.parser.Expression(); e.Kind {
		case unstable.KeyValue:
			shape := l.parser.Shape(e.Raw)
			path := l.setting(table, e)
			l.expressions = append(l.expressions, expression{shape.Start.Line, shape.End.Line, false, path})
		case unstable.Table, unstable.ArrayTable:
			line := l.parser.Shape(e.Child().Raw).Start.Line
			table = l.table(names(e.Key()), e.Kind == unstable.ArrayTable)
			l.note(table, line)
			l.expressions = append(l.expressions, expression{line, line, true, table})
		}
	}
	return l
}

func (l *layout) note(path string, line int) {
	if l.lines[path] == 0 {
		l.lines[path] = line
	}
}

// table is the path of a header: under the newest entry of every list on its way.
func (l *layout) table(keys []string, entries bool) (path string) {
	for i, key := range keys {
		path = joined(path, key)
		if entries && i == len(keys)-1 && isList(path) {
			l.entries[path]++
		}
		if n := l.entries[path]; n > 0 {
			path = entry(path, n-1)
		}
	}
	return path
}

// setting notes a setting, and what an inline table or list in it holds.
func (l *layout) setting(table string, e *unstable.Node) (path string) {
	path = table
	for _, name := range names(e.Key()) {
		path = joined(path, name)
	}
	shape := l.parser.Shape(e.Raw)
	l.note(path, shape.Start.Line)
	l.spans = append(l.spans, span{path, shape.Start, shape.End})
	l.inside(path, e.Value())
	return path
}

func (l *layout) inside(path string, value *unstable.Node) {
	children := value.Children()
	for i := 0; children.Next(); {
		switch n := children.Node(); n.Kind {
		case unstable.KeyValue:
			l.setting(path, n)
		case unstable.InlineTable:
			l.note(entry(path, i), l.parser.Shape(n.Raw).Start.Line)
			l.inside(entry(path, i), n)
			i++
		}
	}
}

// covering finds the expression that a line belongs to.
func (l *layout) covering(line int) (expression, bool) {
	for _, e := range l.expressions {
		if e.first <= line && line <= e.last {
			return e, true
		}
	}
	return expression{}, false
}

// end is the last line that could be taken apart.
func (l *layout) end() int {
	if len(l.expressions) == 0 {
		return 0
	}
	return l.expressions[len(l.expressions)-1].last
}

// at names the innermost setting around a position. Settings are noted before
// those inside them.
func (l *layout) at(line, column int) (path string, found bool) {
	for _, s := range l.spans {
		begun := s.first.Line < line || s.first.Line == line && s.first.Column <= column
		ended := s.last.Line < line || s.last.Line == line && s.last.Column < column
		if begun && !ended {
			path, found = s.path, true
		}
	}
	return path, found
}

func names(keys unstable.Iterator) (all []string) {
	for keys.Next() {
		all = append(all, string(keys.Node().Data))
	}
	return all
}

func entry(list string, i int) string { return fmt.Sprintf("%s[%d]", list, i) }

var counters = regexp.MustCompile(`\[\d+\]`)

func uncounted(path string) string { return counters.ReplaceAllString(path, "") }

var wordForm = regexp.MustCompile(`^[a-z][a-z_-]{0,31}$`)

// joined adds a name to a path. Whatever does not look like a name may be a
// secret in the wrong place, and is not said.
func joined(path, name string) string {
	lower := strings.ToLower(name)
	switch {
	case known[lower]:
		name = lower // the decoder does not ask for the case
	case !wordForm.MatchString(name) && (path != "namespaces" || !otp.Namespace(name).Valid()):
		name = "?"
	}
	if path == "" {
		return name
	}
	return path + "." + name
}

func cutLast(path string) (parent, name string, found bool) {
	i := strings.LastIndexByte(path, '.')
	if i < 0 {
		return "", path, false
	}
	return path[:i], path[i+1:], true
}

// enclosing are a path and the tables around it, innermost first.
func enclosing(path string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for more := true; more && yield(path); {
			path, _, more = cutLast(path)
		}
	}
}
