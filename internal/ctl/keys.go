package ctl

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"

	"github.com/otpipe/otpipe/internal/app"
	"github.com/otpipe/otpipe/internal/otp"
)

// randomKey draws a secret as the configuration takes it.
func randomKey() string {
	var b [otp.KeySize]byte
	_, _ = rand.Read(b[:]) // it never fails; see its documentation
	return base64.StdEncoding.EncodeToString(b[:])
}

// checkID holds a key's id to its form.
func checkID(id string) error {
	_, err := otp.NewKey(id, make([]byte, otp.KeySize))
	if err != nil {
		return ending{app.ExitUsage, fmt.Errorf("--id: %w", err)}
	}
	return nil
}

// keysNew makes the first key of a ring.
type keysNew struct {
	ID     string `name:"id" default:"k1" help:"The key's name, 1 to 16 lower-case letters and digits; it is stored beside all that the key protects."`
	Format string `enum:"toml,env" default:"toml" help:"toml: for the file. env: variables that set the same. (${enum})"`
}

// Help says what to do with them.
func (keysNew) Help() string {
	return `Nothing is kept: put what is printed where api and worker read it, and nowhere else.

	(umask 077; otpctl keys new --format env > keys.env)`
}

// Run makes the key and the anchor.
func (k keysNew) Run(s *screen) error {
	if err := checkID(k.ID); err != nil {
		return err
	}
	return s.show(newRing{ID: k.ID, Secret: randomKey(), Anchor: randomKey(), format: k.Format})
}

// newRing is a ring of one key, and the anchor.
type newRing struct {
	ID     string `json:"id"`
	Secret string `json:"secret"`
	Anchor string `json:"anchor"`
	format string
}

func (r newRing) text(p *paper) {
	p.line("# Made just now, and kept nowhere. Whoever has these can read every code that waits in")
	p.line("# Redis: keep them where backups of Redis are not. The anchor stays for ever.")
	if r.format == "env" {
		p.line("OTPIPE_KEYS_PRIMARY=%s", r.ID)
		p.line("OTPIPE_KEYS_ANCHOR=%s", r.Anchor)
		p.write(ringEntry{r.ID, r.Secret}.variables(0))
		return
	}
	p.line("[keys]\nprimary = %q\nanchor = %q\n", r.ID, r.Anchor)
	p.write(ringEntry{r.ID, r.Secret}.toml())
}

// ringEntry is a key as the configuration has it.
type ringEntry struct{ id, secret string }

func (e ringEntry) toml() string {
	return fmt.Sprintf("[[keys.ring]]\nid = %q\nsecret = %q\n", e.id, e.secret)
}

// variables set entry n of the ring.
func (e ringEntry) variables(n int) string {
	return fmt.Sprintf("OTPIPE_KEYS_RING_%d_ID=%s\nOTPIPE_KEYS_RING_%d_SECRET=%s\n", n, e.id, n, e.secret)
}
