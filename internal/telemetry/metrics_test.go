package telemetry_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/otpipe/otpipe/internal/deliver"
	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/telemetry"
	"github.com/otpipe/otpipe/internal/verify"
)

var namespaces = map[otp.Namespace]otp.Policy{otp.PhoneAuth: {}, "my-own": {}}

func newMetrics() *telemetry.Metrics {
	return telemetry.New("v1.2.3", namespaces, []string{"twilio-eu", "smtp-backup"})
}

// scrape reads otpipe's own metrics, buckets and sums of time left out.
func scrape(t *testing.T, m *telemetry.Metrics) map[string]string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("%d: %s", w.Code, w.Body)
	}
	all := map[string]string{}
	lines := bufio.NewScanner(w.Body)
	for lines.Scan() {
		name, value, ok := strings.Cut(lines.Text(), "} ")
		if ok {
			name += "}"
		} else {
			name, value, _ = strings.Cut(lines.Text(), " ")
		}
		if strings.HasPrefix(name, "otpipe_") && !strings.Contains(name, "_bucket{") && !strings.Contains(name, "_sum{") && !strings.HasPrefix(name, "otpipe_build_info") {
			all[name] = value
		}
	}
	return all
}

// zeros are all series there may be.
func zeros() map[string]string {
	all := map[string]string{"otpipe_watch_rings_total": "0", "otpipe_watch_settled_total": "0", "otpipe_rings_lost_total": "0", "otpipe_config_last_reload_successful": "1"}
	for ns := range namespaces {
		for _, o := range []string{"admitted", "resent", "suppressed", "cooldown", "sends", "daily", "rate", "lock", "error"} {
			all[fmt.Sprintf(`otpipe_starts_total{namespace="%s",outcome="%s"}`, ns, o)] = "0"
		}
		for _, o := range []string{"approved", "code_mismatch", "expired", "already_used", "canceled", "not_found", "binding_mismatch", "lock", "error"} {
			all[fmt.Sprintf(`otpipe_checks_total{namespace="%s",outcome="%s"}`, ns, o)] = "0"
		}
		for _, o := range []string{"approved", "code_mismatch", "already_used", "lock", "refused", "error"} {
			all[fmt.Sprintf(`otpipe_factor_checks_total{namespace="%s",outcome="%s"}`, ns, o)] = "0"
		}
		all[fmt.Sprintf(`otpipe_locks_total{namespace="%s"}`, ns)] = "0"
		all[fmt.Sprintf(`otpipe_approved_seconds_count{namespace="%s"}`, ns)] = "0"
	}
	for _, ch := range []string{"sms", "email"} {
		for _, o := range []string{"staged", "accepted", "failed", "unknown"} {
			all[fmt.Sprintf(`otpipe_sends_total{channel="%s",outcome="%s"}`, ch, o)] = "0"
		}
		for _, p := range []string{"twilio-eu", "smtp-backup"} {
			all[fmt.Sprintf(`otpipe_delivered_seconds_count{channel="%s",provider="%s"}`, ch, p)] = "0"
		}
	}
	for _, o := range []string{"moved", "stale", "ignored", "unreadable", "refused", "deferred"} {
		all[fmt.Sprintf(`otpipe_bounces_total{outcome="%s"}`, o)] = "0"
	}
	for _, p := range []string{"twilio-eu", "smtp-backup"} {
		for _, o := range []string{"accepted", "provider", "throttled", "recipient", "us", "unknown"} {
			all[fmt.Sprintf(`otpipe_attempts_total{outcome="%s",provider="%s"}`, o, p)] = "0"
			all[fmt.Sprintf(`otpipe_handover_seconds_count{outcome="%s",provider="%s"}`, o, p)] = "0"
		}
	}
	return all
}

func TestEverySeriesExistsAtZeroFromTheStart(t *testing.T) {
	t.Parallel()
	if d := cmp.Diff(zeros(), scrape(t, newMetrics())); d != "" {
		t.Error(d)
	}
}

func TestTheBuildIsTold(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	newMetrics().Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for _, want := range []string{`version="v1.2.3"`, "go_goroutines ", "process_open_fds "} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("no %s", want)
		}
	}
}

// store answers as told. It stands in for a store that has every outcome.
type store struct {
	verify.Verifications
	opened  otp.Opened
	verdict otp.Verdict
	err     error
}

func (s store) Start(context.Context, otp.Opening) (otp.Opened, error) { return s.opened, s.err }
func (s store) Check(context.Context, otp.Guess) (otp.Verdict, error)  { return s.verdict, s.err }

func limit(l otp.Limit) error { return fmt.Errorf("start: %w", &otp.LimitError{Limit: l}) }

func TestEveryOutcomeOfAStartIsCountedOnce(t *testing.T) {
	t.Parallel()
	for outcome, s := range map[string]store{
		"admitted":   {opened: otp.Opened{State: otp.Queued, Channel: otp.SMS}},
		"resent":     {opened: otp.Opened{State: otp.Queued, Channel: otp.SMS, Resent: true}},
		"suppressed": {opened: otp.Opened{State: otp.SendSuppressed, Resent: true}},
		"cooldown":   {err: limit(otp.LimitCooldown)},
		"sends":      {err: limit(otp.LimitSends)},
		"daily":      {err: limit(otp.LimitDaily)},
		"lock":       {err: limit(otp.LimitLock)},
		"error":      {err: otp.ErrStoreUnavailable},
	} {
		m := newMetrics()
		got, err := m.Verifications(s).Start(t.Context(), otp.Opening{Owner: otp.Owner{Namespace: "my-own"}})
		if got != s.opened || !errors.Is(err, s.err) {
			t.Errorf("%s: the decorator changed the answer: %v, %v", outcome, got, err)
		}
		want := zeros()
		want[fmt.Sprintf(`otpipe_starts_total{namespace="my-own",outcome="%s"}`, outcome)] = "1"
		if s.opened.State == otp.Queued {
			want[`otpipe_sends_total{channel="sms",outcome="staged"}`] = "1"
		}
		if d := cmp.Diff(want, scrape(t, m)); d != "" {
			t.Errorf("%s: %s", outcome, d)
		}
	}
}

func TestEveryOutcomeOfACheckIsCountedOnce(t *testing.T) {
	t.Parallel()
	cases := map[string]store{
		"approved":  {verdict: otp.Verdict{ID: "VE", Status: otp.Approved}},
		"not_found": {verdict: otp.Verdict{Reason: otp.NoSuchCode}},
		"lock":      {err: limit(otp.LimitLock)},
		"error":     {err: context.Canceled},
	}
	for _, reason := range []otp.Reason{otp.CodeMismatch, otp.CodeExpired, otp.AlreadyUsed, otp.WasCanceled, otp.BindingMismatch} {
		cases[string(reason)] = store{verdict: otp.Verdict{ID: "VE", Reason: reason}}
	}
	for outcome, s := range cases {
		m := newMetrics()
		got, err := m.Verifications(s).Check(t.Context(), otp.Guess{Owner: otp.Owner{Namespace: otp.PhoneAuth}})
		if got != s.verdict || !errors.Is(err, s.err) {
			t.Errorf("%s: the decorator changed the answer: %v, %v", outcome, got, err)
		}
		want := zeros()
		want[fmt.Sprintf(`otpipe_checks_total{namespace="phone-auth",outcome="%s"}`, outcome)] = "1"
		if d := cmp.Diff(want, scrape(t, m)); d != "" {
			t.Errorf("%s: %s", outcome, d)
		}
	}
}

// vendor answers as told.
type vendor struct{ err error }

func (vendor) Name() string { return "twilio-eu" }
func (v vendor) Send(context.Context, otp.Message) (otp.Acceptance, error) {
	return otp.Acceptance{Ref: "SM1"}, v.err
}

func TestEveryOutcomeOfAHandOverIsCountedAndTimed(t *testing.T) {
	t.Parallel()
	cases := map[string]error{"accepted": nil}
	for _, c := range []otp.Class{otp.FaultProvider, otp.FaultThrottled, otp.FaultRecipient, otp.FaultUs, otp.FaultUnknown} {
		cases[string(c)] = fmt.Errorf("send: %w", &otp.Fault{Class: c, Provider: "twilio-eu", Code: "twilio_1"})
	}
	for outcome, err := range cases {
		m := newMetrics()
		p := m.Provider(vendor{err})
		if got, failed := p.Send(t.Context(), otp.Message{}); got.Ref != "SM1" || !errors.Is(failed, err) || p.Name() != "twilio-eu" {
			t.Errorf("%s: the decorator changed the answer: %v, %v", outcome, got, failed)
		}
		want := zeros()
		want[fmt.Sprintf(`otpipe_attempts_total{outcome="%s",provider="twilio-eu"}`, outcome)] = "1"
		want[fmt.Sprintf(`otpipe_handover_seconds_count{outcome="%s",provider="twilio-eu"}`, outcome)] = "1"
		if d := cmp.Diff(want, scrape(t, m)); d != "" {
			t.Errorf("%s: %s", outcome, d)
		}
	}
}

func TestAnErrorThatNobodyClassifiedIsUnknown(t *testing.T) {
	t.Parallel()
	m := newMetrics()
	_, _ = m.Provider(vendor{errors.New("739182 to +4915199887766")}).Send(t.Context(), otp.Message{})
	if got := scrape(t, m)[`otpipe_attempts_total{outcome="unknown",provider="twilio-eu"}`]; got != "1" {
		t.Errorf("unknown %s", got)
	}
}

func TestTheWatchAndLostRingsAreCounted(t *testing.T) {
	t.Parallel()
	m := newMetrics()
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() { m.Rang(); m.Settled(); m.Lost(3) })
	}
	wg.Wait()
	want := zeros()
	want["otpipe_watch_rings_total"], want["otpipe_watch_settled_total"], want["otpipe_rings_lost_total"] = "100", "100", "300"
	if d := cmp.Diff(want, scrape(t, m)); d != "" {
		t.Error(d)
	}
}

func TestTwoProcessesInOneDoNotShareTheirMetrics(t *testing.T) {
	t.Parallel()
	one, other := newMetrics(), newMetrics()
	one.Rang()
	if d := cmp.Diff(zeros(), scrape(t, other)); d != "" {
		t.Error(d)
	}
}

func TestAGuessThatLocksIsCounted(t *testing.T) {
	t.Parallel()
	m := newMetrics()
	s := store{verdict: otp.Verdict{ID: "VE", Reason: otp.CodeMismatch, LockedUntil: time.Now()}}
	if _, err := m.Verifications(s).Check(t.Context(), otp.Guess{Owner: otp.Owner{Namespace: otp.PhoneAuth}}); err != nil {
		t.Fatal(err)
	}
	if got := scrape(t, m)[`otpipe_locks_total{namespace="phone-auth"}`]; got != "1" {
		t.Errorf("%s locks", got)
	}
}

func TestASendThatEndedIsCounted(t *testing.T) {
	t.Parallel()
	m := newMetrics()
	for _, s := range []otp.State{otp.Accepted, otp.Sent, otp.Failed, otp.Unknown} {
		m.Ended(otp.Email, s)
	}
	want := zeros()
	for outcome, n := range map[string]string{"accepted": "2", "failed": "1", "unknown": "1"} {
		want[fmt.Sprintf(`otpipe_sends_total{channel="email",outcome="%s"}`, outcome)] = n
	}
	if d := cmp.Diff(want, scrape(t, m)); d != "" {
		t.Error(d)
	}
}

// received is a store that answers every receipt the same.
type received otp.Reception

func (r received) Receive(context.Context, otp.Receipt) (otp.Reception, error) {
	return otp.Reception(r), nil
}

func TestADeliveredMessageIsTimedOnce(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		moved bool
		state otp.State
		want  string
	}{{true, otp.Delivered, "1"}, {false, otp.Delivered, "0"}, {true, otp.Sent, "0"}, {true, otp.Undelivered, "0"}} {
		m := newMetrics()
		got := otp.Reception{Moved: row.moved, Channel: otp.SMS, After: 3 * time.Second}
		if _, err := m.Receipts(received(got)).Receive(t.Context(), otp.Receipt{Provider: "twilio-eu", State: row.state}); err != nil {
			t.Fatal(err)
		}
		if n := scrape(t, m)[`otpipe_delivered_seconds_count{channel="sms",provider="twilio-eu"}`]; n != row.want {
			t.Errorf("%+v: counted %s", row, n)
		}
	}
}

// gauge is a queue that can be made to hang.
type gauge struct {
	hang chan struct{}
	err  error
}

func (g gauge) Read(string) (otp.QueueState, error) {
	<-g.hang
	return otp.QueueState{Waiting: 7, Oldest: 2 * time.Second, Dead: 1}, g.err
}

func TestTheQueuesAreReadWhenTheMetricsAre(t *testing.T) {
	t.Parallel()
	m := newMetrics()
	g := gauge{hang: make(chan struct{})}
	close(g.hang)
	m.Queues(g)
	got := scrape(t, m)
	if got[`otpipe_queue_waiting{queue="sms"}`] != "7" || got[`otpipe_queue_oldest_seconds{queue="email"}`] != "2" || got[`otpipe_queue_dead{queue="sms"}`] != "1" {
		t.Errorf("%v", got)
	}
}

func TestAQueueThatHangsDoesNotHoldTheMetricsUp(t *testing.T) {
	t.Parallel()
	m := newMetrics()
	g := gauge{hang: make(chan struct{})}
	defer close(g.hang)
	m.Queues(g)
	for range 2 {
		if got := scrape(t, m); got[`otpipe_queue_waiting{queue="sms"}`] != "0" || got["otpipe_rings_lost_total"] != "0" {
			t.Errorf("%v", got)
		}
	}
}

func TestTheMetricsKeepToTheRulesOfTheirNames(t *testing.T) {
	t.Parallel()
	m := newMetrics()
	g := gauge{hang: make(chan struct{})}
	close(g.hang)
	m.Queues(g)
	m.Gate(newGate())
	m.Notices([]string{"shop"})
	m.Audit()
	m.Limits([]otp.Rate{{Name: "per-ip"}}, otp.BuiltIn(), true)
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	problems, err := promlint.New(w.Body).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestThePageNamesEveryMetricWithItsLabels(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/watching.md")
	if err != nil {
		t.Fatal(err)
	}
	m := newMetrics()
	g := gauge{hang: make(chan struct{})}
	close(g.hang)
	m.Queues(g)
	m.Gate(newGate())
	m.Notices([]string{"shop"})
	m.Audit()
	m.Limits([]otp.Rate{{Name: "per-ip"}}, otp.BuiltIn(), true)
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	series := regexp.MustCompile(`(?m)^(otpipe_[a-z_]+?)(?:_bucket|_count|_sum)?(?:\{([^}]*)\})? `)
	names := map[string]bool{}
	for _, s := range series.FindAllStringSubmatch(w.Body.String(), -1) {
		names[s[1]] = true
		row := regexp.MustCompile("(?m)^\\| `" + s[1] + "` \\|([^|]*)\\|").FindStringSubmatch(string(page))
		if row == nil {
			t.Errorf("%s is not on the page", s[1])
			continue
		}
		for label := range strings.SplitSeq(s[2], ",") {
			if name, _, _ := strings.Cut(label, "="); name != "le" && !strings.Contains(row[1], name) {
				t.Errorf("%s: the page does not know the label %s", s[1], name)
			}
		}
	}
	if len(names) < 12 {
		t.Errorf("only %d metrics", len(names))
	}
}

func newGate() *deliver.Gate {
	g := &deliver.Gate{Providers: []string{"twilio-eu", "smtp-backup"}, Breakers: map[deliver.Line]deliver.Breaker{}, Log: slog.New(slog.DiscardHandler)}
	for line, state := range map[deliver.Line]string{{Provider: "twilio-eu", Channel: otp.SMS}: "half_open", {Provider: "smtp-backup", Channel: otp.Email}: "closed"} {
		g.Breakers[line] = fuse(state)
	}
	return g
}

// fuse is a breaker in a state.
type fuse string

func (f fuse) Allow() (func(error), time.Duration) { return nil, 0 }
func (f fuse) State() string                       { return string(f) }

type standings = deliver.Standings

// told answers once with how the providers stand.
type told struct {
	standings
	all map[string]otp.Standing
}

func (s told) Standings(context.Context, []string) (map[string]otp.Standing, error) {
	return s.all, nil
}

func TestTheBreakersAndWhatIsKnownOfTheProvidersAreMetrics(t *testing.T) {
	t.Parallel()
	m, g := newMetrics(), newGate()
	g.Standings = told{all: map[string]otp.Standing{"twilio-eu": {Drained: &otp.Drain{}, Tripped: map[otp.Channel]time.Duration{otp.SMS: time.Hour}}}}
	g.Learn(t.Context())
	m.Gate(g)
	got := scrape(t, m)
	for series, want := range map[string]string{
		`otpipe_breaker_state{channel="sms",provider="twilio-eu",state="half_open"}`:  "1",
		`otpipe_breaker_state{channel="sms",provider="twilio-eu",state="closed"}`:     "0",
		`otpipe_breaker_state{channel="email",provider="smtp-backup",state="closed"}`: "1",
		`otpipe_breaker_state{channel="email",provider="smtp-backup",state="open"}`:   "0",
		`otpipe_provider_closed{provider="twilio-eu",why="drained"}`:                  "1",
		`otpipe_provider_closed{provider="twilio-eu",why="paused"}`:                   "0",
		`otpipe_provider_closed{provider="twilio-eu",why="tripped"}`:                  "1",
		`otpipe_provider_closed{provider="smtp-backup",why="drained"}`:                "0",
	} {
		if got[series] != want {
			t.Errorf("%s is %q, want %s", series, got[series], want)
		}
	}
}
