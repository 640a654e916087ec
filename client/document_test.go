package client_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/otpipe/otpipe/client"
)

// document is what the API says of itself.
type document struct {
	Paths      map[string]map[string]operation
	Components struct{ Schemas map[string]schema }
}

type operation struct {
	ID          string `json:"operationId"`
	RequestBody struct {
		Content map[string]struct{ Schema schema }
	}
	Responses map[string]struct {
		Content map[string]struct{ Schema schema }
	}
}

type schema struct {
	Ref        string `json:"$ref"`
	Properties map[string]schema
	Items      *schema
	Enum       []string
}

func readDocument(t *testing.T) document {
	t.Helper()
	text, err := os.ReadFile("../docs/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var d document
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d document) resolve(s schema) schema {
	if s.Ref != "" {
		return d.Components.Schemas[s.Ref[strings.LastIndex(s.Ref, "/")+1:]]
	}
	return s
}

// asked is what a method of the client sends.
type asked struct {
	method, path, key string
	body              map[string]any
}

// calls are all methods, each with all that it can be told.
var calls = map[string]func(c *client.Client, t *testing.T) (any, error){
	"start": func(c *client.Client, t *testing.T) (any, error) {
		return c.Start(t.Context(), client.StartRequest{
			Namespace: "n", To: "t", Channel: client.SMS, Locale: "de", Params: map[string]string{"a": "b"}, Binding: client.Hide("b"),
			Fallback: []client.Fallback{{To: "f", Channel: client.Email}}, Limits: client.Limits{IP: "i", Device: "d", Account: "a"}, Decoy: true, IdempotencyKey: "mine",
		})
	},
	"check": func(c *client.Client, t *testing.T) (any, error) {
		return c.Check(t.Context(), client.CheckRequest{Namespace: "n", To: "t", ID: "VE", Code: client.Hide("123456"), Binding: client.Hide("b"), Ticket: client.Hide("ticket"), IdempotencyKey: "mine"})
	},
	"get":    func(c *client.Client, t *testing.T) (any, error) { return c.Get(t.Context(), "VE/1") },
	"cancel": func(c *client.Client, t *testing.T) (any, error) { return c.Cancel(t.Context(), "VE/1") },
	"search": func(c *client.Client, t *testing.T) (any, error) {
		return c.Search(t.Context(), client.SearchRequest{To: "t", Namespace: "n", Limit: 1, Cursor: "c"})
	},
	"introspect": func(c *client.Client, t *testing.T) (any, error) {
		return c.Introspect(t.Context(), client.SessionRequest{Token: client.Hide("ots_"), Namespace: "n", To: "t", Subject: "s"})
	},
	"consume": func(c *client.Client, t *testing.T) (any, error) {
		return c.Consume(t.Context(), client.SessionRequest{Token: client.Hide("ots_"), Namespace: "n", To: "t", Subject: "s"})
	},
	"enrol": func(c *client.Client, t *testing.T) (any, error) {
		skew := 0
		return c.Enrol(t.Context(), client.EnrolRequest{Namespace: "n", Subject: "s", Issuer: "i", Account: "a", Algorithm: "SHA256", Digits: 8, Period: time.Minute, Skew: &skew})
	},
	"confirm-factor": func(c *client.Client, t *testing.T) (any, error) {
		return c.ConfirmFactor(t.Context(), "VE/1", client.Hide("123456"))
	},
	"check-factor": func(c *client.Client, t *testing.T) (any, error) {
		return c.CheckFactor(t.Context(), "VE/1", client.FactorGuess{Code: client.Hide("123456"), RecoveryCode: client.Hide("a"), IdempotencyKey: "mine"})
	},
	"get-factor":    func(c *client.Client, t *testing.T) (any, error) { return c.Factor(t.Context(), "VE/1") },
	"delete-factor": func(c *client.Client, t *testing.T) (any, error) { return c.DeleteFactor(t.Context(), "VE/1") },
	"list-factors": func(c *client.Client, t *testing.T) (any, error) {
		all, err := c.Factors(t.Context(), "n", "s")
		return struct {
			Items []client.Factor `json:"items"`
		}{all}, err
	},
	"renew-recovery-codes": func(c *client.Client, t *testing.T) (any, error) {
		all, err := c.RenewRecoveryCodes(t.Context(), "VE/1")
		return struct {
			Codes []client.Secret `json:"recovery_codes"`
		}{all}, err
	},
	"unlock": func(c *client.Client, t *testing.T) (any, error) {
		return c.Unlock(t.Context(), client.UnlockRequest{Namespace: "n", To: "t", Binding: client.Hide("b"), Reason: "r"})
	},
	"list-providers": func(c *client.Client, t *testing.T) (any, error) {
		all, err := c.Providers(t.Context())
		return struct {
			Items []client.ProviderState `json:"items"`
		}{all}, err
	},
	"search-audit": func(c *client.Client, t *testing.T) (any, error) {
		return c.SearchAudit(t.Context(), client.AuditRequest{To: "t", ID: "VE", Actor: "a", Kinds: []string{"k"}, From: time.Unix(1, 0), Until: time.Unix(2, 0), Limit: 1, Cursor: "c"})
	},
	"drain":  func(c *client.Client, t *testing.T) (any, error) { return c.Drain(t.Context(), "a/b", "r") },
	"resume": func(c *client.Client, t *testing.T) (any, error) { return c.Resume(t.Context(), "a/b", "r") },
}

func TestTheClientIsTheDocument(t *testing.T) {
	t.Parallel()
	d := readDocument(t)
	var got asked
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = asked{method: r.Method, path: r.URL.EscapedPath(), key: r.Header.Get("Idempotency-Key"), body: map[string]any{}}
		text, _ := io.ReadAll(r.Body)
		_ = json.Unmarshal(text, &got.body)
		_, _ = io.WriteString(w, "{}")
	}))
	t.Cleanup(api.Close)
	c := &client.Client{BaseURL: api.URL, Key: client.Hide("otk_1")}
	seen := map[string]bool{"receive": true} // which is for providers
	for path, methods := range d.Paths {
		for method, o := range methods {
			call, there := calls[o.ID]
			if !there {
				if !seen[o.ID] {
					t.Errorf("the client has no %s", o.ID)
				}
				continue
			}
			seen[o.ID] = true
			answer, err := call(c, t)
			if err != nil {
				t.Fatalf("%s: %v", o.ID, err)
			}
			filled := strings.NewReplacer("{id}", "VE%2F1", "{name}", "a%2Fb").Replace(path)
			if got.method != strings.ToUpper(method) || got.path != filled || slices.Contains([]string{"start", "check", "check-factor"}, o.ID) != (got.key == "mine") {
				t.Errorf("%s asks %+v", o.ID, got)
			}
			want := d.resolve(o.RequestBody.Content["application/json"].Schema)
			same(t, o.ID+"'s body", slices.Collect(maps.Keys(got.body)), slices.Collect(maps.Keys(want.Properties)))
			for code, r := range o.Responses {
				if strings.HasPrefix(code, "2") {
					d.holds(t, o.ID, reflect.TypeOf(answer), r.Content["application/json"].Schema)
				}
			}
		}
	}
	for name := range calls {
		if !seen[name] {
			t.Errorf("the API has no %s", name)
		}
	}
}

// holds compares the fields of a type with a schema's, and theirs with theirs.
func (d document) holds(t *testing.T, where string, is reflect.Type, s schema) {
	t.Helper()
	s = d.resolve(s)
	switch {
	case s.Items != nil && is.Kind() == reflect.Slice:
		d.holds(t, where, is.Elem(), *s.Items)
	case len(s.Properties) > 0 && is.Kind() == reflect.Struct:
		fields := fieldsOf(is)
		same(t, where, slices.Collect(maps.Keys(fields)), slices.Collect(maps.Keys(s.Properties)))
		for name, of := range fields {
			d.holds(t, where+"."+name, of, s.Properties[name])
		}
	case len(s.Properties) > 0 || s.Items != nil:
		t.Errorf("%s is a %s", where, is)
	}
}

func fieldsOf(is reflect.Type) map[string]reflect.Type {
	all := map[string]reflect.Type{}
	for f := range is.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous:
			maps.Copy(all, fieldsOf(f.Type))
		case name != "-" && f.IsExported():
			all[name] = f.Type
		}
	}
	return all
}

func same(t *testing.T, where string, got, want []string) {
	t.Helper()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%s: %v, and the document says %v", where, got, want)
	}
}

func TestEveryEnumIsATypeWithAllItsValues(t *testing.T) {
	t.Parallel()
	d, typed := readDocument(t), constants(t)
	for name, is := range map[string]reflect.Type{
		"Started": reflect.TypeFor[client.Started](), "Checked": reflect.TypeFor[client.Checked](),
		"Told": reflect.TypeFor[client.Told](), "SessionState": reflect.TypeFor[client.SessionState](), "ProviderState": reflect.TypeFor[client.ProviderState](),
	} {
		d.holdsEnums(t, name, is, d.Components.Schemas[name], typed)
	}
}

func (d document) holdsEnums(t *testing.T, where string, is reflect.Type, s schema, typed map[string][]string) {
	t.Helper()
	s = d.resolve(s)
	switch {
	case len(s.Enum) > 0:
		same(t, where+", a "+is.String(), typed[is.Name()], s.Enum)
	case s.Items != nil:
		d.holdsEnums(t, where, is.Elem(), *s.Items, typed)
	case is.Kind() == reflect.Struct:
		for name, of := range fieldsOf(is) {
			d.holdsEnums(t, where+"."+name, of, s.Properties[name], typed)
		}
	}
}

// constants are the values of the package's constants by the name of their type.
func constants(t *testing.T) map[string][]string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]string{}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			v, ok := n.(*ast.ValueSpec)
			if !ok || v.Type == nil || len(v.Values) == 0 {
				return true
			}
			of, named := v.Type.(*ast.Ident)
			value, literal := v.Values[0].(*ast.BasicLit)
			if named && literal {
				text, _ := strconv.Unquote(value.Value)
				all[of.Name] = append(all[of.Name], text)
			}
			return true
		})
	}
	return all
}

// The page of all problem codes is held to the API by a test of its own.
func TestTheClientHasEveryProblemCode(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{}
	for _, m := range regexp.MustCompile(`"code": ?"([a-z_]+)"`).FindAllStringSubmatch(string(page), -1) {
		documented[m[1]] = true
	}
	file, err := parser.ParseFile(token.NewFileSet(), "error.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var has []string
	ast.Inspect(file, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok && len(v.Names) == 1 && strings.HasPrefix(v.Names[0].Name, "Err") {
			text, _ := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
			has = append(has, text)
		}
		return true
	})
	same(t, "codes", has, slices.Collect(maps.Keys(documented)))
}

func TestTimesAreRead(t *testing.T) {
	t.Parallel()
	var v client.Verification
	if err := json.Unmarshal([]byte(`{"expires_at":"2026-11-25T22:39:01.250Z"}`), &v); err != nil || !v.ExpiresAt.Equal(time.Date(2026, 11, 25, 22, 39, 1, 250e6, time.UTC)) {
		t.Errorf("%+v, %v", v, err)
	}
}
