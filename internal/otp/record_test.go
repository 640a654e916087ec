package otp_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

func record() otp.Record {
	return otp.Record{
		Partition: 3, Entry: "1700000000000-0", At: time.UnixMilli(1700000000000).UTC(), Kind: "attempt.failed",
		Verification: "VE03", Namespace: otp.PhoneAuth, Send: 2, Attempt: 1, Provider: "twilio", Reason: "twilio_30003",
		Actor: "shop", Request: "r-1",
		Personal: &otp.Personal{Salt: otp.NewSalt(), To: "+49•••89", Anchor: "anchor", Client: "192.0.2.1", Note: "asked by phone"},
	}
}

func TestARecordOfAChainIsWhatWasWritten(t *testing.T) {
	t.Parallel()
	k := keysOf(t, "k1")
	first := k.Link(otp.Record{Partition: 3}, record())
	second := k.Link(first, record())
	if first.Seq != 1 || !second.Follows(first) || first.Follows(second) || k.CheckRecord(first) != nil || k.CheckRecord(second) != nil {
		t.Fatalf("%+v\n%+v", first, second)
	}
}

// Every field is changed, one by one: also one that is added to Record one day.
func TestNothingInARecordCanBeChangedUnseen(t *testing.T) {
	t.Parallel()
	k := keysOf(t, "k1")
	r := k.Link(otp.Record{Partition: 3, Seq: 4, Sum: "before"}, record())
	for i := range reflect.TypeFor[otp.Record]().NumField() {
		changed := r
		name := reflect.TypeFor[otp.Record]().Field(i).Name
		if name == "Personal" {
			continue
		}
		change(reflect.ValueOf(&changed).Elem().Field(i))
		if err := k.CheckRecord(changed); err == nil {
			t.Errorf("%s can be changed", name)
		}
	}
	for i := range reflect.TypeFor[otp.Personal]().NumField() {
		changed, personal := r, *r.Personal
		changed.Personal = &personal
		change(reflect.ValueOf(&personal).Elem().Field(i))
		if err := k.CheckRecord(changed); !errors.Is(err, otp.ErrPersonalChanged) {
			t.Errorf("%s can be changed: %v", reflect.TypeFor[otp.Personal]().Field(i).Name, err)
		}
	}
}

func change(v reflect.Value) {
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.UnixMilli(1).UTC()))
		return
	}
	switch v.Kind() { //nolint:exhaustive // a field of another kind panics below
	case reflect.String:
		v.SetString(v.String() + "x")
	case reflect.Int:
		v.SetInt(v.Int() + 1)
	case reflect.Uint64, reflect.Uint8:
		v.SetUint(v.Uint() + 1)
	default:
		panic(v.Kind())
	}
}

func TestARecordWhosePersonalPartIsErasedStillHolds(t *testing.T) {
	t.Parallel()
	k := keysOf(t, "k1")
	r := k.Link(otp.Record{Partition: 3}, record())
	r.Personal = nil
	if err := k.CheckRecord(r); err != nil {
		t.Fatal(err)
	}
	r.Personal = &otp.Personal{To: "+49•••89"}
	if err := k.CheckRecord(r); !errors.Is(err, otp.ErrPersonalChanged) {
		t.Fatal(err)
	}
}

func TestTheTrailOutlivesTheRing(t *testing.T) {
	t.Parallel()
	r := keysOf(t, "k1").Link(otp.Record{}, record())
	if err := keysOf(t, "k2").CheckRecord(r); err != nil {
		t.Fatal(err)
	}
}
