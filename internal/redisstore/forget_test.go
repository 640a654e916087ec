package redisstore_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/redisstore"
)

func TestWhatIsForgottenIsNowhere(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		const other = "+4915112345679"
		for _, to := range []string{"+4915112345678", other} {
			for _, ns := range []otp.Namespace{otp.PhoneAuth, otp.AddPhone} {
				a := ask{to: to, ns: ns, binding: "browser of " + to}
				o := r.mustStart(a)
				for range 2 {
					r.mustCheck(ask{to: to, ns: ns, binding: a.binding, code: "000000"}, otp.CodeMismatch)
				}
				if ns == otp.PhoneAuth {
					r.mustCheck(ask{to: to, ns: ns, binding: a.binding}, "")
				} else {
					r.accept(o.Order)
				}
				r.pass(11 * time.Second)
			}
		}
		o := r.owner(ask{to: "+4915112345678"}.filled())
		f, err := r.store.ForgetRecipient(t.Context(), o)
		r.must(err)
		if f.Keys < 10 || f.Events < 8 || f.Waiting != 0 {
			t.Errorf("%+v", f)
		}
		dump := dumpOf(t, r.rdb)
		for _, trace := range slices.Concat(texts(o.Identity), texts(o.Limit), []string{string(o.Anchor)}) {
			if i := bytes.Index(dump, []byte(trace)); i >= 0 {
				t.Errorf("%s is in …%s…", trace, dump[max(0, i-80):min(len(dump), i+80)])
			}
		}
		rest := r.owner(ask{to: other}.filled())
		if n := bytes.Count(dump, []byte(rest.Anchor)); n < 8 {
			t.Errorf("of somebody else only %d traces are left", n)
		}
		if again, err := r.store.ForgetRecipient(t.Context(), o); err != nil || again.Keys+again.Events > 0 {
			t.Errorf("%+v, %v", again, err)
		}
		r.mustStart(ask{}) // and they may come again
	})
}

func texts(fps []otp.Fingerprint) (all []string) {
	for _, fp := range fps {
		all = append(all, string(fp))
	}
	return all
}

func TestAnEventThatSomebodyHasToReadStaysUntilThen(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.mustStart(ask{})
		o := r.owner(ask{}.filled())
		b, _ := r.take(o.Partition, "one")
		f, err := r.store.ForgetRecipient(t.Context(), o)
		r.must(err)
		if f.Waiting != len(b.Events) || f.Events != 0 {
			t.Fatalf("%+v while it is being exported", f)
		}
		r.audited(o.Partition, "one", b, uint64(len(b.Events)))
		r.mustStart(ask{})
		f, err = r.store.ForgetRecipient(t.Context(), o)
		r.must(err)
		if f.Events != len(b.Events) || f.Waiting != 1 {
			t.Fatalf("%+v once that is done, and another has happened", f)
		}
		next, _ := r.take(o.Partition, "one")
		if next.Missed != 0 || len(next.Events) != 1 || !strings.HasPrefix(next.Events[0].Kind, "verification.") {
			t.Fatalf("%+v", next)
		}
	})
}

func TestNothingIsForgottenWhereNothingHasHappened(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		f, err := r.store.ForgetRecipient(t.Context(), r.owner(ask{}.filled()))
		if err != nil || f != (redisstore.Forgotten{}) {
			t.Errorf("%+v, %v", f, err)
		}
	})
}
