package login

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"runtime"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/otpipe/otpipe/internal/otp"
)

// hashingLimit is how long a sign-in waits for its turn: a hash takes 19 MiB, so
// only so many are made at a time.
const hashingLimit = 5 * time.Second

// User is a person whom the configuration lists.
type User struct {
	otp.Staff
	Hash otp.PasswordHash
}

// Users are people who sign in with a name and a password. They may be used by
// many goroutines at once.
type Users struct {
	all    map[string]User
	nobody otp.PasswordHash // compared where there is no such name: it costs as much
	turns  *semaphore.Weighted
}

// NewUsers lists them.
func NewUsers(all ...User) *Users {
	u := &Users{all: map[string]User{}, turns: semaphore.NewWeighted(int64(runtime.GOMAXPROCS(0)))}
	u.nobody = otp.PasswordHash{Memory: memory, Passes: passes, Lanes: lanes}
	for _, one := range all {
		u.all[one.Name] = one
		if work(one.Hash) > work(u.nobody) {
			u.nobody = one.Hash
		}
	}
	u.nobody.Salt, u.nobody.Sum = random(saltBytes), random(sumBytes)
	return u
}

func work(h otp.PasswordHash) uint64 { return uint64(h.Memory) * uint64(h.Passes) }

// Knows tells whether somebody has this name. It is for the log, not for the
// answer.
func (u *Users) Knows(name string) bool {
	_, known := u.all[name]
	return known
}

// SignIn checks a name and a password. Its errors are otp.ErrNotAdmitted,
// whichever of them is wrong, and otp.ErrTooMany.
func (u *Users) SignIn(ctx context.Context, name, password string) (otp.Visit, error) {
	who, known := u.all[name]
	if !known {
		who.Hash = u.nobody
	}
	turn, cancel := context.WithTimeout(ctx, hashingLimit)
	defer cancel()
	if err := u.turns.Acquire(turn, 1); err != nil {
		return otp.Visit{}, fmt.Errorf("wait to compare a password: %w", otp.ErrTooMany)
	}
	right := CheckPassword(who.Hash, password)
	u.turns.Release(1)
	if !right || !known {
		return otp.Visit{}, otp.ErrNotAdmitted
	}
	return otp.Visit{Who: who.Staff, Way: otp.ByPassword, Mark: markOf(who)}, nil
}

// Still tells who a visitor is by the configuration of now: role and namespaces
// may have changed. It is over for whoever is not listed any more, and for whom
// another password is.
func (u *Users) Still(v otp.Visit) (otp.Staff, bool) {
	who, known := u.all[v.Who.Name]
	if !known || v.Mark != markOf(who) {
		return otp.Staff{}, false
	}
	return who.Staff, true
}

func markOf(u User) string { return mark("password", u.Name, u.Hash.Reveal()) }

// mark is a name for settings that tells nothing of them.
func mark(parts ...string) string {
	h := sha256.New()
	for _, part := range parts {
		_, _ = fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:12])
}
