package ctl

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/otpipe/otpipe/internal/app"
	"github.com/otpipe/otpipe/internal/doctor"
)

// doctorLook looks at all that the processes depend on.
type doctorLook struct {
	settings
	Timeout time.Duration `default:"10s" help:"How long a check may take; they run beside each other."`
	Strict  bool          `help:"End with 2 for warnings too."`
}

// Help says what is looked at.
func (doctorLook) Help() string {
	return `Redis (version, append-only file, eviction, memory, clock), whether the stored keys and
partitions agree, whether workers serve each queue, the templates, each provider's
credentials, and the public URL as a vendor sees it.

It ends with 2 if something has to be mended. For monitoring: otpctl doctor --json.`
}

// Run makes the checks.
func (d doctorLook) Run(ctx context.Context, s *screen) error {
	c, err := d.load()
	if err != nil {
		return err
	}
	done := s.waiting("looking at everything")
	found := doctor.Examine(ctx, app.Doctor(c), d.Timeout)
	done()
	if ctx.Err() != nil {
		return fmt.Errorf("examine: %w", ctx.Err())
	}
	return errors.Join(s.show(findings{Worst: doctor.Worst(found), Findings: found}), d.end(found))
}

func (d doctorLook) end(found []doctor.Finding) error {
	worst := doctor.Worst(found)
	if worst == doctor.Fail || d.Strict && worst == doctor.Warn {
		return shown(exitFound)
	}
	return nil
}

// findings are what was found, and the worst grade among them.
type findings struct {
	Worst    doctor.Grade     `json:"worst"`
	Findings []doctor.Finding `json:"findings"`
}

var gradeTints = map[doctor.Grade]tint{doctor.OK: good, doctor.Warn: odd, doctor.Fail: bad}

func (f findings) text(p *paper) {
	count := map[doctor.Grade]int{}
	var rows [][]cell
	for _, one := range f.Findings {
		count[one.Grade]++
		rows = append(rows, []cell{{string(one.Grade), gradeTints[one.Grade]}, {text: one.About}, {text: one.Says}})
		if one.Do != "" {
			rows = append(rows, []cell{{text: " "}, {text: " "}, {text: "→ " + one.Do, tint: bold}})
		}
	}
	p.table([]string{"GRADE", "ABOUT", "FINDING"}, rows)
	p.line("\n%d ok, %d to know of, %d to mend", count[doctor.OK], count[doctor.Warn], count[doctor.Fail])
}
