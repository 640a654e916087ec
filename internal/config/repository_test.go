package config_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/otpipe/otpipe/internal/config"
)

const (
	manual = "../../deploy/otpipe.toml"
	dev    = "../../cmd/dev/dev.toml"
)

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// useful ends the test if nobody may call, or nothing is sent.
func useful(t *testing.T, c config.Config) {
	t.Helper()
	if len(c.Callers) == 0 || len(c.Providers) == 0 || len(c.Routes.SMS) == 0 || len(c.Routes.Email) == 0 {
		t.Fatal("nobody may call, or nothing is sent")
	}
}

// putSecrets puts something into every variable that a file names.
func putSecrets(t *testing.T, text string) {
	t.Helper()
	for _, m := range regexp.MustCompile(`"env:([A-Za-z0-9_]+)"`).FindAllStringSubmatch(text, -1) {
		t.Setenv(m[1], someSecret)
	}
}

func TestTheManualIsGoodOnceTheHashInItIsOnesOwn(t *testing.T) {
	text := readFile(t, manual)
	putSecrets(t, text)
	_, err := config.Parse("m", []byte(text))
	if err == nil || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), ": callers[0].key_sha256: want your key's SHA-256") {
		t.Fatalf("with the hash of the example: %v", err)
	}
	c, err := config.Parse("m", []byte(strings.ReplaceAll(text, strings.Repeat("0", 64), hashOfShop)))
	if err != nil {
		t.Fatal(err)
	}
	useful(t, c)
}

func TestDevModesFileIsGoodForDevModeOnly(t *testing.T) {
	text := readFile(t, dev)
	c, err := config.ParseDev("dev.toml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	useful(t, c)
	if _, err := config.Load(dev); err == nil || strings.Count(err.Error(), "everybody knows") != 1+len(c.Keys.Ring)+len(c.Callers)+len(c.Support.Users) {
		t.Fatalf("another process takes dev mode's keys: %v", err)
	}
}

func TestOneKeyOfDevModeIsEnoughToRefuse(t *testing.T) {
	t.Parallel()
	d, err := config.ParseDev("dev.toml", []byte(readFile(t, dev)))
	if err != nil {
		t.Fatal(err)
	}
	anchor, ring := d.Keys.Anchor.Reveal(), d.Keys.Ring[0].Secret.Reveal()
	for setting, change := range map[string][2]string{
		"keys.anchor":           {`63616e6172792d6f662d7468652d616e63686f722d2d2d2d2d2d2d2d2d2d2d2d`, strings.ToUpper(anchor)},
		"keys.ring[1].secret":   {`Y2FuYXJ5LW9mLWtleS10d28tLS0tLS0tLS0tLS0tLS0`, ring},
		"keys.ring[0].secret":   {`Y2FuYXJ5LW9mLWtleS1vbmUtLS0tLS0tLS0tLS0tLS0=`, anchor},
		"callers[1].key_sha256": {hashOfSupport, d.Callers[0].KeySHA256},
	} {
		text := strings.Replace(good, change[0], change[1], 1)
		_, err := config.Parse(file, []byte(text))
		if err == nil || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), setting+": this is dev mode's") {
			t.Errorf("%s: %v", setting, err)
		}
		if _, err := config.ParseDev(file, []byte(text)); err != nil {
			t.Errorf("dev mode refuses %s: %v", setting, err)
		}
	}
}

func TestASecretThatIsAPatternIsRefused(t *testing.T) {
	t.Parallel()
	for _, pattern := range []string{
		strings.Repeat("00", 32), strings.Repeat("ff", 32), strings.Repeat("deadbeef", 8),
		strings.Repeat("0123456789", 6) + "0123", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
	} {
		_, err := config.Parse(file, []byte(strings.Replace(least, "Y2FuYXJ5LW9mLWtleS1vbmUtLS0tLS0tLS0tLS0tLS0=", pattern, 1)))
		if err == nil || !strings.Contains(err.Error(), "keys.ring[0].secret: this is a pattern") {
			t.Errorf("%.10s…: %v", pattern, err)
			continue
		}
		silent(t, "the complaint", err.Error(), []string{pattern})
	}
}

func TestTheReadmesFilesAreGood(t *testing.T) {
	text := readFile(t, "../../README.md")
	putSecrets(t, text)
	blocks := regexp.MustCompile("(?ms)^```toml\n(.*?)^```$").FindAllStringSubmatch(text, -1)
	if len(blocks) != 2 {
		t.Fatalf("%d files", len(blocks))
	}
	mail := strings.ReplaceAll(blocks[0][1], strings.Repeat("0", 64), hashOfShop)
	c, err := config.Parse("README.md", []byte(mail))
	if err != nil || len(c.Routes.Email) == 0 {
		t.Fatal(err)
	}
	// The texts are added to it, so the routes become one table.
	both := strings.Replace(mail, "[routes]\n", blocks[1][1], 1)
	if c, err = config.Parse("README.md", []byte(both)); err != nil || len(c.Providers) != 2 || len(c.Routes.SMS) == 0 || len(c.Routes.Email) == 0 {
		t.Fatalf("%d providers, %v", len(c.Providers), err)
	}
}
