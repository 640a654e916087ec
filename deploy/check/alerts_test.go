package check_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

const fromPrometheus = "make deps installs prometheus"

func TestPrometheusTakesTheAlerts(t *testing.T) {
	t.Parallel()
	promtool := tool(t, "promtool", fromPrometheus)
	dir := filepath.Join(root, "deploy", "prometheus")
	run(t, dir, nil, promtool, "check", "rules", "alerts.yaml")
	run(t, dir, nil, promtool, "test", "rules", "alerts_test.yaml")
}

// alert is one rule.
type alert struct {
	Alert       string
	Expr        string
	Labels      map[string]string
	Annotations struct {
		Summary string
		Runbook string `json:"runbook_url"`
	}
}

func alerts(t *testing.T) []alert {
	t.Helper()
	var rules struct{ Groups []struct{ Rules []alert } }
	if err := yaml.Unmarshal([]byte(read(t, "deploy", "prometheus", "alerts.yaml")), &rules); err != nil {
		t.Fatal(err)
	}
	if len(rules.Groups) != 1 || len(rules.Groups[0].Rules) < 10 {
		t.Fatalf("%+v", rules)
	}
	return rules.Groups[0].Rules
}

func TestEachAlertHasItsPageAndEachPageItsAlert(t *testing.T) {
	t.Parallel()
	pages := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^## (Otpipe[A-Za-z]+)$`).FindAllStringSubmatch(read(t, "docs", "runbook.md"), -1) {
		pages[m[1]] = false
	}
	for _, a := range alerts(t) {
		if _, there := pages[a.Alert]; !there {
			t.Errorf("docs/runbook.md has no page of %s", a.Alert)
		}
		pages[a.Alert] = true
		if want := "https://github.com/otpipe/otpipe/blob/main/docs/runbook.md#" + strings.ToLower(a.Alert); a.Annotations.Runbook != want {
			t.Errorf("%s leads to %s", a.Alert, a.Annotations.Runbook)
		}
		if s := a.Labels["severity"]; s != "critical" && s != "warning" || a.Annotations.Summary == "" {
			t.Errorf("%s: severity %q, summary %q", a.Alert, s, a.Annotations.Summary)
		}
	}
	for name, used := range pages {
		if !used {
			t.Errorf("docs/runbook.md has a page of %s, which no rule raises", name)
		}
	}
}

func TestEachAlertIsTestedToFireAndToKeepQuiet(t *testing.T) {
	t.Parallel()
	var tests struct {
		Tests []struct {
			Rules []struct {
				Name     string `json:"alertname"`
				Expected []any  `json:"exp_alerts"`
			} `json:"alert_rule_test"`
		}
	}
	if err := yaml.Unmarshal([]byte(read(t, "deploy", "prometheus", "alerts_test.yaml")), &tests); err != nil {
		t.Fatal(err)
	}
	fires, keeps := map[string]bool{}, map[string]bool{}
	for _, test := range tests.Tests {
		for _, r := range test.Rules {
			fires[r.Name] = fires[r.Name] || len(r.Expected) > 0
			keeps[r.Name] = keeps[r.Name] || len(r.Expected) == 0
		}
	}
	for _, a := range alerts(t) {
		if !fires[a.Alert] || !keeps[a.Alert] {
			t.Errorf("%s: tested to fire %t, to keep quiet %t", a.Alert, fires[a.Alert], keeps[a.Alert])
		}
	}
}

var metric = regexp.MustCompile(`otpipe_[a-z_]+`)

// known are the metrics that docs/watching.md has, which a test of telemetry holds
// to those that there are.
func known(t *testing.T) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `(otpipe_[a-z_]+)`").FindAllStringSubmatch(read(t, "docs", "watching.md"), -1) {
		all[m[1]] = true
		if strings.HasSuffix(m[1], "_seconds") {
			for _, part := range []string{"_bucket", "_sum", "_count"} {
				all[m[1]+part] = true
			}
		}
	}
	if len(all) < 20 {
		t.Fatalf("%v", slices.Sorted(maps.Keys(all)))
	}
	return all
}

func TestAlertsAndDashboardAskForMetricsThatThereAre(t *testing.T) {
	t.Parallel()
	there := known(t)
	for _, text := range []string{read(t, "deploy", "prometheus", "alerts.yaml"), read(t, "deploy", "grafana", "otpipe.json"), read(t, "deploy", "helm", "otpipe", "templates", "worker.yaml")} {
		for _, name := range metric.FindAllString(text, -1) {
			if !there[name] {
				t.Errorf("there is no metric %s", name)
			}
		}
	}
}

func TestTheDashboardsQueriesAreQueries(t *testing.T) {
	t.Parallel()
	promtool := tool(t, "promtool", fromPrometheus)
	var d struct {
		Panels []struct {
			ID      int
			Title   string
			Type    string
			Grid    struct{ X, Y, W, H int } `json:"gridPos"`
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal([]byte(read(t, "deploy", "grafana", "otpipe.json")), &d); err != nil {
		t.Fatal(err)
	}
	var rules []map[string]string
	ids := map[int]bool{}
	for _, p := range d.Panels {
		if ids[p.ID] || p.Grid.X+p.Grid.W > 24 || p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("panel %d %q: %+v", p.ID, p.Title, p.Grid)
		}
		ids[p.ID] = true
		for _, target := range p.Targets {
			expr := strings.NewReplacer("$__rate_interval", "5m", "$namespace", ".*").Replace(target.Expr)
			rules = append(rules, map[string]string{"record": "x", "expr": expr, "labels": ""})
			delete(rules[len(rules)-1], "labels")
		}
	}
	text, err := yaml.Marshal(map[string]any{"groups": []any{map[string]any{"name": "panels", "rules": rules}}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "panels.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, ".", nil, promtool, "check", "rules", "--lint=none", file)
}
