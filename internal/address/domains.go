package address

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"golang.org/x/net/idna"
)

// Domains are names of mail domains; those below one are meant too.
type Domains map[string]bool

// ReadDomains reads a name a line. Blank lines and what stands behind # is nothing.
// Its error names the line and does not quote it.
func ReadDomains(r io.Reader) (Domains, error) {
	all := Domains{}
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		name, _, _ := strings.Cut(lines.Text(), "#")
		if name = strings.ToLower(strings.TrimSpace(name)); name == "" {
			continue
		}
		ascii, err := idna.Lookup.ToASCII(name)
		if err != nil || !hostName.MatchString(ascii) {
			return nil, fmt.Errorf("line %d is not the name of a domain", n)
		}
		all[ascii] = true
	}
	return all, lines.Err()
}

// Has tells whether a canonical mailbox is in one of the domains.
func (d Domains) Has(mailbox string) bool {
	_, name, _ := strings.Cut(mailbox, "@")
	for more := len(d) > 0; more; _, name, more = strings.Cut(name, ".") {
		if d[name] {
			return true
		}
	}
	return false
}
