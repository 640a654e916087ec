package httpapi_test

import (
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden is the document as it stands in the repository, for readers and for
// those who generate clients.
const golden = "../../docs/openapi.json"

func TestTheDocumentInTheRepositoryIsTheOneThatIsServed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	served := r.do(request{method: http.MethodGet, path: "/openapi.json", key: noKey}).ok().body
	served["info"].(map[string]any)["version"] = "v1" // the build's says nothing to a reader
	pretty, err := json.MarshalIndent(served, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	pretty = append(pretty, '\n')
	if *update {
		if err := os.WriteFile(golden, pretty, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(strings.Split(string(kept), "\n"), strings.Split(string(pretty), "\n")); d != "" {
		t.Errorf("go test ./internal/httpapi -update writes it anew, if this is wanted:\n%s", d)
	}
}

// operationDoc is as much of an operation as the examples need.
type operationDoc struct {
	OperationID string `json:"operationId"`
	RequestBody struct {
		Content map[string]mediaDoc `json:"content"`
	} `json:"requestBody"`
	Responses map[string]struct {
		Content map[string]mediaDoc `json:"content"`
	} `json:"responses"`
}

type mediaDoc struct {
	Examples map[string]struct {
		Value fields `json:"value"`
	} `json:"examples"`
}

func operationDocs(t *testing.T, r *rig) map[string]operationDoc {
	t.Helper()
	raw := r.do(request{method: http.MethodGet, path: "/openapi.json", key: noKey}).ok().raw
	var doc struct {
		Paths map[string]map[string]operationDoc `json:"paths"`
	}
	if err := json.Unmarshal([]byte(raw), &doc); err != nil {
		t.Fatal(err)
	}
	all := map[string]operationDoc{}
	for path, item := range doc.Paths {
		for method, op := range item {
			all[strings.ToUpper(method)+" "+path] = op
		}
	}
	return all
}

func TestEveryExampleIsAnsweredAsItSays(t *testing.T) {
	t.Parallel()
	seen := 0
	for name, op := range operationDocs(t, newRig(t)) {
		method, path, _ := strings.Cut(name, " ")
		for status, response := range op.Responses {
			for example, want := range response.Content["application/json"].Examples {
				seen++
				t.Run(op.OperationID+" "+example, func(t *testing.T) {
					t.Parallel()
					r := newRig(t)
					before := r.earlier(op.OperationID)
					q := request{method: method, path: strings.NewReplacer("{id}", before.id, "{name}", "twilio").Replace(path)}
					if op.OperationID == "list-factors" {
						q.path += "?namespace=phone-auth&subject=user-7f3a"
					}
					if ask, takes := op.RequestBody.Content["application/json"]; takes {
						q.body = before.fill(ask.Examples[example].Value, example)
					}
					got := r.do(q)
					if strconv.Itoa(got.status) != status {
						t.Fatalf("status %d, want %s: %s", got.status, status, got.raw)
					}
					if d := cmp.Diff(before.told(map[string]any(want.Value)), before.told(map[string]any(got.body))); d != "" {
						t.Error(d)
					}
				})
			}
		}
	}
	if seen < 10 {
		t.Errorf("only %d examples", seen)
	}
}

// earlier is what stands behind an example: what was answered before it.
type earlier struct{ id, code, token string }

// earlier makes the requests that an operation's examples follow upon.
func (r *rig) earlier(operation string) (e earlier) {
	r.t.Helper()
	const to = "+4915123456789" // the examples'
	start := fields{"namespace": "phone-auth", "to": to}
	switch operation {
	case "start", "unlock", "list-providers", "drain":
	case "resume":
		r.do(request{method: http.MethodPost, path: providers + "/twilio/drain", body: fields{"reason": "before"}}).ok()
	case "get", "cancel", "search":
		e.id = r.start(start).want(http.StatusAccepted, "").text("id")
	case "check":
		e.id, e.code = r.started(start)
	case "enrol":
	case "confirm-factor":
		f := r.enrolFor("user-7f3a")
		e.id, e.code = f.id, f.code()
	case "check-factor", "get-factor", "list-factors", "delete-factor", "renew-recovery-codes":
		f := r.enrolFor("user-7f3a")
		r.confirm(f)
		e.id, e.code = f.id, f.code()
	default:
		e.id, e.code = r.started(start)
		e.token = r.check(start.with(fields{"code": e.code})).ok().token()
	}
	return e
}

// fill puts what was answered before in the place of an example's stand-ins.
func (e earlier) fill(example fields, name string) fields {
	out := fields{}
	for k, v := range example {
		switch {
		case k == "id":
			v = e.id
		case k == "token":
			v = e.token
		case k == "code" && name == "right":
			v = e.code
		case k == "code":
			v = wrong(e.code)
		}
		out[k] = v
	}
	return out
}

// told leaves out of an answer what differs from one run to the next: ids,
// tokens and times, each of which only has to be of its kind.
func (e earlier) told(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, x := range v {
			out[k] = e.told(x)
			if slices.Contains([]string{"actor", "partition", "sum", "seq", "client"}, k) || k == "request_id" && v["sum"] != nil {
				out[k] = "of a record"
			}
			if slices.Contains([]string{"secret", "uri", "qr_png", "qr_svg", "recovery_codes"}, k) {
				out[k] = "of a factor"
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = e.told(x)
		}
		return out
	case string:
		if _, err := time.Parse(time.RFC3339, v); err == nil {
			return "a time"
		}
		if idForm.MatchString(v) || factorForm.MatchString(v) {
			return "an id"
		}
		if tokenForm.MatchString(v) {
			return "a token"
		}
		return clockForm.ReplaceAllString(v, "a time")
	}
	return v
}

func TestNoOtherMethodIsServedThanTheDocumentLists(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	documented := operationDocs(t, r)
	for name := range documented {
		_, path, _ := strings.Cut(name, " ")
		a := r.do(request{method: http.MethodTrace, path: strings.NewReplacer(factors+"/{id}", factors+"/"+someFactor, "{id}", someID, "{provider}", "twilio", "{name}", "twilio").Replace(path)})
		a.want(http.StatusMethodNotAllowed, "method_not_allowed")
		for m := range strings.SplitSeq(a.header.Get("Allow"), ", ") {
			_, here := documented[m+" "+path]
			asID := m == http.MethodGet && strings.HasPrefix(path, "/v1/verifications/") // "check" might be one
			if m != http.MethodHead && !here && !asID {
				t.Errorf("%s takes %s, and the document does not say so", path, m)
			}
		}
	}
}
