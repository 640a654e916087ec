package ctl

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/otpipe/otpipe/internal/app"
	"github.com/otpipe/otpipe/internal/config"
)

// keysRotate says which step of a rotation is next. A ring tells by its order: a
// key behind the primary is newer and only read so far, one before it is older.
type keysRotate struct {
	settings
	ID         string `name:"id" placeholder:"ID" help:"The new key's name; without it the next of k1, k2, …"`
	Add        bool   `help:"Make a new key whatever the ring has, such as when a secret has leaked."`
	Format     string `enum:"toml,env" default:"toml" help:"toml: for the file. env: variables that set the same. (${enum})"`
	Write      bool   `help:"Add the new key to the configuration file, for reading. Nothing else in it is changed."`
	SecretFile string `placeholder:"PATH" help:"Write the new secret to this file, which only its owner may read, and not to the screen. The entry then names the file."`
}

// Help says how a rotation goes.
func (keysRotate) Help() string {
	return `A rotation has three steps, after each of which all processes are reloaded (SIGHUP)
or restarted: a new key is read, becomes the primary, and the old one goes. otpctl sees by the ring which is next.
Without --write no file is changed.

	otpctl keys rotate
	otpctl keys rotate --write --secret-file /etc/otpipe/k2.secret`
}

// Run shows the ring, and what is to be done next.
func (k keysRotate) Run(s *screen) error {
	c, err := k.load()
	if err != nil {
		return err
	}
	r := rotation{Step: stepOf(c.Keys), KeepOld: app.Short(keepOld(c)), Primary: c.Keys.Primary, file: k.Path, format: k.Format}
	for _, key := range c.Keys.Ring {
		r.Ring = append(r.Ring, key.ID)
	}
	if k.Add {
		r.Step = stepAdd
	}
	if r.Step != stepAdd {
		return s.show(r)
	}
	if r.New, err = k.make(r.Ring); err != nil {
		return err
	}
	if k.Write {
		if err := addToFile(k.Path, c.Keys, *r.New); err != nil {
			return errors.Join(err, r.New.forget())
		}
		r.Written = true
	}
	return s.show(r)
}

// make draws the new key, and puts its secret where it is wanted.
func (k keysRotate) make(ring []string) (*newKey, error) {
	made := newKey{ID: cmp.Or(k.ID, nextID(ring)), Secret: randomKey()}
	if err := checkID(made.ID); err != nil {
		return nil, err
	}
	if slices.Contains(ring, made.ID) {
		return nil, ending{app.ExitUsage, fmt.Errorf("--id: the ring has a key named %s already", made.ID)}
	}
	if k.SecretFile == "" {
		return &made, nil
	}
	if err := writeSecret(k.SecretFile, made.Secret); err != nil {
		return nil, err
	}
	made.Secret, made.SecretFile = "", k.SecretFile
	return &made, nil
}

// The steps of a rotation.
const (
	stepAdd     = "add"     // a new key, for reading
	stepPromote = "promote" // make it the primary
	stepDrop    = "drop"    // remove the old one
)

func stepOf(k config.Keys) string {
	primary := slices.IndexFunc(k.Ring, func(key config.Key) bool { return key.ID == k.Primary })
	switch {
	case primary < len(k.Ring)-1:
		return stepPromote
	case primary > 0:
		return stepDrop
	default:
		return stepAdd
	}
}

var numbered = regexp.MustCompile(`^(.*?)([0-9]{1,4})$`)

// nextID counts on from the last key's name.
func nextID(ring []string) string {
	last := ring[len(ring)-1]
	m := numbered.FindStringSubmatch(last)
	if m == nil {
		m = []string{"", "k", strconv.Itoa(len(ring))}
	}
	for n, _ := strconv.Atoi(m[2]); ; n++ {
		if id := m[1] + strconv.Itoa(n+1); !slices.Contains(ring, id) {
			return id
		}
	}
}

// keepOld is how long the old key is read after the new one has become the
// primary: until nothing that a policy counts on was made with it, and every
// verification can still be found by its recipient.
func keepOld(c config.Config) time.Duration {
	longest := max(24*time.Hour, time.Duration(c.Store.Retention))
	for _, p := range c.Policies() {
		longest = max(longest, p.StrikeLife, p.FailWindow, p.SessionLife, slices.Max(p.Locks))
	}
	return longest
}

// newKey is a key that was made just now.
type newKey struct {
	ID         string `json:"id"`
	Secret     string `json:"secret,omitempty"`
	SecretFile string `json:"secret_file,omitempty"`
}

// forget removes the file of a secret that nothing names.
func (k newKey) forget() error {
	if k.SecretFile == "" {
		return nil
	}
	if err := os.Remove(k.SecretFile); err != nil {
		return fmt.Errorf("remove the new secret: %w", err)
	}
	return nil
}

// entry is the key as the configuration has it.
func (k newKey) entry() ringEntry {
	if k.SecretFile != "" {
		return ringEntry{k.ID, "file:" + k.SecretFile}
	}
	return ringEntry{k.ID, k.Secret}
}

// rotation is where the ring stands, and what is next.
type rotation struct {
	Ring    []string `json:"ring"`
	Primary string   `json:"primary"`
	Step    string   `json:"step"`
	New     *newKey  `json:"new,omitempty"`
	Written bool     `json:"written"`
	KeepOld string   `json:"keep_old"`
	file    string
	format  string
}

func (r rotation) text(p *paper) {
	rows := [][]cell{}
	for i, id := range r.Ring {
		switch use := slices.Index(r.Ring, r.Primary); {
		case i == use:
			rows = append(rows, row(id, "primary: new values are made with it"))
		case i < use:
			rows = append(rows, row(id, "older: for reading only"))
		default:
			rows = append(rows, row(id, "newer: for reading only, so far"))
		}
	}
	p.table([]string{"KEY", "USE"}, rows)
	p.line("")
	switch r.Step {
	case stepAdd:
		r.add(p)
	case stepPromote:
		r.promote(p, r.Ring[len(r.Ring)-1])
	default:
		r.drop(p)
	}
}

func (r rotation) add(p *paper) {
	p.line("%s\n", p.tinted("Step 1 of 3: every process learns to read a new key", bold))
	if r.Written {
		p.line("%s now has the key %s, for reading. Give every api and worker this file and", r.file, r.New.ID)
		p.line("have them read it, by SIGHUP or a restart: nothing is made with the key yet.\n")
	} else {
		p.line("Add this to the configuration of every api and worker, behind the ring's other keys, and")
		p.line("have them read it, by SIGHUP or a restart: nothing is made with the key yet.\n")
		if r.format == "env" {
			p.write(r.New.entry().variables(len(r.Ring)) + "\n")
		} else {
			p.write(r.New.entry().toml() + "\n")
		}
	}
	p.line("When the last of them runs with it, and not before: otpctl keys rotate says step 2.")
}

func (r rotation) promote(p *paper, id string) {
	p.line("%s\n", p.tinted("Step 2 of 3: the new key becomes the primary", bold))
	p.line("If every api and worker runs with %s in its ring, and only then (one that", id)
	p.line("does not know it cannot read what the others make), set")
	p.line("\n[keys]\nprimary = %q\n", id)
	p.line("and have them read that. Write down when the last one has: step 3 counts from it.")
}

func (r rotation) drop(p *paper) {
	old := r.Ring[:slices.Index(r.Ring, r.Primary)]
	p.line("%s\n", p.tinted("Step 3 of 3: the old key goes", bold))
	p.line("%s after the last process took %s as its primary, remove %s from the ring", r.KeepOld, r.Primary, tomlList(old))
	p.line("and have them read it once more. Locks, quotas, sessions and time lines that were made with it, and")
	p.line("not used since, are not found any more then; after that time the policies count on none of")
	p.line("them. An address that bounced for good may be tried once again. The anchor stays for ever.")
}
