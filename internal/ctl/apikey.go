package ctl

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/otpipe/otpipe/internal/app"
	"github.com/otpipe/otpipe/internal/config"
	"github.com/otpipe/otpipe/internal/otp"
)

// apikeyNew makes an API key. With a configuration it is held to it.
type apikeyNew struct {
	settings
	Name       string   `required:"" placeholder:"NAME" help:"The caller's name: lower-case letters, digits and dashes. It stands in logs and in the journal."`
	Scopes     []string `required:"" placeholder:"SCOPE" enum:"${scopes}" help:"What it may do, with commas: ${enum}."`
	Namespaces []string `placeholder:"NAME" help:"Where it may do it, with commas; without it in all namespaces."`
}

// Help says what to do with the key.
func (apikeyNew) Help() string {
	return `The key itself is for the product, and is kept nowhere; the configuration has its hash.

	otpctl apikey new --name shop --scopes send,check --namespaces phone-auth
	otpctl apikey new --name staff --scopes send,read,operate     # for otpctl itself`
}

// Run makes the key.
func (k apikeyNew) Run(s *screen) error {
	if err := k.check(); err != nil {
		return err
	}
	var b [32]byte
	_, _ = rand.Read(b[:])
	key := "otk_" + hex.EncodeToString(b[:])
	hash := sha256.Sum256([]byte(key))
	return s.show(newAPIKey{
		Key: key, Name: k.Name, KeySHA256: hex.EncodeToString(hash[:]), Scopes: k.Scopes, Namespaces: listed(k.Namespaces),
	})
}

// check says what the configuration would say later.
func (k apikeyNew) check() error {
	taken, known := []string{}, map[otp.Namespace]otp.Policy{}
	if k.Path != "" {
		c, err := k.load()
		if err != nil {
			return err
		}
		for _, caller := range c.Callers {
			taken = append(taken, caller.Name)
		}
		known = c.Policies()
	}
	return errors.Join(checkName(k.Name, taken), checkNamespaces(k.Namespaces, known))
}

// checkName holds a name to its form, and to those that are taken.
func checkName(name string, taken []string) error {
	switch {
	case !config.ValidName(name):
		return ending{app.ExitUsage, errors.New("--name: want up to 32 lower-case letters, digits and dashes, a letter first")}
	case slices.Contains(taken, name):
		return ending{app.ExitUsage, fmt.Errorf("--name: the configuration has a %s already", name)}
	}
	return nil
}

// checkNamespaces holds names to those that are known; without any to their form.
func checkNamespaces(names []string, known map[otp.Namespace]otp.Policy) error {
	for _, name := range names {
		ns := otp.Namespace(name)
		if _, ok := known[ns]; !ns.Valid() || len(known) > 0 && !ok {
			return ending{app.ExitUsage, fmt.Errorf("--namespaces: %q is no namespace", name)}
		}
	}
	return nil
}

// newAPIKey is a key and who may use it.
type newAPIKey struct {
	Key        string   `json:"key"`
	Name       string   `json:"name"`
	KeySHA256  string   `json:"key_sha256"`
	Scopes     []string `json:"scopes"`
	Namespaces []string `json:"namespaces"`
}

func (k newAPIKey) text(p *paper) {
	p.line("The key, which is shown once and kept nowhere; %s sends it as Authorization: Bearer …", k.Name)
	p.line("\n  %s\n", p.tinted(k.Key, bold))
	p.line("What the api and the worker are to know of it, in the configuration:\n")
	p.line("[[callers]]\nname = %q\nkey_sha256 = %q", k.Name, k.KeySHA256)
	p.line("scopes = %s", tomlList(k.Scopes))
	if len(k.Namespaces) > 0 {
		p.line("namespaces = %s", tomlList(k.Namespaces))
	}
}

// tomlList writes names that need no escapes.
func tomlList(names []string) string {
	text := "["
	for i, n := range names {
		if i > 0 {
			text += ", "
		}
		text += fmt.Sprintf("%q", n)
	}
	return text + "]"
}
