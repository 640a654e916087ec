package ctl_test

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/otpipe/otpipe/internal/devkit"
)

var update = flag.Bool("update", false, "write what otpctl prints into docs/otpctl.md")

const page = "../../docs/otpctl.md"

var (
	sessions = regexp.MustCompile("(?ms)^```console\n(.*?)^```$")
	tables   = regexp.MustCompile("(?ms)^```toml\n(.*?)^```$")
)

// What docs/otpctl.md shows is typed here, and prints what it shows.
func TestWhatThePageShowsIsWhatIsPrinted(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	d := newReader(t)
	if err := os.WriteFile(filepath.Join(d.dir, "prices.toml"), []byte(tables.FindStringSubmatch(string(text))[1]), 0o600); err != nil {
		t.Fatal(err)
	}
	typed := sessions.ReplaceAllStringFunc(string(text), func(block string) string {
		return "```console\n" + d.types(sessions.FindStringSubmatch(block)[1]) + "```"
	})
	if *update {
		if err := os.WriteFile(page, []byte(typed), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(constant(string(text)), constant(typed)); diff != "" {
		t.Errorf("the page shows something else (go test ./internal/ctl -run Page -update):\n%s", diff)
	}
}

// newReader is somebody who reads the page in front of a house in which a code was
// lost and a recipient is locked.
func newReader(t *testing.T) *desk {
	t.Helper()
	d := newDesk(t)
	if err := os.Symlink(d.config, filepath.Join(d.dir, "otpipe.toml")); err != nil {
		t.Fatal(err)
	}
	if err := d.world.Chaos.Set("twilio", devkit.Undelivered, 1); err != nil {
		t.Fatal(err)
	}
	d.sent(2, "--to", "+4915123456780", "--namespace", "phone-auth")
	d.locks("+447400123456")
	d.env = append(d.env, "OTPIPE_CONFIG=otpipe.toml", "PATH="+os.Getenv("PATH"))
	return d
}

// types runs the commands of a block, and returns it as it has to be.
func (d *desk) types(block string) string {
	var b strings.Builder
	for _, one := range regexp.MustCompile(`(?m)^\$ `).Split(block, -1)[1:] {
		command, _, _ := strings.Cut(one, "\n")
		cmd := exec.CommandContext(d.t.Context(), "sh", "-c", command)
		cmd.Dir, cmd.Env = d.dir, d.env
		got, _ := cmd.CombinedOutput()
		wantNoSecret(d.t, []string{command}, string(got))
		b.WriteString("$ " + command + "\n" + string(got))
	}
	return b.String()
}

// what is another each time it is typed: secrets and ids, numbers, how wide a column
// is because of these, and whether a receipt was faster than the vendor's answer.
var (
	drawn   = regexp.MustCompile(`\$argon2id\S+"|[A-Za-z0-9+/]{43}=|[A-Z2-7]{26}|(otk_|VE|SM)?[0-9a-f]{32,}|\[request [a-z0-9]+\]`)
	numbers = regexp.MustCompile(`([0-9]+([.:][0-9]+)*(ns|µs|ms|s|m|h)?)+`)
	spaces  = regexp.MustCompile(` +`)
	racing  = regexp.MustCompile(`(?m)^.*(accepted|sent) +(by )?twilio.*\n`)
)

func constant(text string) string {
	text = racing.ReplaceAllString(text, "")
	text = drawn.ReplaceAllString(text, "DRAWN")
	return spaces.ReplaceAllString(numbers.ReplaceAllString(text, "N"), " ")
}

var listed = regexp.MustCompile(`(?m)^  ([a-z]+( [a-z]+)?)  `)

// commands are those that otpctl says it has.
func commandNames(t *testing.T) (all []string) {
	t.Helper()
	help, _, _ := otpctl(t, "--help")
	for _, m := range listed.FindAllStringSubmatch(help, -1) {
		all = append(all, m[1])
	}
	if len(all) < 15 {
		t.Fatalf("it has %v", all)
	}
	return all
}

func TestThePageHasEveryCommandAndEveryExitCode(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range commandNames(t) {
		if !strings.Contains(string(text), "$ otpctl "+name) && !strings.Contains(string(text), "otpctl "+name+" ") {
			t.Errorf("%s does not show otpctl %s", page, name)
		}
	}
	help, _, _ := otpctl(t, "--help")
	_, codes, _ := strings.Cut(help, "Exit codes:")
	codes, _, _ = strings.Cut(codes, "Flags:")
	said, tabled := regexp.MustCompile(`[0-9]+`).FindAllString(codes, -1), []string{}
	for _, m := range regexp.MustCompile(`(?m)^\| ([0-9]+) \|`).FindAllStringSubmatch(string(text), -1) {
		tabled = append(tabled, m[1])
	}
	if !slices.Equal(said, tabled) {
		t.Errorf("help has the exit codes %v, and %s %v", said, page, tabled)
	}
}

var example = regexp.MustCompile(`(?m)^    \(?(?:umask 077; )?(otpctl [^|>#)\n]*)`)

func TestEveryExampleOfAHelpTextCanBeTyped(t *testing.T) {
	t.Parallel()
	examples := 0
	for _, name := range commandNames(t) {
		help, wrong, code := otpctl(t, append(strings.Fields(name), "--help")...)
		if code != 0 || wrong != "" {
			t.Errorf("otpctl %s --help ended with %d: %s", name, code, wrong)
		}
		for _, m := range example.FindAllStringSubmatch(help, -1) {
			examples++
			cmd := exec.CommandContext(t.Context(), "sh", "-c", m[1])
			cmd.Dir, cmd.Env = t.TempDir(), []string{"PATH=" + os.Getenv("PATH")}
			if said, _ := cmd.CombinedOutput(); strings.Contains(string(said), "see otpctl") {
				t.Errorf("%s\n%s", m[1], said)
			}
		}
	}
	if examples < 15 {
		t.Errorf("there are %d examples", examples)
	}
}
