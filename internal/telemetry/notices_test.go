package telemetry_test

import (
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/otpipe/otpipe/internal/notify"
)

func TestNoticesAreCountedFromZeroByTheEndpointsThatAreConfigured(t *testing.T) {
	t.Parallel()
	m := newMetrics()
	if diff := cmp.Diff(zeros(), scrape(t, m)); diff != "" {
		t.Fatalf("without endpoints: %s", diff)
	}
	n := m.Notices([]string{"shop", "audit"})
	want := zeros()
	maps.Copy(want, map[string]string{"otpipe_events_missed_total": "0", "otpipe_events_behind_seconds": "0"})
	for _, e := range []string{"shop", "audit"} {
		for _, outcome := range []string{"delivered", "retried", "dropped"} {
			want[`otpipe_notices_total{endpoint="`+e+`",outcome="`+outcome+`"}`] = "0"
		}
	}
	if diff := cmp.Diff(want, scrape(t, m)); diff != "" {
		t.Fatal(diff)
	}
	n.Ended("shop", notify.Retried)
	n.Ended("gone", notify.Dropped)
	n.Missed(7)
	n.Behind(1500 * time.Millisecond)
	maps.Copy(want, map[string]string{
		`otpipe_notices_total{endpoint="shop",outcome="retried"}`: "1", "otpipe_events_missed_total": "7", "otpipe_events_behind_seconds": "1.5",
	})
	if diff := cmp.Diff(want, scrape(t, m)); diff != "" {
		t.Error(diff)
	}
}
