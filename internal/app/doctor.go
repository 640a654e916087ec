package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/otpipe/otpipe/internal/config"
	"github.com/otpipe/otpipe/internal/doctor"
	"github.com/otpipe/otpipe/internal/httpapi"
	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/redisstore"
	"github.com/otpipe/otpipe/internal/vendorhttp"
)

// Doctor are the checks of all that the processes depend on, in the order in which
// they are told. They are made beside each other.
func Doctor(c config.Config) []doctor.Check {
	all := []doctor.Check{
		{About: "configuration", Look: func(context.Context) []doctor.Finding { return doubts(c) }},
		{About: "templates", Look: func(context.Context) []doctor.Finding { return templateFaults(c) }},
		{About: "redis", Look: redisLook{stateSetting, c.Redis.State, replicas(c)}.look},
	}
	if ownQueue(c) {
		all = append(all, doctor.Check{About: "redis of the queue", Look: redisLook{queueSetting, c.Redis.Queue, 0}.look})
	}
	all = append(all,
		doctor.Check{About: "store", Look: func(ctx context.Context) []doctor.Finding { return storeFaults(ctx, c) }},
		doctor.Check{About: "queue", Look: func(ctx context.Context) []doctor.Finding { return queueFaults(ctx, c) }},
	)
	all = append(all, accountChecks(c)...)
	if c.API.PublicURL != "" {
		all = append(all, publicURL(c).Check())
	}
	return all
}

// doubts are the warnings that both processes log at start.
func doubts(c config.Config) (all []doctor.Finding) {
	for _, w := range c.Warnings() {
		all = append(all, doctor.Finding{Grade: doctor.Warn, Says: w})
	}
	if len(all) == 0 {
		all = []doctor.Finding{{Grade: doctor.OK, Says: "means what it says"}}
	}
	return all
}

func templateFaults(c config.Config) (all []doctor.Finding) {
	composer, err := NewComposer(c)
	if err == nil {
		return []doctor.Finding{{Grade: doctor.OK, Says: "can be written in " + strings.Join(composer.Locales(), ", ")}}
	}
	for _, line := range strings.Split(err.Error(), "\n")[1:] { // the first says that there are some
		all = append(all, doctor.Finding{Grade: doctor.Fail, Says: line, Do: "see otpctl template lint"})
	}
	return all
}

// unknown is said of what lies in a Redis that does not answer, which is told by itself.
var unknown = []doctor.Finding{{Grade: doctor.Fail, Says: "is not known: its Redis does not answer"}}

// storeFaults tells whether the store agrees with the settings, and whether
// somebody looks after it.
func storeFaults(ctx context.Context, c config.Config) []doctor.Finding {
	store, done, err := OpenStore(ctx, c)
	if errors.Is(err, otp.ErrStoreUnavailable) && !redisstore.Denied(err) {
		return unknown
	}
	if err != nil {
		return []doctor.Finding{{Grade: doctor.Fail, Says: err.Error()}}
	}
	defer done()
	all := []doctor.Finding{{Grade: doctor.OK, Says: "agrees with the keys and partitions"}}
	dues, err := store.Dues(ctx, c.Store.Partitions)
	switch {
	case err != nil:
		all = append(all, doctor.Finding{Grade: doctor.Fail, Says: err.Error()})
	case dues.Late > watchLate:
		all = append(all, doctor.Finding{Grade: doctor.Fail, Says: fmt.Sprintf("%d entries wait for a watch, the first for %s", dues.Due, dues.Late.Round(time.Second)), Do: "start a worker, or see why none looks after them"})
	}
	standings, err := store.Standings(ctx, providerNames(c))
	if err != nil {
		return append(all, doctor.Finding{Grade: doctor.Fail, Says: err.Error()})
	}
	return append(all, closed(standings)...)
}

// watchLate is how late a watch never is.
const watchLate = 10 * time.Second

// closed are the providers that workers leave alone.
func closed(standings map[string]otp.Standing) (all []doctor.Finding) {
	for _, name := range slices.Sorted(maps.Keys(standings)) {
		s, about := standings[name], "provider "+name
		if s.Drained != nil {
			all = append(all, doctor.Finding{About: about, Grade: doctor.Warn, Says: "was drained by " + s.Drained.By, Do: "otpctl provider resume " + name})
		}
		if s.Paused > 0 {
			all = append(all, doctor.Finding{About: about, Grade: doctor.Warn, Says: fmt.Sprintf("is left alone for %s more: %s", s.Paused.Round(time.Second), s.PausedWhy)})
		}
		for _, ch := range slices.Sorted(maps.Keys(s.Tripped)) {
			all = append(all, doctor.Finding{About: about, Grade: doctor.Warn, Says: "failed so often that a worker's breaker for " + string(ch) + " is open"})
		}
	}
	return all
}

// queueFaults looks at the queue of each channel that has a route.
func queueFaults(ctx context.Context, c config.Config) (all []doctor.Finding) {
	queues, err := Queues(ctx, c)
	if redisstore.Denied(err) {
		return []doctor.Finding{{Grade: doctor.Fail, Says: err.Error(), Do: redisstore.Grant}}
	}
	if err != nil {
		return unknown
	}
	for _, q := range queues {
		all = append(all, q.findings()...)
	}
	if len(all) == 0 {
		all = []doctor.Finding{{Grade: doctor.OK, Says: "is served, and nothing waits for long"}}
	}
	return all
}

// queueLate is how long nothing waits that a worker may take, if there are enough
// of them.
const queueLate = 30 * time.Second

func (q Queue) findings() (all []doctor.Finding) {
	if q.Servers == 0 {
		all = append(all, doctor.Finding{Grade: doctor.Fail, Says: q.Name + " is served by no worker", Do: "start one"})
	}
	if q.Oldest > queueLate {
		all = append(all, doctor.Finding{Grade: doctor.Warn, Says: fmt.Sprintf("%s has something that has waited for %s", q.Name, q.Oldest.Round(time.Second)), Do: "start more workers, or see docs/providers.md: a slow vendor takes their time"})
	}
	if q.Dead > 0 {
		all = append(all, doctor.Finding{Grade: doctor.Warn, Says: fmt.Sprintf("%s has %d tasks that were given up", q.Name, q.Dead), Do: "see the workers' logs: somebody else writes into this queue, or a worker panicked"})
	}
	return all
}

// accountChecks greet every provider.
func accountChecks(c config.Config) (all []doctor.Check) {
	keys, err := c.Secrets()
	if err != nil {
		return nil // the configuration was not checked
	}
	for i, p := range c.Providers {
		provider := newProvider(c, keys, p)
		check := doctor.Account(provider, credentials(i, p.Driver))
		all = append(all, doctor.Check{About: check.About, Look: func(ctx context.Context) []doctor.Finding {
			if closer, ok := provider.(io.Closer); ok {
				defer func() { _ = closer.Close() }()
			}
			return check.Look(ctx)
		}})
	}
	return all
}

// credentials are the settings of a provider that let us in.
func credentials(i int, driver string) string {
	names := map[string]string{
		"twilio":  "account_sid, username, password, and edge and region",
		"smtp":    "host, port, tls, username and password",
		"webhook": "url",
	}
	return fmt.Sprintf("%s of providers[%d].%s", names[driver], i, driver)
}

func publicURL(c config.Config) doctor.Public {
	p := doctor.Public{
		URL: strings.TrimRight(c.API.PublicURL, "/"), Title: httpapi.Title, Now: time.Now, HTTP: vendorhttp.NewClient(1),
	}
	for name := range receiptReaders(c) {
		p.Provider = max(p.Provider, name)
	}
	return p
}
