package config

import (
	"fmt"
	"os"
)

// Load reads a file over the defaults and the environment over the file, and
// checks the result. Without a path there is only the environment. Its error
// has a line for everything that is wrong.
func Load(path string) (Config, error) {
	var text []byte
	if path != "" {
		var err error
		if text, err = os.ReadFile(path); err != nil {
			return Config{}, fmt.Errorf("read configuration: %w", err)
		}
	}
	return Parse(path, text)
}

// Parse is Load for a text that was read already; name is its name in complaints.
func Parse(name string, text []byte) (Config, error) {
	c, cs := read(name, text, Config.checkPublic)
	return c, cs.join()
}

// ParseDev is Parse for dev mode, whose keys everybody knows: nothing else may
// take them.
func ParseDev(name string, text []byte) (Config, error) {
	c, cs := read(name, text)
	return c, cs.join()
}

// read reads as much as can be read, and lists all that is wrong.
func read(name string, text []byte, also ...func(Config, *complaints)) (Config, complaints) {
	c := Default()
	f := &file{name: name, text: text}
	f.read(&c)
	e := newEnvironment(os.Environ())
	e.over(&c)
	var found complaints
	for _, check := range append([]func(Config, *complaints){Config.check}, also...) {
		check(c, &found)
	}
	all := append(f.wrong, e.wrong...)
	for _, one := range found {
		if one.place = where(f, e, one.setting); !answered(f, e, one) {
			all = append(all, one)
		}
	}
	return c, all
}

// where is the place of a setting: the variable or the line that sets it, or
// what would have to.
func where(f *file, e *environment, setting string) place {
	if variable := e.from[setting]; variable != "" {
		return place{variable: variable}
	}
	for path := range enclosing(setting) {
		if line := f.layout.lines[path]; line > 0 {
			return place{file: f.name, line: line}
		}
	}
	if f.name == "" {
		return place{variable: variableOf(setting)}
	}
	return place{file: f.name}
}

// answered tells whether a complaint would only follow from another: about a
// setting that could not be read, or one that a broken line may have set.
func answered(f *file, e *environment, c complaint) bool {
	there := e.from[c.setting] != "" || f.layout.lines[c.setting] > 0
	return f.bad[c.setting] || e.bad(c.setting) || f.broken && !there
}
