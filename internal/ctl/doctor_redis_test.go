package ctl_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/otpipe/otpipe/internal/devkit"
	"github.com/otpipe/otpipe/internal/doctor"
	"github.com/otpipe/otpipe/internal/redistest"
)

// liar is a way to a Redis on which some lines of its answers are replaced by others
// of the same length.
type liar struct {
	target string
	says   func(line string) string
}

func (l liar) listen(t *testing.T) (addr string) {
	t.Helper()
	ear, err := devkit.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ear.Close() })
	go func() {
		for {
			in, err := ear.Accept()
			if err != nil {
				return
			}
			go l.serve(in)
		}
	}()
	return ear.Addr().String()
}

func (l liar) serve(in net.Conn) {
	defer func() { _ = in.Close() }()
	out, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", l.target)
	if err != nil {
		return
	}
	defer func() { _ = out.Close() }()
	go func() { _, _ = io.Copy(out, in); _ = out.Close() }()
	for lines := bufio.NewReader(out); ; {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		if _, err := io.WriteString(in, l.says(line)); err != nil {
			return
		}
	}
}

var version = regexp.MustCompile(`^redis_version:.*`)

// older says of a server that it is of another version.
func older(line string) string {
	return version.ReplaceAllStringFunc(line, func(is string) string {
		return "redis_version:6.0." + strings.Repeat("1", len(strings.TrimSuffix(is, "\r"))-len("redis_version:6.0.")) + "\r"
	})
}

var seconds = regexp.MustCompile(`^1[0-9]{9}\r\n$`) // of TIME, and of nothing else that is asked

// anHourBehind says that it was earlier.
func anHourBehind(line string) string {
	if !seconds.MatchString(line) {
		return line
	}
	now, _ := strconv.Atoi(strings.TrimSpace(line))
	return strconv.Itoa(now-3600) + "\r\n"
}

func TestTheDoctorKnowsARedisThatIsNotAsItMustBe(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	good := plan{}.filled(h, h.api)
	away := redistest.Start(t)
	away.Kill()
	at := func(args ...string) string { return lockedRedis(t, args...).Addr() }
	for name, c := range map[string]struct {
		redis, password string
		grade           doctor.Grade
		says, do        string
	}{
		"it forgets at a restart": {at("--appendonly", "no"), redisWord, doctor.Warn, "appendonly is off", "want appendonly yes"},
		"it drops what is oldest": {at("--maxmemory-policy", "allkeys-lru"), redisWord, doctor.Warn, "maxmemory-policy is allkeys-lru", "want noeviction"},
		"it writes when it likes": {at("--appendonly", "yes", "--appendfsync", "no"), redisWord, doctor.Warn, "appendfsync is no", "want everysec or always"},
		"it is almost full":       {at("--maxmemory", "100000"), redisWord, doctor.Warn, "of its maxmemory are used", "give it more"},
		"it is too old":           {liar{h.redis.Addr(), older}.listen(t), redisWord, doctor.Fail, "this is Redis 6.0.1", "want 6.2 or newer"},
		"its clock is wrong":      {liar{h.redis.Addr(), anHourBehind}.listen(t), redisWord, doctor.Warn, "its clock and this host's are 1h0m0s apart", "NTP"},
		"another password":        {h.redis.Addr(), "not-" + relayWord, doctor.Fail, "wants another user or password", "redis.url"},
		"no password":             {h.redis.Addr(), "", doctor.Fail, "wants another user or password", "redis.url"},
		"it is away":              {away.Addr(), redisWord, doctor.Fail, "Redis does not answer", "start it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := good
			p.Redis, p.RedisWord = c.redis, c.password
			e, code := h.examine(t, p)
			if !e.wants("redis", c.grade, c.says, c.do) {
				t.Errorf("it ended with %d and says %+v", code, e.Findings)
			}
			if c.grade == doctor.Fail && code != 2 {
				t.Errorf("it ended with %d", code)
			}
		})
	}
}

// wants tells whether there is a finding with what to do about it; both may stand in
// one sentence.
func (e examined) wants(about string, grade doctor.Grade, says, do string) bool {
	for _, f := range e.Findings {
		if f.About == about && f.Grade == grade && strings.Contains(f.Says, says) && strings.Contains(f.Says+f.Do, do) {
			return true
		}
	}
	return false
}
