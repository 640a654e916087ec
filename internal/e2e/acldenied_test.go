package e2e_test

import (
	"strings"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/redistest"
)

// grant makes a user with what all of deploy/redis have, and changes to that.
func (r *rig) grant(user string, changes ...string) {
	r.Helper()
	rules := []string{"reset", "on", "nopass"}
	for _, one := range redistest.Users {
		rules = append(rules, redistest.Rules(r, one)...)
	}
	rules = append(rules, changes...)
	if err := r.store().ACLSetUser(r.Context(), user, rules...).Err(); err != nil {
		r.Fatal(err)
	}
}

// by are the settings of one who comes as a user.
func (r *rig) by(user string) settings {
	return settings{RedisURL: redistest.UserURL(user, r.redis.Addr(), "0")}
}

// remedy is what everybody is told to do about it.
const remedy = "deploy/redis/users.acl"

func TestCheckAndDoctorNameWhatAUserMayNotDo(t *testing.T) {
	t.Parallel()
	r := newRig(t, "--appendonly", "yes")
	r.startWorker(settings{})
	for user, c := range map[string]struct {
		takes, says   string
		check, doctor int
	}{
		"scripts": {"-evalsha", "run the 'evalsha' command", 78, 2},
		"record":  {"-hget", "call('HGET', KEYS[1], field)", 78, 2},
		"keys":    {"resetkeys", "one of the keys", 78, 2},
		"info":    {"-info", "its user may not ask INFO", 0, 0},
	} {
		r.grant(user, c.takes)
		s := r.by(user)
		s.Admin = ":9090"
		path := r.write(s)
		t.Run(user, func(t *testing.T) {
			t.Parallel()
			code, out := command(t, "api", "-check", "-config", path)
			examined, found := command(t, "otpctl", "doctor", "--config", path)
			if code != c.check || examined != c.doctor {
				t.Errorf("they ended with %d and %d", code, examined)
			}
			for _, says := range []string{c.says, remedy} {
				if !strings.Contains(out, says) || !strings.Contains(found, says) {
					t.Errorf("they do not say %q:\n%s\n%s", says, out, found)
				}
			}
			if code != 0 && strings.Contains(out+found, "does not answer") {
				t.Errorf("one says that Redis does not answer:\n%s\n%s", out, found)
			}
		})
	}
}

func TestAProcessSaysWhatItsUserMayNotDoUntilItMay(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.grant("late", "-evalsha")
	a := r.launchAPI(r.by("late"))
	eventually(t, 20*time.Second, "the api says what it may not do", func() bool {
		return a.said("store refuses the user of this process") && a.said("'evalsha' command") && a.said(remedy)
	})
	time.Sleep(time.Second) // it tries on, and has nothing new to say
	r.grant("late")
	a.ready(t)
	if n := strings.Count(a.text(), "store refuses"); n != 1 {
		t.Errorf("it says so %d times", n)
	}
	r.grant("late", "-xadd")
	if got := a.ask("load", r.phone()); got.status != 503 {
		t.Errorf("start: %v", got)
	}
	if !a.said("call('XADD'") || !a.said(remedy) {
		t.Errorf("it says\n%s", a.tail())
	}
}
