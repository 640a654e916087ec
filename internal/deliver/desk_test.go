package deliver_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/deliver"
	"github.com/otpipe/otpipe/internal/otp"
)

// receive hands a report to the desk and wants it to have changed something, or not.
func (r *rig) receive(rc otp.Receipt, want bool) {
	r.t.Helper()
	moved, err := (&deliver.Desk{Receipts: r.store}).Receive(r.t.Context(), rc)
	if err != nil || moved != want {
		r.t.Fatalf("%s of attempt %d: moved %v, %v; want %v", rc.State, rc.Attempt, moved, err, want)
	}
}

func TestAReceiptMovesItsAttemptForwardOnceAndNeverBack(t *testing.T) {
	r := newRig(t, vendor("a", takes(otp.Accepted)))
	o := r.sms()
	r.done(o)
	rc := otp.Receipt{Order: o, Attempt: 1, Provider: "a", Ref: "ref-1"}
	for _, step := range []struct {
		state otp.State
		moved bool
	}{{otp.Accepted, false}, {otp.Sent, true}, {otp.Sent, false}, {otp.Delivered, true}, {otp.Delivered, false}, {otp.Undelivered, false}, {otp.Sent, false}} {
		rc.State = step.state
		r.receive(rc, step.moved)
	}
	r.wrote(o, otp.Delivered, "a delivered")
}

func TestAReceiptAboutNothingOfOursChangesNothing(t *testing.T) {
	r := newRig(t, vendor("a", takes(otp.Accepted)))
	o := r.sms()
	r.done(o)
	good := otp.Receipt{Order: o, Attempt: 1, Provider: "a", Ref: "ref-1", State: otp.Delivered}
	for name, change := range map[string]func(rc *otp.Receipt){
		"another verification": func(rc *otp.Receipt) { rc.Order.ID = otp.NewID(o.ID.Partition()) },
		"another send":         func(rc *otp.Receipt) { rc.Order.Send = 2 },
		"another attempt":      func(rc *otp.Receipt) { rc.Attempt = 2 },
		"another provider":     func(rc *otp.Receipt) { rc.Provider = "b" },
		"another message":      func(rc *otp.Receipt) { rc.Ref = "ref-2" },
	} {
		rc := good
		change(&rc)
		if moved, err := (&deliver.Desk{Receipts: r.store}).Receive(t.Context(), rc); err != nil || moved {
			t.Errorf("%s: moved %v, %v", name, moved, err)
		}
	}
	r.wrote(o, otp.Accepted, "a accepted")
	r.receive(good, true)
}

func TestAReceiptStandsInForTheAnswerThatNeverCame(t *testing.T) {
	a := vendor("a", refuses(otp.FaultUnknown))
	r := newRig(t, a, vendor("b", takes(otp.Accepted)))
	o := r.sms()
	r.again(o, 4*time.Second)
	r.receive(otp.Receipt{Order: o, Attempt: 1, Provider: "a", Ref: "SM1", State: otp.Delivered}, true)
	r.wrote(o, otp.Delivered, "a delivered")
	r.pass(13 * time.Second)
	r.done(o)
	r.wrote(o, otp.Delivered, "a delivered")
}

func TestAReceiptMayComeBeforeTheAnswer(t *testing.T) {
	var r *rig
	var o otp.Order
	a := vendor("a", first(func() {
		r.receive(otp.Receipt{Order: o, Attempt: 1, Provider: "a", Ref: "ref-1", State: otp.Delivered}, true)
	}, takes(otp.Accepted)))
	r = newRig(t, a)
	o = r.sms()
	r.done(o)
	r.wrote(o, otp.Delivered, "a delivered")
}

func TestAReceiptThatCannotBeWrittenIsAnErrorThatSaysSo(t *testing.T) {
	t.Parallel()
	moved, err := (&deliver.Desk{Receipts: gone{}}).Receive(t.Context(), otp.Receipt{})
	if moved || !errors.Is(err, otp.ErrStoreUnavailable) || err.Error() != "write receipt: the store does not answer" {
		t.Fatal(moved, err)
	}
}

type gone struct{}

func (gone) Receive(context.Context, otp.Receipt) (otp.Reception, error) {
	return otp.Reception{Moved: true}, otp.ErrStoreUnavailable
}
