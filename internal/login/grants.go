package login

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/otpipe/otpipe/internal/otp"
)

// Grants say what an identity provider's claims mean.
type Grants struct {
	Claim           string              // that says what a person is; a path of names with dots between
	Roles           map[string]otp.Role // what its values mean
	NamespacesClaim string              // that says where a person works; "": everybody works everywhere
	Namespaces      []otp.Namespace     // that there are
}

// everywhere is the value of a person who works in all namespaces.
const everywhere = "*"

// String is all of it, the same for the same grants.
func (g Grants) String() string { return fmt.Sprintf("%q %q %q", g.Claim, g.Roles, g.NamespacesClaim) }

// told tells whether the claims are there at all.
func (g Grants) told(said claims) bool {
	return len(said.texts(g.Claim)) > 0 && (g.NamespacesClaim == "" || len(said.texts(g.NamespacesClaim)) > 0)
}

// staff reads who somebody is. Its error, with the name, is otp.ErrNoRole.
func (g Grants) staff(said claims) (otp.Staff, error) {
	who := otp.Staff{Name: said.name()}
	for _, value := range said.texts(g.Claim) {
		if role := g.Roles[value]; role.Includes(cmp.Or(who.Role, otp.Viewer)) {
			who.Role = role
		}
	}
	if who.Role == "" {
		return who, fmt.Errorf("read the claim %s: %w", g.Claim, otp.ErrNoRole)
	}
	if g.NamespacesClaim == "" {
		return who, nil
	}
	named := said.texts(g.NamespacesClaim)
	if slices.Contains(named, everywhere) {
		return who, nil
	}
	for _, ns := range g.Namespaces {
		if slices.Contains(named, string(ns)) {
			who.Namespaces = append(who.Namespaces, ns)
		}
	}
	if len(who.Namespaces) == 0 { // which would mean all
		return otp.Staff{Name: who.Name}, fmt.Errorf("read the claim %s: %w", g.NamespacesClaim, otp.ErrNoRole)
	}
	return who, nil
}

// claims are what a token says of a person.
type claims map[string]any

func (c claims) text(name string) string {
	s, _ := c[name].(string)
	return s
}

// texts are the values of a claim, one or a list. A name with dots in it, such
// as a URL, goes before a path.
func (c claims) texts(path string) (all []string) {
	switch value := c.find(path).(type) {
	case string:
		return []string{value}
	case []any:
		for _, one := range value {
			if s, ok := one.(string); ok {
				all = append(all, s)
			}
		}
	}
	return all
}

func (c claims) find(path string) any {
	if value, there := c[path]; there {
		return value
	}
	first, rest, deeper := strings.Cut(path, ".")
	inside, ok := c[first].(map[string]any)
	if !deeper || !ok {
		return nil
	}
	return claims(inside).find(rest)
}

const maxName = 100 // bytes

// name is what the log and the journal call a person: the address, unless it is
// said to be nobody's, or the name, or the id that they have at the provider.
func (c claims) name() string {
	email := c.text("email")
	if c["email_verified"] == false || c["email_verified"] == "false" { // Cognito writes it as a text
		email = ""
	}
	return oneWord(cmp.Or(email, c.text("preferred_username"), c.text("sub")))
}

// oneWord makes of a name what stands in a line of a log.
func oneWord(name string) string {
	word := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || !unicode.IsPrint(r) {
			return '_'
		}
		return r
	}, name)
	for i := range word {
		if i > maxName {
			return word[:i]
		}
	}
	return word
}
