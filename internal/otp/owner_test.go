package otp_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/otpipe/otpipe/internal/otp"
)

func TestSpellingsOfOneMailboxShareTheirLimitsAndPartitionButNotTheirIdentity(t *testing.T) {
	t.Parallel()
	k := keysOf(t, "k1")
	const limit = "adalovelace@example.com"
	first := k.Owner(otp.VerifyEmail, email(limit, limit), "", 256)
	for _, spelling := range []string{"Ada.Lovelace@example.com", "adalovelace+shop@example.com", "ADALOVELACE@example.com"} {
		o := k.Owner(otp.VerifyEmail, email(spelling, limit), "", 256)
		if o.Partition != first.Partition || !slices.Equal(o.Limit, first.Limit) {
			t.Errorf("%s is limited on its own", spelling)
		}
		if o.Identity[0] == first.Identity[0] || o.Anchor == first.Anchor {
			t.Errorf("%s is taken for the same recipient", spelling)
		}
	}
}

func TestIdentityAndLimitOfOneAddressDiffer(t *testing.T) {
	t.Parallel()
	k := keysOf(t, "k1")
	o := k.Owner(otp.PhoneAuth, phone(number), number, 16)
	names := []string{string(o.Identity[0]), string(o.Limit[0]), string(o.Anchor), string(o.Binding)}
	for i, a := range names {
		if len(a) != 22 {
			t.Errorf("%q is not 128 bits in base64url", a)
		}
		if slices.Contains(names[i+1:], a) {
			t.Errorf("two names of %s are the same", a)
		}
	}
}

func TestAnAddressIsAnotherRecipientOnAnotherChannel(t *testing.T) {
	t.Parallel()
	k := keysOf(t, "k1")
	a := k.Owner(otp.PhoneAuth, otp.NewRecipient(otp.SMS, "x", "x", ""), "", 256)
	b := k.Owner(otp.PhoneAuth, otp.NewRecipient(otp.Email, "x", "x", ""), "", 256)
	if a.Identity[0] == b.Identity[0] || a.Limit[0] == b.Limit[0] || a.Anchor == b.Anchor {
		t.Fatalf("%+v and %+v", a, b)
	}
}

func TestAnOwnerHasTheSameNamesInEveryNamespace(t *testing.T) {
	t.Parallel()
	k := keysOf(t, "k1")
	a, b := k.Owner(otp.PhoneAuth, phone(number), "", 16), k.Owner(otp.AddPhone, phone(number), "", 16)
	if a.Namespace != otp.PhoneAuth {
		t.Errorf("namespace %s", a.Namespace)
	}
	a.Namespace = b.Namespace // the key names carry it
	if d := cmp.Diff(a, b); d != "" {
		t.Fatal(d)
	}
}

func TestFingerprintsAreListedUnderEveryLiveKeyThePrimaryFirst(t *testing.T) {
	t.Parallel()
	all := keysOf(t, "k2", "k1", "k3").Owner(otp.PhoneAuth, phone(number), "b", 16)
	var want otp.Owner
	for _, id := range []string{"k2", "k1", "k3"} {
		o := keysOf(t, id).Owner(otp.PhoneAuth, phone(number), "b", 16)
		identity, limit := append(want.Identity, o.Identity...), append(want.Limit, o.Limit...)
		want = o // what does not depend on the ring is the same in all
		want.Identity, want.Limit = identity, limit
	}
	if d := cmp.Diff(want, all); d != "" {
		t.Fatal(d)
	}
}

func TestABindingHasANameOfItsOwnAndNoBindingHasNone(t *testing.T) {
	t.Parallel()
	k := keysOf(t, "k1")
	none, one, other := k.BindingOf(""), k.BindingOf("browser-1"), k.BindingOf("browser-2")
	if none != "" || one == "" || one == other || one != k.BindingOf("browser-1") {
		t.Fatalf("%q, %q, %q", none, one, other)
	}
	if got := k.Owner(otp.PhoneAuth, phone(number), "browser-1", 16).Binding; got != one {
		t.Fatalf("the owner's is %q", got)
	}
	if keysOf(t, "k2").BindingOf("browser-1") != one {
		t.Fatal("a binding does not outlive a change of the ring")
	}
}

func TestPartitionsAreInRangeUsedAndStable(t *testing.T) {
	t.Parallel()
	k, rotated := keysOf(t, "k1"), keysOf(t, "k2", "k1")
	for n := 1; n <= otp.MaxPartitions; n *= 2 {
		used := map[otp.Partition]bool{}
		for i := range 12 * n {
			to := phone(fmt.Sprintf("+49151%08d", i))
			p := k.Owner(otp.PhoneAuth, to, "", n).Partition
			if int(p) >= n {
				t.Fatalf("%d partitions, and %s", n, p)
			}
			if p != rotated.Owner(otp.AddPhone, to, "b", n).Partition {
				t.Fatal("the partition changed with the ring, the namespace or the binding")
			}
			used[p] = true
		}
		if len(used) < n*9/10 {
			t.Errorf("of %d partitions %d are used", n, len(used))
		}
	}
}

func TestAPartitionIsTwoHexDigits(t *testing.T) {
	t.Parallel()
	for p, want := range map[otp.Partition]string{0: "00", 9: "09", 15: "0f", 16: "10", 255: "ff"} {
		if p.String() != want {
			t.Errorf("%d is %s", p, p)
		}
	}
}

// What lies in a store must be found by the next version too: these values are
// a promise. Whoever has to change them changes every stored key name.
func TestTheNamesThatAreStoredDoNotChangeWithTheVersion(t *testing.T) {
	t.Parallel()
	k := keysOf(t, "k1")
	o := k.Owner(otp.VerifyEmail, email(mailbox, "adalovelace@example.com"), "browser", 256)
	code := codeOf(t, "012345")
	token, seed := k.TokenOf(o, code, "nonce")
	got := map[string]string{
		"identity": string(o.Identity[0]), "limit": string(o.Limit[0]), "anchor": string(o.Anchor), "binding": string(o.Binding),
		"partition": o.Partition.String(), "digest": k.DigestOf(o, code).Sum, "token": token.Reveal(), "hash": seed.Hash,
		"nonce": string(otp.NonceOf("shop", "start", "key")), "mark": k.Anchor.Mark(),
	}
	want := map[string]string{
		"identity": "FsdnIJfQNZV0eBW4wz5RNA", "limit": "lIA39lTYeDOJUdpqjYImYA", "anchor": "esZxJKhwlvT29_4xfidZxA", "binding": "Ggk0FmCNhUNG_hKu30cZ4A",
		"partition": "17", "digest": "SN6kgGex3fflMdSRRoKIWxl-S3ktyp3C9c_Bfvjge9Q",
		"token": "ots_17tzuWK5XyurUlt5VnXEWhFQ0srePXC2Db8jxODS2Av68", "hash": "sj0xBBN9ZS0Il7QucKJsig",
		"nonce": "qWNxTXNRGoUE4fj2QhvUXg", "mark": "FwDlrOMTf2o",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Fatal(d)
	}
}

func TestABucketIsOneCombinationsAlone(t *testing.T) {
	t.Parallel()
	k := keysOf(t, "k1")
	seen := map[otp.Fingerprint]string{}
	for _, values := range [][]string{{"n", "ab", "c"}, {"n", "a", "bc"}, {"n", "abc"}, {"na", "b", "c"}, {"n", "", "abc"}, {"n", "abc", ""}} {
		b := k.BucketOf(values[0], values[1:]...)
		if was := seen[b]; was != "" || strings.Contains(string(b), "abc") {
			t.Errorf("%q and %s are one", values, was)
		}
		seen[b] = strings.Join(values, "|")
	}
	if k.BucketOf("n", "a") != keysOf(t, "k2").BucketOf("n", "a") {
		t.Error("a rotation of the ring would make it another")
	}
}
