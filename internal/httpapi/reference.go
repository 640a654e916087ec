package httpapi

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

//go:embed static/reference.html
var referencePage string

// order is that of the page: what a caller meets first stands first. What is
// not in it follows.
var order = []string{"start", "check", "get", "search", "cancel", "enrol", "confirm-factor", "check-factor", "get-factor", "list-factors", "delete-factor", "renew-recovery-codes", "introspect", "consume", "unlock", "list-providers", "drain", "resume", "search-audit", "receive"}

// reference is the document, as people read it.
type reference struct {
	About, Version string
	Operations     []operationText
	Problem        []fieldText
	Problems       []problemText
}

type operationText struct {
	ID, Method, Path, Summary, Description, Scope string
	Headers, Body, Answer                         []fieldText
	Examples                                      []exampleText
	Refusals                                      []refusalText
}

// fieldText is one field of a body; Name has the names of the objects it is in.
type fieldText struct {
	Name, Type, Text string
	Required         bool
	Must             string // what that is called here
}

// called says that required fields are those that must be sent, or that always come.
func called(must string, all []fieldText) []fieldText {
	for i := range all {
		if all[i].Required {
			all[i].Must = must
		}
	}
	return all
}

type exampleText struct{ Summary, Request, Status, Answer string }

// wordText is a piece of a sentence.
type wordText struct {
	Text string
	Code bool
}

// words tells what stands between backticks from what does not.
func words(text string) (all []wordText) {
	for i, part := range strings.Split(text, "`") {
		all = append(all, wordText{part, i%2 == 1})
	}
	return all
}

// refusalText lists the problems that an operation answers with one status.
type refusalText struct {
	Status string
	Codes  []problemText
}

// problemText explains a code. Its anchor is the problem's type.
type problemText struct {
	Code, Type, Title, Means, Do, Example string
	Status                                int
	Operations                            []operationText
}

// Link leads to the text.
func (p problemText) Link() template.URL { return template.URL("#" + p.Type) } //nolint:gosec // of our own catalogue

// docs serves the reference. It is made once: the document never changes.
func docs(doc *huma.OpenAPI) http.Handler {
	page := template.Must(template.New("reference").Funcs(template.FuncMap{"words": words}).Parse(referencePage))
	var b bytes.Buffer
	if err := page.Execute(&b, referenceOf(doc)); err != nil {
		panic(err) // embedded: a test renders it
	}
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		_, _ = w.Write(b.Bytes()) // the client went away
	})
}

func referenceOf(doc *huma.OpenAPI) reference {
	r := reference{About: doc.Info.Description, Version: doc.Info.Version}
	for path, item := range doc.Paths {
		for method, op := range map[string]*huma.Operation{http.MethodGet: item.Get, http.MethodPost: item.Post, http.MethodDelete: item.Delete} {
			if op != nil {
				r.Operations = append(r.Operations, operationOf(doc, method, path, op))
			}
		}
	}
	rank := func(id string) int {
		if i := slices.Index(order, id); i >= 0 {
			return i
		}
		return len(order)
	}
	slices.SortFunc(r.Operations, func(a, b operationText) int {
		return 2*(rank(a.ID)-rank(b.ID)) + strings.Compare(a.ID, b.ID)
	})
	r.Problem = called("always", fieldsOf(doc, &huma.Schema{Ref: "#/components/schemas/Problem"}, ""))
	for _, k := range catalogue {
		r.Problems = append(r.Problems, problemOf(k, r.Operations))
	}
	return r
}

// problemOf explains a code, and says which operations answer with it.
func problemOf(k problemKind, all []operationText) problemText {
	p := problemText{
		Code: k.code, Type: urn(k.code), Title: http.StatusText(k.status), Status: k.status,
		Means: k.means, Do: k.do, Example: pretty(k.example()),
	}
	for _, o := range all {
		for _, r := range o.Refusals {
			if slices.ContainsFunc(r.Codes, func(listed problemText) bool { return listed.Code == k.code }) {
				p.Operations = append(p.Operations, o)
			}
		}
	}
	return p
}

func refusalOf(status string, res *huma.Response) refusalText {
	r := refusalText{Status: status}
	for _, code := range slices.Sorted(maps.Keys(res.Content[problemType].Examples)) {
		r.Codes = append(r.Codes, problemText{Code: code, Type: urn(code)})
	}
	return r
}

func operationOf(doc *huma.OpenAPI, method, path string, op *huma.Operation) operationText {
	o := operationText{ID: op.OperationID, Method: method, Path: path, Summary: op.Summary, Description: op.Description, Scope: scopeText(op)}
	for _, p := range op.Parameters {
		o.Headers = append(o.Headers, fieldText{Name: p.Name, Type: p.In, Text: p.Description, Required: p.Required})
	}
	o.Headers = called("required", o.Headers)
	body := jsonOf(op.RequestBody)
	o.Body = called("required", fieldsOf(doc, schemaOf(body), ""))
	for _, status := range slices.Sorted(maps.Keys(op.Responses)) {
		res := op.Responses[status]
		if status >= "300" {
			o.Refusals = append(o.Refusals, refusalOf(status, res))
			continue
		}
		answer := res.Content["application/json"]
		o.Answer = called("always", fieldsOf(doc, schemaOf(answer), ""))
		o.Examples = examplesOf(body, answer, status)
	}
	return o
}

func jsonOf(body *huma.RequestBody) *huma.MediaType {
	if body == nil {
		return nil
	}
	return body.Content["application/json"]
}

func schemaOf(m *huma.MediaType) *huma.Schema {
	if m == nil {
		return nil
	}
	return m.Schema
}

// fieldsOf lists the fields of an object, and of those in it.
func fieldsOf(doc *huma.OpenAPI, s *huma.Schema, within string) (all []fieldText) {
	if s != nil && s.Ref != "" {
		s = doc.Components.Schemas.SchemaFromRef(s.Ref)
	}
	if s == nil {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		p := s.Properties[name]
		f := fieldText{Name: within + name, Type: typeOf(p), Text: p.Description, Required: slices.Contains(s.Required, name)}
		all = append(all, f)
		inner := p
		if p.Items != nil {
			inner, f.Name = p.Items, f.Name+"[]"
		}
		all = append(all, fieldsOf(doc, inner, f.Name+".")...)
	}
	// What is needed comes first; objects stay together.
	if within == "" {
		slices.SortStableFunc(all, func(a, b fieldText) int { return needed(b, all) - needed(a, all) })
	}
	return all
}

// needed is 1 if the outermost object that a field is in is required.
func needed(f fieldText, all []fieldText) int {
	top, _, _ := strings.Cut(f.Name, ".")
	top = strings.TrimSuffix(top, "[]")
	for _, g := range all {
		if g.Name == top && g.Required {
			return 1
		}
	}
	return 0
}

func typeOf(s *huma.Schema) string {
	switch {
	case len(s.Enum) > 0:
		var all []string
		for _, v := range s.Enum {
			if text, ok := v.(string); ok {
				all = append(all, text)
			}
		}
		return strings.Join(all, " | ")
	case s.Format == "date-time":
		return "time"
	case s.Items != nil:
		return "list"
	case s.Ref != "" || s.Type == huma.TypeObject:
		return "object"
	default:
		return s.Type
	}
}

func examplesOf(body, answer *huma.MediaType, status string) (all []exampleText) {
	if answer == nil {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(answer.Examples)) {
		e := exampleText{Summary: answer.Examples[name].Summary, Status: status, Answer: pretty(answer.Examples[name].Value)}
		if body != nil {
			e.Request = pretty(body.Examples[name].Value)
		}
		all = append(all, e)
	}
	return all
}

func pretty(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		panic(err) // our own types
	}
	return strings.TrimSpace(b.String())
}
