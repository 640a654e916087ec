package check_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

// What a program is said to be made of is what is linked into it.
func TestTheBillOfMaterialsIsOfAllThatIsLinked(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	run(t, root, nil, tool(t, "make", "it makes the bills"), "sbom", "SBOMDIR="+dir)
	listed := map[string]bool{}
	for _, program := range []string{"api", "worker", "otpctl"} {
		var bom struct {
			BOMFormat  string `json:"bomFormat"`
			Components []struct{ Name, Version string }
		}
		if err := json.Unmarshal(contents(t, dir, program+".cdx.json"), &bom); err != nil || bom.BOMFormat != "CycloneDX" {
			t.Fatalf("%s: %s, %v", program, bom.BOMFormat, err)
		}
		for _, c := range bom.Components {
			listed[c.Name+" "+c.Version] = true
		}
	}
	for _, m := range linked(t) {
		if !listed[m.path+" "+m.version] {
			t.Errorf("no bill has %s %s", m.path, m.version)
		}
		delete(listed, m.path+" "+m.version)
	}
	for c := range listed {
		if !strings.HasPrefix(c, "std ") {
			t.Errorf("a bill has %s, which is not linked", c)
		}
	}
}

// The search for vulnerabilities is tried with a database of our own, for the real
// one is out of reach of most builds.
func TestVulnerableCodeThatIsCalledIsFound(t *testing.T) {
	t.Parallel()
	database, err := filepath.Abs("testdata/vulndb")
	if err != nil {
		t.Fatal(err)
	}
	make := tool(t, "make", "it looks for vulnerabilities")
	said, err := try(t, root, []string{"GOVULNDB=file://" + database}, make, "vuln")
	if err == nil || !strings.Contains(said, "GO-2026-0001") || !strings.Contains(said, "calls netutil.LimitListener") || !strings.Contains(said, "vulnerable code is called") {
		t.Errorf("%v: %s", err, said)
	}
	said, err = try(t, root, []string{"GOVULNDB=file:///nowhere"}, make, "vuln")
	if err == nil || !strings.Contains(said, "nothing was checked") {
		t.Errorf("without a database: %v: %s", err, said)
	}
}
