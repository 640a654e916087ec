package config_test

import (
	"encoding"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/otpipe/otpipe/internal/config"
	"github.com/otpipe/otpipe/internal/otp"
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
		case f.Type.Kind() == reflect.Map && isTable(f.Type.Elem()):
			walk(f.Type.Elem(), here+".<name>.", all)
		default:
			*all = append(*all, setting{here, f.Type, table.Name(), f.Name})
		}
	}
}

func isTable(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && !reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

var update = flag.Bool("update", false, "write golden files")

// golden is made from the struct.
const golden = "../../docs/settings.md"

func TestTheTableOfSettingsIsThatOfTheStruct(t *testing.T) {
	t.Parallel()
	got := document(t)
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want := readFile(t, golden); got != want {
		t.Fatalf("docs/settings.md is stale: go test ./internal/config -update\n%s", cmp.Diff(want, got))
	}
}

// document writes docs/settings.md: what reflection knows, and the comments.
func document(t *testing.T) string {
	t.Helper()
	says := comments(t)
	var b strings.Builder
	b.WriteString(`# Settings

[deploy/otpipe.toml](../deploy/otpipe.toml) is the manual: it has all of these in their place, ready to be changed. This
table is made from the code by ` + "`go test ./internal/config -update`" + `. A variable goes before the file; ` + "`0`" + ` is the first entry of a
list, and the next number adds one. ` + "`REDIS_URL`" + ` and ` + "`PORT`" + ` are understood where their own variable is not set, and
` + "`OTPIPE_CONFIG`" + ` names the file.

A secret is written as it is, as ` + "`env:NAME`" + ` or as ` + "`file:/path`" + `; its variable with ` + "`_FILE`" + ` behind it names a file that
holds it. It is never printed.

A running process takes all of these anew at SIGHUP but those marked ⟳: they take a restart. See
[Changing the configuration](operations.md#changing-the-configuration).
`)
	section := ""
	for _, s := range settings(t) {
		parent, name := s.path[:strings.LastIndexByte(s.path, '.')], s.path[strings.LastIndexByte(s.path, '.')+1:]
		if parent != section {
			section = parent
			fmt.Fprintf(&b, "\n## %s\n\n%s\n\n| Setting | Variable | Type | Default | Meaning |\n|---|---|---|---|---|\n", heading(parent), says(s.holder, ""))
		}
		fmt.Fprintf(&b, "| `%s`%s | `%s` | %s | %s | %s |\n", name, restart(s.path), variable(s.path), typeName(s.typ), byDefault(t, s.path), says(s.holder, s.field))
	}
	return b.String()
}

// restart marks what a running process keeps.
func restart(path string) string {
	if config.AtStart(path) {
		return " ⟳"
	}
	return ""
}

// heading is a table as the file has it.
func heading(path string) string {
	if list, ok := strings.CutSuffix(path, "[]"); ok {
		return "`[[" + list + "]]`"
	}
	return "`[" + strings.ReplaceAll(path, "[]", "") + "]`"
}

func variable(path string) string {
	name := strings.NewReplacer("[]", "_0", ".", "_", "<name>", "<NAME>").Replace(path)
	return "OTPIPE_" + strings.ToUpper(name)
}

func typeName(t reflect.Type) string {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() == reflect.Map {
		return typeName(t.Elem()) + "s by name"
	}
	if t.Kind() == reflect.Slice {
		return "list of " + typeName(t.Elem()) + "s"
	}
	switch t {
	case reflect.TypeFor[config.Secret]():
		return "secret"
	case reflect.TypeFor[config.Duration]():
		return "duration"
	case reflect.TypeFor[int](), reflect.TypeFor[float64]():
		return "number"
	case reflect.TypeFor[bool]():
		return "true or false"
	default:
		return "text"
	}
}

// byDefault is what holds where a setting is not set; of a list's entries and
// the most of a provider that is nothing.
func byDefault(t *testing.T, path string) string {
	t.Helper()
	if name, ok := strings.CutPrefix(path, "namespaces.<name>."); ok {
		return shown(policyValue(t, name))
	}
	if strings.Contains(path, "[]") {
		return ""
	}
	return shown(find(t, config.Default(), path))
}

// policyValue is a value of the policy of a namespace of which nothing is said.
func policyValue(t *testing.T, name string) reflect.Value {
	t.Helper()
	n := reflect.TypeFor[config.Namespace]()
	for i := range n.NumField() {
		if n.Field(i).Tag.Get("toml") == name {
			return reflect.ValueOf(otp.DefaultPolicy()).FieldByName(n.Field(i).Name)
		}
	}
	t.Fatalf("no policy has %s", name)
	return reflect.Value{}
}

func shown(v reflect.Value) string {
	if v.IsZero() {
		return ""
	}
	text := strings.Trim(told(v), "[]")
	if v.Kind() == reflect.Slice {
		text = strings.Join(strings.Fields(text), ", ")
	}
	text = regexp.MustCompile(`(\d[hm])0s\b`).ReplaceAllString(text, "$1")
	text = regexp.MustCompile(`(\dh)0m\b`).ReplaceAllString(text, "$1")
	return "`" + text + "`"
}

// comments reads what the code says about a struct, or a field of it.
func comments(t *testing.T) func(holder, field string) string {
	t.Helper()
	says := map[string]string{}
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range sources {
		parsed, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.TYPE {
				continue
			}
			for _, s := range g.Specs {
				if s, ok := s.(*ast.TypeSpec); ok {
					noteComments(says, g, s)
				}
			}
		}
	}
	return func(holder, field string) string {
		text := says[holder+"."+field]
		if text == "" {
			t.Errorf("%s.%s has no comment: it is its meaning in docs/settings.md", holder, field)
		}
		return strings.NewReplacer("|", `\|`, "<", "&lt;").Replace(text)
	}
}

func noteComments(says map[string]string, g *ast.GenDecl, s *ast.TypeSpec) {
	fields, ok := s.Type.(*ast.StructType)
	if !ok {
		return
	}
	line := func(c *ast.CommentGroup) string { return strings.Join(strings.Fields(c.Text()), " ") }
	says[s.Name.Name+"."] = line(g.Doc)
	for _, f := range fields.Fields.List {
		text := strings.TrimSpace(line(f.Doc) + " " + line(f.Comment))
		for _, name := range f.Names {
			says[s.Name.Name+"."+name.Name] = text
		}
	}
}
