package redisstore

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/otpipe/otpipe/internal/otp"
)

// DeniedError says that this process' user may not do in Redis what it has to. It is
// otp.ErrStoreUnavailable too, for nobody else can do it.
type DeniedError struct {
	What string // was to be done, such as "start"
	Line string // of the script that was stopped there; "" if it was not a script's
	Says error  // Redis' words
}

func (e *DeniedError) Error() string {
	at := ""
	if e.Line != "" {
		at = ", at " + e.Line
	}
	return fmt.Sprintf("redis: %s: its user may not do this: %v%s; %s", e.What, e.Says, at, Grant)
}

// Unwrap makes it the error of a store that cannot be used.
func (e *DeniedError) Unwrap() []error { return []error{otp.ErrStoreUnavailable, e.Says} }

// Grant says what to do about a user that is refused something.
const Grant = "give it what its process has in deploy/redis/users.acl, otpctl what otpipe-ctl has; ACL LOG in Redis tells what it was refused"

// Denied tells whether Redis refused its user a command, a key or a channel. Before
// Redis 7.2 it says so in other words within a script.
func Denied(err error) bool {
	return redis.IsPermissionError(err) || err != nil && strings.Contains(err.Error(), "The user executing the script can't ")
}

var scriptLine = regexp.MustCompile(`user_script: ?(\d+)`)

// explained adds the line of the script that was refused something: before Redis 7.2
// the error does not say which command that was.
func (t transition) explained(err error) error {
	denied, ok := errors.AsType[*DeniedError](err)
	if !ok {
		return err
	}
	if m := scriptLine.FindStringSubmatch(denied.Says.Error()); m != nil {
		lines := strings.Split(t.text, "\n")
		if n, _ := strconv.Atoi(m[1]); n > 0 && n <= len(lines) {
			denied.Line = strings.Trim(lines[n-1], " ,")
		}
	}
	return denied
}
