package config_test

import (
	"encoding"
	"reflect"
	"testing"

	"github.com/otpipe/otpipe/internal/config"
)

// setting is one that can be set, of whatever entry or namespace.
type setting struct {
	path   string // such as providers[].smtp.host or namespaces.<name>.life
	typ    reflect.Type
	holder string // the struct and field in Go
	field  string
}

// settings are all that there are.
func settings(t *testing.T) []setting {
	t.Helper()
	var all []setting
	walk(reflect.TypeFor[config.Config](), "", &all)
	if len(all) < 60 {
		t.Fatalf("%d settings", len(all))
	}
	return all
}

func walk(table reflect.Type, path string, all *[]setting) {
	for _, f := range reflect.VisibleFields(table) {
		here := path + f.Tag.Get("toml")
		switch {
		case isTable(f.Type):
			walk(f.Type, here+".", all)
		case f.Type.Kind() == reflect.Slice && isTable(f.Type.Elem()):
			walk(f.Type.Elem(), here+"[].", all)
		case f.Type.Kind() == reflect.Map:
			walk(f.Type.Elem(), here+".<name>.", all)
		default:
			*all = append(*all, setting{here, f.Type, table.Name(), f.Name})
		}
	}
}

func isTable(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && !reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}
