package e2e_test

import (
	"testing"
	"time"
)

// TestATextThatWouldCostMoreThanItMayIsAWrongConfiguration starts both
// processes with a brand that no text could go in one segment with.
func TestATextThatWouldCostMoreThanItMayIsAWrongConfiguration(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	file := r.write(settings{Admin: "127.0.0.1:0", More: "[messages]\nbrand = \"Café Brûlé\"\n"})
	for _, program := range []string{"api", "worker"} {
		p := run(t, r.dir, program, file, "")
		if code := p.exit(t, 5*time.Second); code != 78 {
			t.Errorf("%s ended with %d, want 78", program, code)
		}
		if !p.said("param brand: character 8 of its default, U+00FB") || !p.said("messages.unicode_locales") {
			t.Errorf("%s does not name the character: %s", program, p.text())
		}
	}
}
