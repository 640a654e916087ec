package login_test

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/otpipe/otpipe/internal/login"
	"github.com/otpipe/otpipe/internal/otp"
)

const password = "correct horse battery"

var hashOnce = sync.OnceValue(func() string {
	text, _ := login.HashPassword(password)
	return text
})

func ada(t testing.TB, role otp.Role) login.User {
	t.Helper()
	return login.User{Staff: otp.Staff{Name: "ada", Role: role, Namespaces: []otp.Namespace{otp.PhoneAuth}}, Hash: parsed(t, hashOnce())}
}

func TestAUserSignsInWithTheirOwnPassword(t *testing.T) {
	t.Parallel()
	u := login.NewUsers(ada(t, otp.Operator))
	v, err := u.SignIn(t.Context(), "ada", password)
	if err != nil || v.Way != otp.ByPassword {
		t.Fatalf("%+v, %v", v, err)
	}
	if d := cmp.Diff(ada(t, otp.Operator).Staff, v.Who); d != "" {
		t.Error(d)
	}
}

func TestAWrongNameAndAWrongPasswordAreTheSame(t *testing.T) {
	t.Parallel()
	u := login.NewUsers(ada(t, otp.Operator))
	for _, c := range [][2]string{{"ada", "wrong horse battery"}, {"bob", password}, {"", ""}, {"ada", ""}, {"Ada", password}} {
		v, err := u.SignIn(t.Context(), c[0], c[1])
		if err != otp.ErrNotAdmitted || v.Who.Name != "" { //nolint:errorlint // the very same: nothing may be wrapped around it
			t.Errorf("%q: %+v, %v", c[0], v, err)
		}
	}
	if _, err := login.NewUsers().SignIn(t.Context(), "ada", password); !errors.Is(err, otp.ErrNotAdmitted) {
		t.Error(err)
	}
}

func TestAVisitFollowsTheConfiguration(t *testing.T) {
	t.Parallel()
	v, err := login.NewUsers(ada(t, otp.Admin)).SignIn(t.Context(), "ada", password)
	if err != nil {
		t.Fatal(err)
	}
	if who, still := login.NewUsers(ada(t, otp.Viewer)).Still(v); !still || who.Role != otp.Viewer {
		t.Errorf("with another role: %+v, %t", who, still)
	}
	if _, still := login.NewUsers().Still(v); still {
		t.Error("somebody who is not listed any more is in")
	}
	changed := ada(t, otp.Admin)
	text, err := login.HashPassword("another password")
	if err != nil {
		t.Fatal(err)
	}
	changed.Hash = parsed(t, text)
	if _, still := login.NewUsers(changed).Still(v); still {
		t.Error("the password was changed and the visit goes on")
	}
}

func TestWhoGoesAwayIsNotComparedFor(t *testing.T) {
	t.Parallel()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := login.NewUsers(ada(t, otp.Viewer)).SignIn(gone, "ada", password); !errors.Is(err, otp.ErrTooMany) {
		t.Error(err)
	}
}

// What is compared for a name that nobody has is the dearest of all hashes, told
// by the memory it takes: a time says little on a machine that does other things.
// So the test runs alone.
func TestANameThatNobodyHasCostsAsMuchAsTheDearestHash(t *testing.T) {
	dear := ada(t, otp.Viewer)
	dear.Name, dear.Hash = "eve", parsed(t, "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")
	for want, u := range map[uint64]*login.Users{19 << 20: login.NewUsers(ada(t, otp.Viewer)), 64 << 20: login.NewUsers(dear, ada(t, otp.Viewer))} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _ = u.SignIn(t.Context(), "bob", password)
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; got < want {
			t.Errorf("a name that nobody has takes %d bytes of memory, want %d", got, want)
		}
	}
}

// Each hash takes 19 MiB: a crowd at the login must not take all that there is.
// The test runs alone, for it counts what the whole process does.
func TestNoMorePasswordsAreComparedAtOnceThanThereAreProcessors(t *testing.T) {
	u := login.NewUsers(ada(t, otp.Viewer))
	var crowd sync.WaitGroup
	for range 16 {
		crowd.Go(func() { _, _ = u.SignIn(t.Context(), "ada", "wrong horse battery") })
	}
	over := make(chan struct{})
	go func() { crowd.Wait(); close(over) }()
	most, stacks := 0, make([]byte, 1<<20)
	for {
		select {
		case <-over:
			if most < 1 || most > runtime.GOMAXPROCS(0) {
				t.Errorf("%d are compared at once, on %d processors", most, runtime.GOMAXPROCS(0))
			}
			return
		default:
			most = max(most, bytes.Count(stacks[:runtime.Stack(stacks, true)], []byte("argon2.IDKey(")))
		}
	}
}
