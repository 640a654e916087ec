package config

import (
	"reflect"
	"slices"
	"strings"
)

// atStart are the settings, and tables of settings, that a process takes when it
// starts: where it listens and writes, what it is connected to, and what all
// processes must have agreed on.
var atStart = []string{"redis", "api.listen", "api.admin", "api.connections", "api.tls", "api.admin_tls", "worker", "store", "keys.anchor", "support.listen", "support.tls", "audit", "database", "log"}

// AtStart tells whether a process takes a setting only when it starts. All others
// it also takes when it is told to read its configuration again.
func AtStart(setting string) bool {
	for path := range enclosing(setting) {
		if slices.Contains(atStart, path) {
			return true
		}
	}
	return false
}

// WantRestart names the settings that a process which runs with c would have to
// start again for, to run with next.
func (c Config) WantRestart(next Config) (settings []string) {
	var compare func(a, b reflect.Value, path string)
	compare = func(a, b reflect.Value, path string) {
		if isTable(a.Type()) {
			for f := range fields(a.Type()) {
				compare(a.Field(f.index), b.Field(f.index), strings.TrimPrefix(path+"."+f.name, "."))
			}
		} else if AtStart(path) && !same(a, b) {
			settings = append(settings, path)
		}
	}
	compare(reflect.ValueOf(c), reflect.ValueOf(next), "")
	if c.Support.On() != next.Support.On() {
		settings = append(settings, "support")
	}
	return settings
}

// same tells whether two values of a setting are one.
func same(a, b reflect.Value) bool {
	if secret, ok := a.Interface().(Secret); ok {
		return secret.Reveal() == b.Interface().(Secret).Reveal()
	}
	return reflect.DeepEqual(a.Interface(), b.Interface())
}
