package ctl

import (
	"context"
	"os/user"
	"strconv"

	"github.com/otpipe/otpipe/internal/app"
	"github.com/otpipe/otpipe/internal/otp"
)

// rangeList shows the ranges of numbers that texts went to.
type rangeList struct {
	settings
	All bool `help:"Those that are not blocked too."`
}

// Help says what the columns mean.
func (rangeList) Help() string {
	return `SENT and USED are what the guard has counted within its window: texts, and codes that came
back. A range is a prefix, or a country.`
}

// Run reads them.
func (r rangeList) Run(ctx context.Context, s *screen) error {
	c, err := r.load()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, redisPatience)
	defer cancel()
	store, done, err := app.OpenStore(ctx, c)
	if err != nil {
		return ending{app.CodeOf(err), err}
	}
	defer done()
	all, err := store.Ranges(ctx)
	if err != nil {
		return ending{app.CodeOf(err), err}
	}
	found := ranges{Items: []rangeState{}}
	for _, one := range all {
		if r.All || one.Blocked > 0 {
			found.Items = append(found.Items, rangeState{one.Name, one.Blocked > 0, seconds(one.Blocked), one.Sends, one.Used})
		}
	}
	return s.show(found)
}

type ranges struct {
	Items []rangeState `json:"items"`
}

type rangeState struct {
	Range   string  `json:"range"`
	Blocked bool    `json:"blocked"`
	For     float64 `json:"blocked_for_seconds"`
	Sent    int     `json:"sent"`
	Used    int     `json:"used"`
}

func (r ranges) text(p *paper) {
	if len(r.Items) == 0 {
		p.line("no range is blocked")
		return
	}
	var rows [][]cell
	for _, one := range r.Items {
		rows = append(rows, []cell{{text: one.Range}, {age(one.For), onlyIf(one.Blocked, bad)}, {text: strconv.Itoa(one.Sent)}, {text: strconv.Itoa(one.Used)}})
	}
	p.table([]string{"RANGE", "BLOCKED FOR", "SENT", "USED"}, rows)
}

// rangeUnblock lets texts go to a range again.
type rangeUnblock struct {
	settings
	Range  string `arg:"" help:"As otpctl range list shows it."`
	Reason string `required:"" placeholder:"TEXT" help:"Why; it is kept for the audit."`
}

// Help says what is forgotten.
func (rangeUnblock) Help() string {
	return `What was counted there is forgotten, so that the guard decides anew. A range that shall
never be blocked is one for which the guard's numbers are wrong: see docs/limits.md.

	otpctl range unblock +4915512 --reason "a campaign of ours"`
}

// Run unblocks.
func (r rangeUnblock) Run(ctx context.Context, s *screen) error {
	if err := otp.CheckReason(r.Reason); err != nil {
		return ending{app.ExitUsage, err}
	}
	c, err := r.load()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, redisPatience)
	defer cancel()
	store, done, err := app.OpenStore(ctx, c)
	if err != nil {
		return ending{app.CodeOf(err), err}
	}
	defer done()
	there, err := store.Unblock(ctx, r.Range, whoami(), r.Reason)
	if err != nil {
		return ending{app.CodeOf(err), err}
	}
	return s.show(unblocked{r.Range, there})
}

// whoami is who types, as far as the machine knows.
func whoami() string {
	if u, err := user.Current(); err == nil {
		return "otpctl:" + u.Username
	}
	return "otpctl"
}

type unblocked struct {
	Range string `json:"range"`
	Was   bool   `json:"was_counted"`
}

func (u unblocked) text(p *paper) {
	if u.Was {
		p.line("%s: texts go there again", u.Range)
		return
	}
	p.line("%s: nothing was counted there", u.Range)
}
