package devkit

import (
	"fmt"
	"slices"
	"sync"
)

// Mode is how a vendor behaves.
type Mode string

// The modes.
const (
	OK          Mode = "ok"
	Slow        Mode = "slow"        // answers after two seconds
	Refuse      Mode = "refuse"      // answers with a temporary error
	Reset       Mode = "reset"       // cuts the connection before it answers
	Hang        Mode = "hang"        // never answers
	Undelivered Mode = "undelivered" // takes it and reports later that it was not delivered
)

// Modes lists every mode.
var Modes = []Mode{OK, Slow, Refuse, Reset, Hang, Undelivered}

// Chaos tells each vendor of the outside world how to behave. The zero value
// lets all of them behave well.
type Chaos struct {
	mu    sync.Mutex
	plans map[string]plan
}

type plan struct {
	mode  Mode
	times int // left; 0: until told otherwise
}

// Vendors are the names under which the outside world knows its vendors.
var Vendors = []string{"twilio", "smtp"}

// Set makes a vendor behave in a mode for the next n messages; n = 0 means until
// it is told otherwise.
func (c *Chaos) Set(vendor string, m Mode, n int) error {
	switch {
	case !slices.Contains(Vendors, vendor):
		return fmt.Errorf("provider: want one of %v", Vendors)
	case !slices.Contains(Modes, m):
		return fmt.Errorf("mode: want one of %v", Modes)
	case n < 0:
		return fmt.Errorf("times: want zero or more")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.plans == nil {
		c.plans = map[string]plan{}
	}
	c.plans[vendor] = plan{m, n}
	return nil
}

// Next is how the vendor behaves towards the message it has just been given.
func (c *Chaos) Next(vendor string) Mode {
	c.mu.Lock()
	defer c.mu.Unlock()
	p, ok := c.plans[vendor]
	if !ok {
		return OK
	}
	if p.times > 0 {
		if p.times--; p.times == 0 {
			delete(c.plans, vendor)
		} else {
			c.plans[vendor] = p
		}
	}
	return p.mode
}

// State is how a vendor behaves at the moment.
type State struct {
	Name string
	Mode Mode
	Left int // messages; 0: until told otherwise
}

// States lists how every vendor behaves.
func (c *Chaos) States() []State {
	c.mu.Lock()
	defer c.mu.Unlock()
	states := make([]State, 0, len(Vendors))
	for _, name := range Vendors {
		s := State{Name: name, Mode: OK}
		if p, ok := c.plans[name]; ok {
			s.Mode, s.Left = p.mode, p.times
		}
		states = append(states, s)
	}
	return states
}
