package address

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"github.com/otpipe/otpipe/internal/otp"
)

// The limits of RFC 5321, in bytes.
const (
	maxMailbox   = 254
	maxLocalPart = 64
)

const (
	mailboxForm    = "not an e-mail address; it needs a name, one @ and a domain"
	mailboxBlank   = "an e-mail address has no spaces, line breaks or invisible characters; remove them"
	mailboxName    = "give the e-mail address alone, without a name or angle brackets"
	mailboxLong    = "the e-mail address is too long; mail servers take 64 characters before the @ and 254 in all"
	localQuoted    = "quoted names before the @ are not supported; use another address"
	localDots      = "a dot must not be first, last or doubled before the @; check the address"
	localForeign   = "only letters without accents, digits and a few signs are supported before the @; use another address"
	domainLiteral  = "an IP address is not accepted after the @; use a domain name"
	domainTopLevel = "the domain after the @ has no dot; write it in full"
	domainForm     = "the part after the @ is not a domain name; check the address"
)

var (
	// localPart is a dot-string of RFC 5321. RFC 6531 would allow other scripts,
	// but only where every mail server on the way announces SMTPUTF8; a code that
	// may bounce halfway is worse than a clear refusal.
	localPart = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+$")

	// hostName is a domain of two labels or more whose last one is no number, so
	// that 127.0.0.1 is none. idna leaves the lengths of labels to us.
	hostName = regexp.MustCompile(`^([a-z0-9-]{1,63}\.)+[a-z0-9-]{0,62}[a-z][a-z0-9-]{0,62}$`)
)

func parseMailbox(s string) (otp.Recipient, error) {
	if why := mailboxFault(s); why != "" {
		return refuse(why)
	}
	local, domain, _ := strings.Cut(s, "@")
	if why := localFault(local); why != "" {
		return refuse(why)
	}
	ascii, why := canonicalDomain(domain)
	if why != "" {
		return refuse(why)
	}
	address := local + "@" + ascii
	if len(address) > maxMailbox {
		return refuse(mailboxLong)
	}
	return otp.NewRecipient(otp.Email, address, limitForm(local, ascii), maskMailbox(local, ascii)), nil
}

// mailboxFault says what is wrong with s as a whole; "" if nothing is.
func mailboxFault(s string) string {
	switch {
	case len(s) > maxMailbox:
		return mailboxLong
	case strings.ContainsAny(s, "<>,;"):
		return mailboxName
	case !utf8.ValidString(s):
		return mailboxForm
	case strings.HasPrefix(s, `"`):
		return localQuoted
	case strings.ContainsFunc(s, blank):
		return mailboxBlank
	case strings.Count(s, "@") != 1:
		return mailboxForm
	}
	return ""
}

// blank finds what ends a line, splits a header or is not seen. The two joiners
// pass: some scripts need them, and idna knows where.
func blank(r rune) bool {
	const zeroWidthNonJoiner, zeroWidthJoiner = '\u200c', '\u200d'
	return r == ' ' || !unicode.IsPrint(r) && r != zeroWidthNonJoiner && r != zeroWidthJoiner
}

func localFault(local string) string {
	switch {
	case local == "":
		return mailboxForm
	case len(local) > maxLocalPart:
		return mailboxLong
	case !localPart.MatchString(local):
		return localForeign
	case local[0] == '.' || strings.HasSuffix(local, ".") || strings.Contains(local, ".."):
		return localDots
	}
	return ""
}

// canonicalDomain is the domain as DNS has it: lower case, ASCII, complete.
func canonicalDomain(domain string) (ascii, why string) {
	if strings.HasPrefix(domain, "[") {
		return "", domainLiteral
	}
	ascii, err := idna.Lookup.ToASCII(domain)
	switch {
	case domain == "":
		return "", mailboxForm
	case err != nil:
		return "", domainForm
	case !strings.Contains(ascii, "."):
		return "", domainTopLevel
	case !hostName.MatchString(ascii):
		return "", domainForm
	}
	return ascii, ""
}

// dotless are the domains whose mailboxes ignore dots in the name, each with the
// one domain that they are counted under.
var dotless = map[string]string{"gmail.com": "gmail.com", "googlemail.com": "gmail.com"}

// limitForm is one for all the addresses that one person can make up out of a
// mailbox without asking anybody. Servers that tell Bob from bob or have no tags
// exist; their users share an allowance, and nothing worse.
func limitForm(local, domain string) string {
	local = strings.ToLower(local)
	if tag := strings.IndexByte(local, '+'); tag > 0 {
		local = local[:tag]
	}
	if home, ok := dotless[domain]; ok {
		local, domain = strings.ReplaceAll(local, ".", ""), home
	}
	return local + "@" + domain
}

// maskMailbox hides lengths too; they would tell short names apart.
func maskMailbox(local, domain string) string {
	const hidden = "•••"
	top := domain[strings.LastIndexByte(domain, '.'):]
	return local[:1] + hidden + "@" + domain[:1] + hidden + top
}
