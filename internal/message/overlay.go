package message

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"golang.org/x/text/language"

	"github.com/otpipe/otpipe/internal/otp"
)

// Overlay puts single files of one tree over those of another: what lies in
// over goes before what lies at the same path in under.
//
// A file of over that is not where a template of one of the namespaces would be
// is an error, for a name with a slip in it would change nothing and say
// nothing. Names that begin with a dot are left alone: version control and
// mounted volumes have their own there.
func Overlay(over, under fs.FS, namespaces map[otp.Namespace]otp.Policy) (fs.FS, error) {
	known := grammar{namespaces: map[string]bool{fallback: true}}
	for _, all := range []map[otp.Namespace]otp.Policy{namespaces, otp.BuiltIn()} {
		for ns := range all {
			known.namespaces[string(ns)] = true
		}
	}
	err := known.check(over, ".")
	return overlay{over, under}, err
}

// grammar says which paths are those of templates.
type grammar struct{ namespaces map[string]bool }

// check goes through a directory and those in it. Symbolic links are followed:
// mounted volumes are made of them.
func (g grammar) check(files fs.FS, dir string) error {
	entries, err := fs.ReadDir(files, dir)
	if err != nil {
		return fmt.Errorf("read templates: %w", err)
	}
	var errs []error
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		name := path.Join(dir, e.Name())
		info, err := fs.Stat(files, name)
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("read templates: %w", err))
		case g.fault(name, info.IsDir()) != "":
			errs = append(errs, fmt.Errorf("template %s: %s", name, g.fault(name, info.IsDir())))
		case info.IsDir():
			errs = append(errs, g.check(files, name))
		}
	}
	return errors.Join(errs...)
}

// fault says what is wrong with the last name of a path; "" is nothing.
func (g grammar) fault(name string, dir bool) string {
	names := strings.Split(name, "/")
	last := names[len(names)-1]
	if dir != (len(names) < 3) {
		return "want files at <locale>/<namespace>/<part> and nowhere else"
	}
	switch len(names) {
	case 1:
		if tag, err := language.Parse(last); err != nil || tag.String() != last || tag == language.Und {
			return "want a locale such as de, pt-PT or zh-Hant"
		}
	case 2:
		if !g.namespaces[last] {
			return "there is no such namespace; what holds for all is in default"
		}
	default:
		if !slices.Contains(fileNames(), last) {
			return fmt.Sprintf("want one of %v", fileNames())
		}
	}
	return ""
}

func fileNames() []string {
	all := slices.Concat(slices.Collect(maps.Values(filesOf))...)
	slices.Sort(all)
	return slices.Compact(all)
}

// overlay is a tree of two.
type overlay struct{ over, under fs.FS }

// Open opens the upper file, or the lower one where there is no upper. A
// directory is listed by ReadDir.
func (o overlay) Open(name string) (fs.File, error) {
	f, err := o.over.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return o.under.Open(name)
	}
	return f, err
}

// ReadDir lists what either tree has.
func (o overlay) ReadDir(name string) ([]fs.DirEntry, error) {
	upper, err := fs.ReadDir(o.over, name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	lower, err := fs.ReadDir(o.under, name)
	if err != nil && (len(upper) == 0 || !errors.Is(err, fs.ErrNotExist)) {
		return nil, err
	}
	all := slices.Concat(upper, lower)
	byName := func(a, b fs.DirEntry) int { return cmp.Compare(a.Name(), b.Name()) }
	slices.SortStableFunc(all, byName)
	return slices.CompactFunc(all, func(a, b fs.DirEntry) bool { return a.Name() == b.Name() }), nil
}
