package address_test

import (
	"strings"
	"testing"

	"github.com/otpipe/otpipe/internal/otp"
)

var mailboxes = []accepted{
	{"plain", "alice@example.com", "alice@example.com", "alice@example.com", "a•••@e•••.com"},
	{"the case of the name is kept, that of the domain is not", "Alice@EXAMPLE.com", "Alice@example.com", "alice@example.com", "A•••@e•••.com"},
	{"a tag", "alice+shop@example.com", "alice+shop@example.com", "alice@example.com", "a•••@e•••.com"},
	{"two tags", "alice+a+b@example.com", "alice+a+b@example.com", "alice@example.com", "a•••@e•••.com"},
	{"a name that starts with plus is no tag", "+alice@example.com", "+alice@example.com", "+alice@example.com", "+•••@e•••.com"},
	{"dots count elsewhere", "a.l.ice@example.com", "a.l.ice@example.com", "a.l.ice@example.com", "a•••@e•••.com"},
	{"dots do not count at Gmail", "A.l.ice+x@Gmail.com", "A.l.ice+x@gmail.com", "alice@gmail.com", "A•••@g•••.com"},
	{"Google Mail is Gmail", "al.ice@googlemail.com", "al.ice@googlemail.com", "alice@gmail.com", "a•••@g•••.com"},
	{"an umlaut in the domain", "a@bücher.example", "a@xn--bcher-kva.example", "a@xn--bcher-kva.example", "a•••@x•••.example"},
	{"the same in capitals", "a@BÜCHER.example", "a@xn--bcher-kva.example", "a@xn--bcher-kva.example", "a•••@x•••.example"},
	{"the same in its ASCII form", "a@XN--BCHER-KVA.example", "a@xn--bcher-kva.example", "a@xn--bcher-kva.example", "a•••@x•••.example"},
	{"the same with a combining mark", "a@bu\u0308cher.example", "a@xn--bcher-kva.example", "a@xn--bcher-kva.example", "a•••@x•••.example"},
	{"full-width letters", "a@ｅｘａｍｐｌｅ。com", "a@example.com", "a@example.com", "a•••@e•••.com"},
	{"a joiner that the script needs", "a@ශ්\u200dරී.com", "a@xn--10cl1a0b660p.com", "a@xn--10cl1a0b660p.com", "a•••@x•••.com"},
	{"a Cyrillic look-alike is another domain", "a@аpple.com", "a@xn--pple-43d.com", "a@xn--pple-43d.com", "a•••@x•••.com"},
	{"many labels", "a@mail.eu.example.co.uk", "a@mail.eu.example.co.uk", "a@mail.eu.example.co.uk", "a•••@m•••.uk"},
	{"every sign there is", "!#$%&'*/=?^_`{|}~-@example.com", "!#$%&'*/=?^_`{|}~-@example.com", "!#$%&'*/=?^_`{|}~-@example.com", "!•••@e•••.com"},
	{"the longest name", strings.Repeat("a", 64) + "@example.com", strings.Repeat("a", 64) + "@example.com", strings.Repeat("a", 64) + "@example.com", "a•••@e•••.com"},
}

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

var mailboxRefusals = []refusal{
	{"nothing", "", mailboxForm},
	{"no @", "example.com", mailboxForm},
	{"two @", "a@b@example.com", mailboxForm},
	{"no name", "@example.com", mailboxForm},
	{"no domain", "alice@", mailboxForm},
	{"not UTF-8", "a@b\xff.com", mailboxForm},
	{"a number", "+4915123456789", mailboxForm},
	{"a header injected", "a@example.com\r\nBcc: b@example.com", mailboxBlank},
	{"a bare line feed", "a@example.com\n", mailboxBlank},
	{"a carriage return in the name", "a\rb@example.com", mailboxBlank},
	{"a NUL", "a@example.com\x00.evil.example", mailboxBlank},
	{"a tab", "a\t@example.com", mailboxBlank},
	{"a space before", " a@example.com", mailboxBlank},
	{"a no-break space", "a\u00a0@example.com", mailboxBlank},
	{"a line separator", "a@example.com\u2028", mailboxBlank},
	{"text turned right to left", "a@\u202emoc.elpmaxe", mailboxBlank},
	{"a zero-width space", "a@exam\u200bple.com", mailboxBlank},
	{"a soft hyphen", "a@exam\u00adple.com", mailboxBlank},
	{"a display name", "Alice <alice@example.com>", mailboxName},
	{"angle brackets", "<alice@example.com>", mailboxName},
	{"a list", "a@example.com,b@example.com", mailboxName},
	{"a quoted name", `"alice"@example.com`, localQuoted},
	{"a quoted @", `"a@b"@example.com`, localQuoted},
	{"a quote inside", `al"ice@example.com`, localForeign},
	{"a comment", "alice(work)@example.com", localForeign},
	{"a backslash", `a\b@example.com`, localForeign},
	{"an umlaut in the name", "jürgen@example.com", localForeign},
	{"a full-width @", "alice＠example.com@example.com", localForeign},
	{"a dot first", ".alice@example.com", localDots},
	{"a dot last", "alice.@example.com", localDots},
	{"two dots", "al..ice@example.com", localDots},
	{"a name of 65", strings.Repeat("a", 65) + "@example.com", mailboxLong},
	{"255 in all", "a@" + strings.Repeat("a.", 125) + "com", mailboxLong},
	{"too long once in ASCII", "a@" + strings.Repeat("ü.", 70) + "example.com", mailboxLong},
	{"far too long", strings.Repeat("a", 100_000), mailboxLong},
	{"an address literal", "a@[127.0.0.1]", domainLiteral},
	{"an address literal of IPv6", "a@[IPv6:::1]", domainLiteral},
	{"an IP address", "a@127.0.0.1", domainForm},
	{"no dot", "a@localhost", domainTopLevel},
	{"an empty label", "a@example..com", domainForm},
	{"a dot before the domain", "a@.example.com", domainForm},
	{"a dot after the domain", "a@example.com.", domainForm},
	{"an underscore", "a@ex_ample.com", domainForm},
	{"a hyphen first", "a@-example.com", domainForm},
	{"a hyphen last", "a@example-.com", domainForm},
	{"a label of 64", "a@" + strings.Repeat("a", 64) + ".com", domainForm},
	{"a port", "a@example.com:25", domainForm},
	{"ASCII that decodes to nothing sensible", "a@xn--a.com", domainForm},
	{"a full-width @ in the domain", "a@b＠example.com", domainForm},
	{"a joiner where no script needs it", "a@exam\u200dple.com", domainForm},
	{"a number with a dot in one character", "a@⒈com.de", domainForm},
}

func TestAMailboxHasOneAddressAndOneLimitForm(t *testing.T) {
	for _, row := range mailboxes {
		t.Run(row.name, func(t *testing.T) {
			want := otp.NewRecipient(otp.Email, row.address, row.limit, row.masked)
			if got := parse(t, otp.Email, row.in); !got.Equal(want) {
				t.Errorf("got %q, mask %s; the limit form may differ too", got.Reveal(), got.Masked())
			}
		})
	}
}

func TestAMailboxThatCannotGetACodeIsRefusedWithTheReason(t *testing.T) {
	checkRefusals(t, otp.Email, mailboxRefusals)
}
