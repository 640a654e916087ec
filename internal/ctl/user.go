package ctl

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/otpipe/otpipe/internal/app"
	"github.com/otpipe/otpipe/internal/config"
	"github.com/otpipe/otpipe/internal/login"
	"github.com/otpipe/otpipe/internal/otp"
)

// userNew makes the entry of a person who signs in to the support pages. With a
// configuration it is held to it.
type userNew struct {
	settings
	Name       string   `required:"" placeholder:"NAME" help:"What the person signs in as: lower-case letters, digits and . _ @ + -. It stands in logs and in the journal."`
	Role       string   `required:"" placeholder:"ROLE" enum:"${roles}" help:"viewer looks up, operator also acts, admin also sees addresses in full. (${enum})"`
	Namespaces []string `placeholder:"NAME" help:"Where, with commas; without it in all namespaces."`
	Generate   bool     `help:"Draw a password and show it once, in place of asking for one."`
}

// Help says where the password is from.
func (userNew) Help() string {
	return `The password is asked for twice and not shown, or is the first line of standard input.

	otpctl user new --name ada --role operator
	otpctl user new --name ada --role viewer --generate`
}

// Run makes the entry.
func (u userNew) Run(ctx context.Context, s *screen) error {
	if err := u.check(); err != nil {
		return err
	}
	made := newUser{Name: u.Name, Role: u.Role, Namespaces: listed(u.Namespaces)}
	password := rand.Text() // 130 bits
	if u.Generate {
		made.Password = password
	} else {
		var err error
		if password, err = s.newPassword(ctx); err != nil {
			return err
		}
	}
	var err error
	if made.PasswordHash, err = login.HashPassword(password); err != nil {
		return ending{app.ExitUsage, err} // its words are about the password, and do not quote it
	}
	return s.show(made)
}

// check says what the configuration would say later.
func (u userNew) check() error {
	if !config.ValidUser(u.Name) {
		return ending{app.ExitUsage, errors.New("--name: want up to 64 lower-case letters, digits and . _ @ + -")}
	}
	if u.Path == "" {
		return checkNamespaces(u.Namespaces, nil)
	}
	c, err := u.load()
	if err != nil {
		return err
	}
	for _, other := range c.Support.Users {
		if other.Name == u.Name {
			return ending{app.ExitUsage, fmt.Errorf("--name: the configuration has a %s already", u.Name)}
		}
	}
	return checkNamespaces(u.Namespaces, c.Policies())
}

// newUser is a person, and a hash of their password.
type newUser struct {
	Name         string   `json:"name"`
	Role         string   `json:"role"`
	Namespaces   []string `json:"namespaces"`
	Password     string   `json:"password,omitempty"` // if it was drawn
	PasswordHash string   `json:"password_hash"`
}

func (u newUser) text(p *paper) {
	if u.Password != "" {
		p.line("The password, which is shown once and kept nowhere:\n\n  %s\n", p.tinted(u.Password, bold))
	}
	p.line("What the api is to know of %s, in the configuration:\n", u.Name)
	p.line("[[support.users]]\nname = %q\npassword_hash = %q\nrole = %q", u.Name, u.PasswordHash, u.Role)
	if len(u.Namespaces) > 0 {
		p.line("namespaces = %s", tomlList(u.Namespaces))
	}
}

// roleNames are those of all roles.
func roleNames() (all []string) {
	for _, r := range otp.Roles {
		all = append(all, string(r))
	}
	return all
}
