package config

import (
	"encoding"
	"iter"
	"reflect"
	"strings"
)

// field is a setting, or a table of them, in the struct that holds it.
type field struct {
	name  string // in the file
	index int
	typ   reflect.Type
}

// fields are those of a struct.
func fields(t reflect.Type) iter.Seq[field] {
	return func(yield func(field) bool) {
		for i := range t.NumField() {
			if f := t.Field(i); !yield(field{f.Tag.Get("toml"), i, f.Type}) {
				return
			}
		}
	}
}

// known are the names of all settings and tables.
var known = func() map[string]bool {
	all := map[string]bool{}
	var collect func(t reflect.Type)
	collect = func(t reflect.Type) {
		if isTable(t) {
			for f := range fields(t) {
				all[f.name] = true
				collect(elem(f.typ))
			}
		}
	}
	collect(reflect.TypeFor[Config]())
	return all
}()

// elem is what a pointer, list or map holds, or the type itself.
func elem(t reflect.Type) reflect.Type {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return elem(t.Elem())
	default:
		return t
	}
}

// isTable tells a struct of settings from a value that is a struct in Go only.
func isTable(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && !reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

// typeOf finds the type behind a path such as providers[1].smtp.host.
func typeOf(path string) (reflect.Type, bool) {
	t := reflect.TypeFor[Config]()
	if path == "" {
		return t, true
	}
	for name := range strings.SplitSeq(path, ".") {
		if t.Kind() == reflect.Map {
			t = t.Elem()
			continue
		}
		next, ok := named(t, uncounted(name))
		if !ok {
			return nil, false
		}
		if t = next; uncounted(name) != name {
			t = elem(t)
		}
	}
	return t, true
}

// isList tells whether a path is a list of tables, and not one entry of it.
func isList(path string) bool {
	t, ok := typeOf(path)
	return ok && t.Kind() == reflect.Slice && isTable(t.Elem())
}

func named(t reflect.Type, name string) (reflect.Type, bool) {
	if !isTable(t) {
		return nil, false
	}
	for f := range fields(t) {
		if f.name == name {
			return f.typ, true
		}
	}
	return nil, false
}

// example is how a value of a type is written in a file.
func example(t reflect.Type, name string) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	list := t.Kind() == reflect.Slice
	switch e := elem(t); {
	case isTable(e) && list:
		return "tables, each under [[" + name + "]]"
	case isTable(e):
		return "a table [" + name + "]"
	case e == reflect.TypeFor[Duration]() && list:
		return `durations such as ["15m", "1h"]`
	case e == reflect.TypeFor[Duration]():
		return `a duration such as "90s", "5m" or "72h"`
	case t.Kind() == reflect.Map:
		return `texts by name, such as { phone-auth = "…" }`
	case list:
		return `a list of texts, such as ["one", "two"]`
	case e.Kind() == reflect.Int:
		return "a whole number without quotes"
	case e.Kind() == reflect.Float64:
		return "a number without quotes, such as 2.5"
	case e.Kind() == reflect.Bool:
		return "true or false, without quotes"
	default:
		return `text in "quotes"`
	}
}
