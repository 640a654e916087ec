package ctl_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestAFileOfAServiceIsStillTheServices(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("only root gives files away")
	}
	text, err := os.ReadFile("testdata/otpipe.toml")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "otpipe.toml")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(path, 4711, 4712); err != nil {
		t.Fatal(err)
	}
	if out, wrong, code := otpctl(t, "keys", "rotate", "--write", "-c", path); code != 0 {
		t.Fatalf("it ended with %d: %s%s", code, out, wrong)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if of := info.Sys().(*syscall.Stat_t); of.Uid != 4711 || of.Gid != 4712 || info.Mode().Perm() != 0o600 {
		t.Errorf("it is of %d and %d now, with %v", of.Uid, of.Gid, info.Mode())
	}
	if grown, err := os.ReadFile(path); err != nil || len(grown) <= len(text) {
		t.Errorf("nothing was written: %v", err)
	}
}
