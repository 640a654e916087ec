package supportui_test

import (
	"math/rand/v2"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	cdp "github.com/chromedp/chromedp"

	"github.com/otpipe/otpipe/internal/address"
	"github.com/otpipe/otpipe/internal/browsertest"
	"github.com/otpipe/otpipe/internal/otp"
)

// busyness is how many people ask for a code in an hour of the day, of ten.
var busyness = []int{2, 1, 1, 1, 1, 2, 3, 5, 7, 8, 8, 9, 9, 8, 7, 7, 8, 9, 10, 10, 9, 8, 5, 3}

// liveThrough has hours go by, up to now, in which people ask for codes: by text
// most, in the evening most, and for one hour a provider is of no use.
func (r *rig) liveThrough(hours, most int) {
	r.t.Helper()
	rand := rand.New(rand.NewPCG(1, 2))
	began := -time.Duration(hours) * time.Hour
	for hour := range hours {
		r.ahead.Store(int64(began) + int64(hour)*int64(time.Hour))
		var all []otp.Order
		for i := range 1 + most*busyness[time.Now().Add(time.Duration(r.ahead.Load())).UTC().Hour()]/10 {
			all = append(all, r.live(rand, i%4 == 3, hour == hours-3))
		}
		r.pass(20 * time.Minute)
		for _, o := range all {
			_, err := r.store.Settle(r.t.Context(), o.ID)
			r.must(err)
		}
	}
	r.ahead.Store(0)
}

// live is one person's try.
func (r *rig) live(rand *rand.Rand, mail, bad bool) otp.Order {
	r.t.Helper()
	to, ns, provider := "+49151"+otp.NewCode(8).Reveal(), otp.PhoneAuth, "twilio"
	if mail {
		to, ns, provider = otp.NewCode(8).Reveal()+"@example.com", otp.VerifyEmail, "smtp"
	}
	o := r.start(asked{to: to, ns: ns})
	if bad && rand.IntN(3) > 0 {
		r.handOver(o, provider, otp.Outcome{State: otp.Failed, Class: otp.FaultProvider, Reason: "twilio_503"})
		provider = "backup"
	}
	if rand.IntN(50) == 0 {
		return o
	}
	r.handOver(o, provider, otp.Outcome{State: otp.Accepted, Ref: "SM0123456789abcdef0123456789abcdef"})
	r.pass(time.Duration(300+rand.ExpFloat64()*1500) * time.Millisecond)
	attempt := 1
	if provider == "backup" {
		attempt = 2
	}
	end := otp.Delivered
	if rand.IntN(20) == 0 {
		end = otp.Undelivered
	}
	if !mail && rand.IntN(12) > 0 {
		_, err := r.store.Receive(r.t.Context(), otp.Receipt{Order: o, Attempt: attempt, Provider: provider, Ref: "SM0123456789abcdef0123456789abcdef", State: end, Reason: "twilio_30003", Class: otp.FaultProvider})
		r.must(err)
	}
	if end == otp.Delivered && rand.IntN(8) > 0 {
		r.pass(time.Duration(4+rand.IntN(30)) * time.Second)
		r.guessOf(ns, to, code)
	}
	return o
}

// guessOf types a code.
func (r *rig) guessOf(ns otp.Namespace, to, typed string) {
	r.t.Helper()
	ch := otp.SMS
	if strings.Contains(to, "@") {
		ch = otp.Email
	}
	whom, err := address.Parse(ch, to)
	r.must(err)
	o := r.keys.Owner(ns, whom, "", 16)
	c, err := otp.ParseCode(typed, 6)
	r.must(err)
	n := otp.NewNonce()
	_, err = r.store.Check(r.t.Context(), otp.Guess{Owner: o, Digests: r.keys.DigestsOf(o, c), Policy: otp.BuiltIn()[ns], Nonce: n, Sessions: r.keys.SessionsOf(o, c, n)})
	r.must(err)
}

func TestAnOverviewTellsOfADay(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.liveThrough(24, 4)
	body := r.page("/overview")
	for _, want := range []string{"The last 24 hours", "Texts", "E-mails", "breaker closed", "keeps up", "the day before", "nothing waits for a worker"} {
		if !strings.Contains(body, want) {
			t.Errorf("it does not say %q", want)
		}
	}
	if got := strings.Count(body, `class="chart"`); got != 6 {
		t.Errorf("%d charts", got)
	}
	if n := len(body) + len(r.page("/static/support.css")); n > 60<<10 {
		t.Errorf("%d bytes without the scripts", n)
	}
}

func TestAnOverviewTellsOfTrouble(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.queues = map[string]otp.QueueState{"sms": {Waiting: 1234, Oldest: 42 * time.Second, Dead: 1}}
	r.must(r.store.Drain(t.Context(), "smtp", "kim", "maintenance <of> the relay"))
	r.must(r.store.Trip(t.Context(), "twilio", otp.SMS, 20*time.Second))
	r.must(r.store.Pause(t.Context(), "backup", time.Minute, "twilio_20429"))
	body := r.page("/overview")
	for _, want := range []string{
		"Nobody has asked for a code in the last 24 hours", "breaker open", "drained", "by kim", "maintenance &lt;of&gt; the relay", "paused", "twilio_20429",
		"behind", "1,234", "the oldest for 42.0 s", "does not answer",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("it does not say %q", want)
		}
	}
}

func TestAnOverviewIsOfThePersonsNamespaces(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.liveThrough(24, 2)
	r.enter(otp.Staff{Name: "nina", Role: otp.Viewer, Namespaces: []otp.Namespace{otp.AddEmail}})
	body := r.page("/overview")
	if !strings.Contains(body, "Nobody has asked for a code") || !strings.Contains(body, "in your namespaces") || strings.Contains(body, `class="chart"`) {
		t.Error("it tells of other namespaces")
	}
	if numbers := regexp.MustCompile(`<td>[^<]*[1-9]`).FindAllString(body[strings.Index(body, `id="providers"`):strings.Index(body, `id="queues"`)], -1); numbers != nil {
		t.Errorf("a provider's line has numbers of others: %q", numbers)
	}
}

func TestTheOverviewShutsNobodyOut(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.liveThrough(24, 3)
	r.must(r.store.Drain(t.Context(), "smtp", "kim", "maintenance of the relay"))
	ctx := browsertest.Open(t)
	for _, width := range []int64{1200, 360} {
		browsertest.Do(ctx, t, cdp.EmulateViewport(width, 800), cdp.Navigate(r.server.URL+"/overview"), cdp.Click("details summary"))
		browsertest.Axe(ctx, t)
		browsertest.Expect(ctx, t, `String(document.documentElement.scrollWidth <= innerWidth)`, "true")
	}
}

// TestScreenshots takes the pictures of the overview: dev mode has no day behind it.
func TestScreenshots(t *testing.T) {
	dir := os.Getenv("SCREENSHOTS")
	if dir == "" {
		t.Skip("make screenshots takes them")
	}
	r := newRig(t)
	r.liveThrough(48, 60)
	ctx := browsertest.Open(t)
	browsertest.Pictures(ctx, t, dir, "support-overview", r.server.URL+"/overview", true)
}
