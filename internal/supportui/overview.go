package supportui

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/support"
)

// Overview tells of the last day. It is used by many goroutines at once.
type Overview interface {
	// Of fails with otp.ErrStoreUnavailable.
	Of(ctx context.Context, who otp.Staff) (support.Day, error)
}

var overviewPage = pageOf("overview.html")

// overview is what the page shows.
type overview struct {
	support.Day
	Channels []channelPart
	Kinds    []kind // the key of the pictures of sends
	Accounts []accountPart
	Queues   []queuePart
	Growth   string
	Waiting  int    // in all queues
	Oldest   string // of these
	Some     bool   // who sees only the numbers of some namespaces
}

// channelPart is a channel's pictures.
type channelPart struct {
	support.ChannelDay
	Title  string
	Charts []chart
	Rows   []hourRow // the newest first
}

// hourRow is what the pictures show of an hour, in numbers.
type hourRow struct {
	Hour time.Time
	Open bool // it is not over
	support.Sums
}

// showOverview shows the page.
func (u *UI) showOverview(w http.ResponseWriter, r *http.Request, who otp.Staff) {
	ctx, cancel := within(r)
	defer cancel()
	d, err := u.Overview.Of(ctx, who)
	if err != nil {
		u.Log.ErrorContext(ctx, "overview not read", "error", err)
		u.refuse(w, r, who, http.StatusServiceUnavailable, "The store does not answer. Try again in a moment.")
		return
	}
	u.show(w, r, http.StatusOK, overviewPage, View{Title: "Overview", Here: "overview", Who: who, Page: newOverview(d, len(who.Namespaces) > 0)})
}

func newOverview(d support.Day, some bool) overview {
	o := overview{Day: d, Some: some, Kinds: sendKinds}
	for _, ch := range d.Channels {
		if ch.Total.Sends == 0 && ch.Total.Opened == 0 {
			continue
		}
		p := channelPart{ChannelDay: ch, Title: channelTitle(ch.Channel), Charts: []chart{sendsChart(ch, d.Hours), approvalsChart(ch, d.Hours), delaysChart(ch, d.Hours)}}
		for i := len(ch.Hours) - 1; i >= 0; i-- {
			p.Rows = append(p.Rows, hourRow{d.Hours[i], i == len(ch.Hours)-1, ch.Hours[i]})
		}
		o.Channels = append(o.Channels, p)
	}
	for _, a := range d.Accounts {
		o.Accounts = append(o.Accounts, accountPart{a, standingOf(a.Standing, d.At)})
	}
	var oldest time.Duration
	for _, q := range d.Queues {
		o.Queues = append(o.Queues, queuePart{q, queueStanding(q)})
		o.Waiting, oldest = o.Waiting+q.Waiting, max(oldest, q.Oldest)
	}
	if o.Oldest = "nothing waits for a worker"; oldest > 0 {
		o.Oldest = "the oldest for " + took(oldest)
	}
	o.Growth = growth(d)
	return o
}

// growth compares with the day before.
func growth(d support.Day) string {
	switch more, ok := d.Growth(); {
	case !ok:
		return "none the day before"
	case more > 9:
		return short(int(more)+1) + " times the day before"
	case more < 0:
		return percent(-more) + " fewer than the day before"
	default:
		return percent(more) + " more than the day before"
	}
}

func channelTitle(ch otp.Channel) string {
	text := channelText(ch) + "s"
	return strings.ToUpper(text[:1]) + text[1:]
}

// median is the time to delivery.
func median(s support.Sums) time.Duration { return s.Delays.Quantile(.5) }

// The kinds of bars. What arrived is solid; the others are drawn apart.
var (
	deliveredKind = kind{"delivered", "", "Delivered"}
	silentKind    = kind{"silent", "silent-lines", "No word yet"}
	lostKind      = kind{"lost", "lost-lines", "Not delivered"}
	unsentKind    = kind{"unsent", "", "Not sent"}
	waitingKind   = kind{"waiting", "waiting-dots", "Waiting"}
	sendKinds     = []kind{deliveredKind, silentKind, lostKind, unsentKind, waitingKind}

	approvedKind   = kind{"delivered", "", "Approved"}
	unapprovedKind = kind{"unsent", "", "Not approved"}
	medianKind     = kind{"median", "", "Median"}
)

func sendsChart(ch support.ChannelDay, hours []time.Time) chart {
	most, at := peak(ch.Hours, func(s support.Sums) int { return s.Sends })
	c := chart{
		ID: string(ch.Channel) + "-sends", Title: "Sends", Peak: "up to " + short(most) + " an hour",
		Desc: fmt.Sprintf("Sends by hour, most of them at %s (%s). %s", hours[at].UTC().Format("15:04"), number(most), sendsText(ch.Total)),
	}
	return draw(c, hours, []values{
		{deliveredKind, each(ch.Hours, func(s support.Sums) int { return s.Delivered })},
		{silentKind, each(ch.Hours, func(s support.Sums) int { return s.Unconfirmed })},
		{lostKind, each(ch.Hours, func(s support.Sums) int { return s.Lost })},
		{unsentKind, each(ch.Hours, func(s support.Sums) int { return s.Unsent })},
		{waitingKind, each(ch.Hours, support.Sums.Waiting)},
	}, func(i int) string { return sendsText(ch.Hours[i]) })
}

// sendsText is what became of sends, in words: "12 sends: 10 delivered, 2 not delivered".
func sendsText(s support.Sums) string {
	if s.Sends == 0 {
		return "no sends"
	}
	var parts []string
	for _, p := range []struct {
		n    int
		what string
	}{{s.Delivered, "delivered"}, {s.Unconfirmed, "no word yet"}, {s.Lost, "not delivered"}, {s.Unsent, "not sent"}, {s.Waiting(), "waiting"}} {
		if p.n > 0 {
			parts = append(parts, number(p.n)+" "+p.what)
		}
	}
	return number(s.Sends) + " sends: " + strings.Join(parts, ", ")
}

func approvalsChart(ch support.ChannelDay, hours []time.Time) chart {
	most, at := peak(ch.Hours, func(s support.Sums) int { return s.Opened })
	c := chart{
		ID: string(ch.Channel) + "-approvals", Title: "Approved", Peak: "of up to " + short(most) + " an hour",
		Desc: fmt.Sprintf("Verifications by hour, most of them at %s (%s), and how many were approved. %s", hours[at].UTC().Format("15:04"), number(most), approvalsText(ch.Total)),
	}
	return draw(c, hours, []values{
		{approvedKind, each(ch.Hours, func(s support.Sums) int { return s.Approved })},
		{unapprovedKind, each(ch.Hours, func(s support.Sums) int { return s.Opened - s.Approved })},
	}, func(i int) string { return approvalsText(ch.Hours[i]) })
}

func approvalsText(s support.Sums) string {
	if s.Opened == 0 {
		return "no verifications"
	}
	return fmt.Sprintf("%s of %s approved (%s)", number(s.Approved), number(s.Opened), part(s.Approved, s.Opened))
}

func delaysChart(ch support.ChannelDay, hours []time.Time) chart {
	median := func(s support.Sums) int { return int(s.Delays.Quantile(.5) / time.Millisecond) }
	most, at := peak(ch.Hours, median)
	longest := delay(time.Duration(most) * time.Millisecond)
	c := chart{
		ID: string(ch.Channel) + "-delays", Title: "Median to delivery", Peak: "up to " + longest,
		Desc: fmt.Sprintf("Median time to delivery by hour, longest at %s (%s). Of all: %s", hours[at].UTC().Format("15:04"), longest, delaysText(ch.Total)),
	}
	return draw(c, hours, []values{{medianKind, each(ch.Hours, median)}}, func(i int) string { return delaysText(ch.Hours[i]) })
}

func delaysText(s support.Sums) string {
	if s.Delays.Count() == 0 {
		return "nothing delivered"
	}
	return fmt.Sprintf("half within %s, nine in ten within %s", delay(s.Delays.Quantile(.5)), delay(s.Delays.Quantile(.9)))
}

func each(hours []support.Sums, of func(support.Sums) int) []float64 {
	all := make([]float64, len(hours))
	for i, s := range hours {
		all[i] = float64(of(s))
	}
	return all
}

// peak is the highest number and its hour.
func peak(hours []support.Sums, of func(support.Sums) int) (most, at int) {
	for i, s := range hours {
		if n := of(s); n > most {
			most, at = n, i
		}
	}
	return most, at
}
