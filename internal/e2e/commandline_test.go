package e2e_test

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/otpipe/otpipe/internal/devkit"
)

// command runs a process that ends by itself.
func command(t testing.TB, name string, args ...string) (code int, out string) {
	t.Helper()
	if err := build(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(binaries, name), args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "GORACE=halt_on_error=1"}
	text, err := cmd.CombinedOutput()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(text)
}

func TestTheCommandLineHasItsExitCodes(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"api", "worker"} {
		for _, c := range []struct {
			args []string
			code int
			says string
		}{
			{[]string{"-version"}, 0, program + " "},
			{[]string{"-h"}, 0, "-log-level"},
			{[]string{"-verbose"}, 64, "flag provided but not defined"},
			{[]string{"-config"}, 64, "flag needs an argument"},
			{[]string{"-log-level", "loud"}, 64, "want debug, info, warn, error"},
			{[]string{"start"}, 64, program + " takes flags only"},
			{[]string{"-check", "sesame"}, 64, program + " takes flags only"},
			{[]string{"-config", "/nowhere.toml"}, 78, "read configuration"},
			{nil, 78, "environment: OTPIPE_KEYS_ANCHOR: keys.anchor: want"},
			{[]string{"-check"}, 78, "environment: OTPIPE_KEYS_ANCHOR: keys.anchor: want"},
			{[]string{"-config", "../../cmd/dev/dev.toml"}, 78, "../../cmd/dev/dev.toml:12: keys.anchor: this is dev mode's key, which everybody knows: make your own"},
		} {
			code, out := command(t, program, c.args...)
			if code != c.code || !strings.Contains(out, c.says) || strings.Contains(out, "sesame") {
				t.Errorf("%s %v ended with %d, want %d and %q:\n%s", program, c.args, code, c.code, c.says, out)
			}
		}
	}
}

// secretsOfRig are those in the rig's configuration file.
func secretsOfRig(t testing.TB, path string) (all []string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)(anchor|secret|password|key_sha256) = "(.*)"`).FindAllStringSubmatch(string(text), -1) {
		all = append(all, m[2])
	}
	if len(all) < 4 {
		t.Fatalf("%d secrets", len(all))
	}
	return all
}

func TestCheckSaysWhatTheSettingsMeanAndChangesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, "--appendonly", "yes")
	path := r.write(settings{
		PublicURL: "https://otp.example.com", Admin: "127.0.0.1:9090",
		Worker: `bounces = ":2525"`, SMTP: `bounce_domain = "bounce.otpipe.test"`,
	})
	for _, program := range []string{"api", "worker"} {
		code, out := command(t, program, "-config", path, "-check")
		if code != 0 {
			t.Fatalf("%s ended with %d:\n%s", program, code, out)
		}
		for _, want := range []string{
			"configuration ok: " + path, "127.0.0.1:9090", "https://otp.example.com/v1/receipts/…", r.redis.Addr() + "/0", "16 partitions", "e2e",
			"backend: send, check, read, operate", "twilio: twilio", "smtp: smtp to 127.0.0.1:", ":2525, to bounce.otpipe.test", "agrees with the keys", "sms: twilio; email: smtp", "brief: sms or email, 6 digits for 30s",
		} {
			if !strings.Contains(out, want) {
				t.Errorf("%s does not say %q:\n%s", program, want, out)
			}
		}
		if strings.Contains(out, "warning") {
			t.Errorf("%s warns:\n%s", program, out)
		}
		for _, secret := range secretsOfRig(t, path) {
			if strings.Contains(out, secret) {
				t.Errorf("%s tells a secret:\n%s", program, out)
			}
		}
	}
	if n := r.store().DBSize(t.Context()).Val(); n != 0 {
		t.Errorf("%d keys were written", n)
	}
}

func TestCheckWarnsOfARedisThatForgets(t *testing.T) {
	t.Parallel()
	r := newRig(t, "--appendonly", "no", "--maxmemory-policy", "allkeys-lru")
	path := r.write(settings{Admin: ":9090", More: "[store]\ndurability = \"replicated\"\nreplicas = 2\n"})
	code, out := command(t, "api", "-config", path, "-check")
	for _, want := range []string{
		"warning: redis.url: maxmemory-policy is allkeys-lru", "warning: redis.url: appendonly is off",
		"warning: redis.url: store.replicas wants 2, this Redis has 0", "warning: api.public_url: it is not set",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
	if code != 0 {
		t.Errorf("it ended with %d:\n%s", code, out)
	}
}

func TestCheckTellsADependencyThatIsAwayFromASettingThatIsWrong(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	path := r.write(settings{Admin: ":9090"})
	r.startWorker(settings{})
	locked := newRig(t)
	if err := locked.store().ConfigSet(t.Context(), "requirepass", "sesame").Err(); err != nil {
		t.Fatal(err)
	}
	away := port(t)
	for name, c := range map[string]struct {
		path string
		code int
		says string
	}{
		"it agrees":          {path, 0, "configuration ok"},
		"other keys":         {r.write(settings{Admin: ":9090", Secret: "1f2e3d4c5b6a79880917263544536271f0e1d2c3b4a5968778695a4b3c2d1e0f"}), 78, "the store was set up with"},
		"other partitions":   {r.write(settings{Admin: ":9090", More: "[store]\npartitions = 32\n"}), 78, "the store was set up with partitions 16"},
		"no redis":           {r.write(settings{Admin: ":9090", Redis: away}), 69, "redis.url: Redis does not answer"},
		"no queue":           {r.write(settings{Admin: ":9090", Queue: away}), 69, "redis.queue_url: Redis does not answer"},
		"an old redis":       {r.write(settings{Admin: ":9090", Redis: oldRedis(t)}), 69, "redis.url: this is Redis 6.0.16: want 6.2 or newer"},
		"no password":        {r.write(settings{Admin: ":9090", Redis: locked.redis.Addr()}), 78, "redis.url: this Redis wants another user or password"},
		"the wrong password": {r.write(settings{Admin: ":9090", Redis: "user:open-up@" + locked.redis.Addr()}), 78, "redis.url: this Redis wants another user or password"},
		"the right password": {r.write(settings{Admin: ":9090", Redis: ":sesame@" + locked.redis.Addr()}), 0, "configuration ok"},
		"wrong settings":     {r.write(settings{Admin: ":9090", SMSConcurrency: -1}), 78, "worker.sms_concurrency: want 1 or more"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, out := command(t, "worker", "-check", "-config", c.path)
			if code != c.code || !strings.Contains(out, c.says) {
				t.Errorf("it ended with %d, want %d and %q:\n%s", code, c.code, c.says, out)
			}
			if strings.Contains(out, "sesame") || strings.Contains(out, "open-up") {
				t.Errorf("it tells a password:\n%s", out)
			}
		})
	}
}

// oldRedis is a server that says of itself that it is too old, and nothing else.
func oldRedis(t testing.TB) (addr string) {
	t.Helper()
	l, err := devkit.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go answerAsOld(c)
		}
	}()
	return l.Addr().String()
}

func answerAsOld(c net.Conn) {
	defer func() { _ = c.Close() }()
	const info = "# Server\r\nredis_version:6.0.16\r\n"
	for lines := bufio.NewScanner(c); lines.Scan(); {
		switch word := strings.ToLower(lines.Text()); word {
		case "info":
			_, _ = fmt.Fprintf(c, "$%d\r\n%s\r\n", len(info), info)
		case "hello", "client":
			_, _ = fmt.Fprint(c, "-ERR unknown command\r\n")
		}
	}
}

func TestTheLogIsJSONForAMachineAndAsTalkativeAsTheFlagSays(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	admin := port(r)
	quiet := run(t, r.dir, "api", r.write(settings{Admin: admin}), admin, "-log-level", "error")
	quiet.ready(t)
	if text := quiet.text(); text != "" {
		t.Errorf("it says %s", text)
	}
	loud := r.startAPI(settings{})
	if !strings.HasPrefix(loud.text(), `{"time":`) || !loud.said(`"msg":"api listens"`) {
		t.Errorf("it says %s", loud.text())
	}
}
