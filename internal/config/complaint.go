package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// complaint is one thing that is wrong with the settings.
type complaint struct {
	place   place
	setting string // such as providers[1].smtp.host; "": it is none
	want    string // what to write instead
}

func (c complaint) Error() string {
	var parts []string
	for _, part := range []string{c.place.String(), c.setting, c.want} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ": ")
}

// place is where a setting stands, or should.
type place struct {
	file     string
	line     int    // of the file; 0: none
	variable string // of the environment
}

func (p place) String() string {
	switch {
	case p.variable != "":
		return "environment: " + p.variable
	case p.line > 0:
		return fmt.Sprintf("%s:%d", p.file, p.line)
	default:
		return p.file
	}
}

// before puts the file in front, by its lines and then what is missing in it.
func (p place) before(q place) int {
	return cmp.Or(
		cmp.Compare(p.variable, q.variable),
		cmp.Compare(uint(p.line-1), uint(q.line-1)),
	)
}

// complaints collects everything that is wrong.
type complaints []complaint

func (cs *complaints) add(setting, format string, args ...any) {
	*cs = append(*cs, complaint{setting: setting, want: fmt.Sprintf(format, args...)})
}

func (cs *complaints) want(ok bool, setting, format string, args ...any) {
	if !ok {
		cs.add(setting, format, args...)
	}
}

// join is one error with a line for each complaint, sorted by where they stand.
func (cs complaints) join() error {
	slices.SortStableFunc(cs, func(a, b complaint) int { return a.place.before(b.place) })
	var all []error
	for _, c := range slices.Compact(cs) {
		all = append(all, c)
	}
	return errors.Join(all...)
}
