package support

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

const (
	// dayHours are the hours that an overview shows, the one that is not over yet
	// among them.
	dayHours = 24

	// tallyFresh is how long tallies are not read again, whoever asks: they are a
	// few hundred keys.
	tallyFresh = 3 * time.Second
)

// Tallies counts by hour what was asked for.
type Tallies interface {
	// Tallies has them for the hours from the one of from to the one of to.
	Tallies(ctx context.Context, partitions int, from, to time.Time) ([]otp.Tally, error)
}

// Standings tells what operators and workers have said about providers.
type Standings interface {
	Standings(ctx context.Context, providers []string) (map[string]otp.Standing, error)
}

// Queues tells how a channel's queue stands.
type Queues interface {
	Read(queue string) (otp.QueueState, error)
}

// Account is a provider as it is configured.
type Account struct {
	Name     string
	Driver   string
	Channels []otp.Channel // on whose routes it is
}

// Overview tells how codes have fared in the last day, and what the way to the
// handset looks like now. It may be used by many goroutines at once. It is wired
// by app; every exported field is required.
type Overview struct {
	Tallies    Tallies
	Standings  Standings
	Queues     Queues
	Accounts   []Account // in the order of the configuration
	Partitions int
	Now        func() time.Time

	mu   sync.Mutex
	last []otp.Tally
	read time.Time
}

// Day is what an overview shows.
type Day struct {
	At       time.Time
	Hours    []time.Time // their beginnings, the oldest first; the last is not over
	Channels []ChannelDay
	Total    Sums
	Before   Sums // the same of the day before
	Accounts []AccountDay
	Queues   []QueueNow

	passed float64 // the share of the last hour that is over
	beyond Sums    // of Before, the hour in which this day's last was a day ago
}

// ChannelDay is one channel's part of a day.
type ChannelDay struct {
	Channel       otp.Channel
	Hours         []Sums
	Total, Before Sums
}

// AccountDay is what a provider did in a day, in the person's namespaces, and how
// it stands now.
type AccountDay struct {
	Account
	otp.Standing
	Deeds
}

// QueueNow is how a channel's queue stands; Known is false if it does not say.
type QueueNow struct {
	Channel otp.Channel
	otp.QueueState
	Known bool
}

// Of tells of the last day what concerns the person's namespaces; queues and the
// standing of providers concern everybody. Its error is otp.ErrStoreUnavailable.
func (o *Overview) Of(ctx context.Context, who otp.Staff) (Day, error) {
	now := o.Now()
	all, err := o.tallies(ctx, now)
	if err != nil {
		return Day{}, fmt.Errorf("read tallies: %w", err)
	}
	d := newDay(now)
	deeds := map[string]Deeds{}
	for _, t := range all {
		if who.May(t.Namespace) {
			d.add(t, deeds)
		}
	}
	d.Accounts, err = o.accounts(ctx, deeds)
	if err != nil {
		return Day{}, fmt.Errorf("read standings: %w", err)
	}
	for _, ch := range otp.Channels {
		state, err := o.Queues.Read(string(ch))
		d.Queues = append(d.Queues, QueueNow{Channel: ch, QueueState: state, Known: err == nil})
	}
	return d, nil
}

// tallies are those of two days, read once for all who ask in a moment.
func (o *Overview) tallies(ctx context.Context, now time.Time) ([]otp.Tally, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if age := now.Sub(o.read); age >= 0 && age < tallyFresh {
		return o.last, nil
	}
	all, err := o.Tallies.Tallies(ctx, o.Partitions, now.Add(-(2*dayHours-1)*time.Hour), now)
	if err == nil {
		o.last, o.read = all, now
	}
	return all, err
}

func (o *Overview) accounts(ctx context.Context, deeds map[string]Deeds) ([]AccountDay, error) {
	names := make([]string, 0, len(o.Accounts))
	for _, a := range o.Accounts {
		names = append(names, a.Name)
	}
	standings, err := o.Standings.Standings(ctx, names)
	if err != nil {
		return nil, err
	}
	all := make([]AccountDay, 0, len(names))
	for _, a := range o.Accounts {
		all = append(all, AccountDay{Account: a, Standing: standings[a.Name], Deeds: deeds[a.Name]})
	}
	return all, nil
}

func newDay(now time.Time) Day {
	last := now.UTC().Truncate(time.Hour)
	d := Day{At: now, passed: now.Sub(last).Hours(), Total: newSums(), Before: newSums(), beyond: newSums()}
	for i := range dayHours {
		d.Hours = append(d.Hours, last.Add(time.Duration(i-dayHours+1)*time.Hour))
	}
	for _, ch := range otp.Channels {
		c := ChannelDay{Channel: ch, Total: newSums(), Before: newSums()}
		for range dayHours {
			c.Hours = append(c.Hours, newSums())
		}
		d.Channels = append(d.Channels, c)
	}
	return d
}

// add puts a tally where it belongs.
func (d *Day) add(t otp.Tally, deeds map[string]Deeds) {
	i := int(t.Hour.Sub(d.Hours[0]) / time.Hour) // negative: the day before
	c := slices.IndexFunc(d.Channels, func(c ChannelDay) bool { return c.Channel == t.Channel })
	if c < 0 || i >= dayHours || i < -dayHours {
		return
	}
	ch := &d.Channels[c]
	if i < 0 {
		ch.Before.add(t)
		d.Before.add(t)
		if i == -1 {
			d.beyond.add(t)
		}
		return
	}
	ch.Hours[i].add(t)
	ch.Total.add(t)
	d.Total.add(t)
	addDeeds(deeds, t)
}

// Growth is by how much there are more sends than at this time of the day before;
// ok is false if there were too few to tell.
func (d Day) Growth() (share float64, ok bool) {
	before := float64(d.Before.Sends) - (1-d.passed)*float64(d.beyond.Sends)
	if before < 1 {
		return 0, false
	}
	return float64(d.Total.Sends)/before - 1, true
}
