package address_test

import (
	"strings"
	"testing"

	"github.com/otpipe/otpipe/internal/address"
)

func TestADomainMeansThoseBelowItToo(t *testing.T) {
	t.Parallel()
	d, err := address.ReadDomains(strings.NewReader("# throw-away\n\nGone.Example # an hour\nbücher.example\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	for mailbox, want := range map[string]bool{
		"a@gone.example": true, "a@x.y.gone.example": true, "a@xn--bcher-kva.example": true,
		"a@agone.example": false, "a@gone.example.com": false, "a@example": false, "gone.example@example.com": false, "": false,
	} {
		if got := d.Has(mailbox); got != want {
			t.Errorf("%s: %t", mailbox, got)
		}
	}
	if (address.Domains{}).Has("a@gone.example") || address.Domains(nil).Has("a@gone.example") {
		t.Error("an empty list has it")
	}
}

func TestALineThatIsNoDomainIsNamedAndNotQuoted(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"a@gone.example", "http://gone.example", "gone example", "gone", "*.gone.example", "\xff.example"} {
		_, err := address.ReadDomains(strings.NewReader("fine.example\n" + bad + "\n"))
		if err == nil || err.Error() != "line 2 is not the name of a domain" {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
