package browsertest

import (
	"context"
	_ "embed"
	"fmt"
	"strings"
	"testing"

	cdp "github.com/chromedp/chromedp"
)

//go:embed axe/axe.min.js
var axeSource string

// audit runs axe-core on the page and keeps what shuts somebody out. Frames are
// other pages, with audits of their own; nothing is fetched, which the page's
// policy might refuse.
const audit = `axe.run(document, {resultTypes: ["violations"], iframes: false, preload: false}).then(({violations}) => violations
	.filter(({impact}) => impact === "serious" || impact === "critical")
	.flatMap(({id, impact, help, nodes}) => nodes.map((n) => ({rule: id, impact, help, at: n.target.flat(Infinity).join(" "), why: n.failureSummary}))))`

// Finding is one place on a page that shuts somebody out.
type Finding struct {
	Rule   string `json:"rule"`
	Impact string `json:"impact"` // serious or critical
	Help   string `json:"help"`
	At     string `json:"at"` // CSS selectors
	Why    string `json:"why"`
}

func (f Finding) String() string {
	return fmt.Sprintf("%s (%s) at %s: %s. %s", f.Rule, f.Impact, f.At, f.Help, strings.Join(strings.Fields(f.Why), " "))
}

// Findings are what axe-core finds serious or critical on the page that is open.
// It is evaluated from outside of the page, whose policy may forbid scripts.
func Findings(ctx context.Context) ([]Finding, error) {
	if err := cdp.Do(ctx, wait, cdp.Evaluate[cdp.Void](axeSource)); err != nil {
		return nil, fmt.Errorf("load axe-core: %w", err)
	}
	found, err := cdp.Run(ctx, cdp.Evaluate[[]Finding](audit, cdp.EvalAwaitPromise))
	if err != nil {
		return nil, fmt.Errorf("run axe-core: %w", err)
	}
	return found, nil
}

// wait lets what moves come to rest, in shadow trees too: half shown text has half
// of its contrast.
var wait = cdp.Evaluate[cdp.Void](`(() => {
	const all = (root) => [...root.getAnimations(), ...[...root.querySelectorAll("*")].flatMap((e) => e.shadowRoot ? all(e.shadowRoot) : [])];
	return Promise.allSettled(all(document).filter((a) => a.effect.getComputedTiming().endTime < Infinity).map((a) => a.finished));
})()`, cdp.EvalAwaitPromise)

// Axe fails the test with each finding on the page that is open, in its light
// and its dark colours.
func Axe(ctx context.Context, t *testing.T) {
	t.Helper()
	for _, scheme := range []string{"dark", "light"} {
		Do(ctx, t, Media("prefers-color-scheme", scheme))
		found, err := Findings(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range found {
			t.Errorf("%s: %s", scheme, f)
		}
	}
}
