package ctl

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/otpipe/otpipe/internal/app"
	"github.com/otpipe/otpipe/internal/config"
)

var (
	errNoFile    = errors.New("--write: there is no file to write to; name it by --config, or leave --write out")
	errSeen      = errors.New("--write: everybody on this host may read this file, and would read the new secret: chmod o-r it, or give a --secret-file")
	errElsewhere = errors.New("--write: the ring does not stand in this file as [[keys.ring]]: add the key by hand, or where its variables come from")
)

// addToFile puts a key behind the others of a file's ring. The new text replaces
// the old one whole, once it was read back and found to hold this ring and one
// key more.
func addToFile(path string, ring config.Keys, key newKey) error {
	if path == "" {
		return ending{app.ExitUsage, errNoFile}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read configuration: %w", err)
	}
	if key.SecretFile == "" && seenByAll(path) {
		return ending{app.ExitUsage, errSeen}
	}
	changed, ok := withEntry(string(text), key.entry().toml())
	if !ok || !holds(path, changed, ring, key.ID) {
		return ending{app.ExitConfig, errElsewhere}
	}
	return replace(path, changed)
}

// seenByAll tells whether everybody on this host may read a file.
func seenByAll(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().Perm()&0o004 != 0
}

// withEntry puts an entry behind the last of its kind.
func withEntry(text, entry string) (changed string, ok bool) {
	lines := strings.SplitAfter(text, "\n")
	end := 0
	for i, line := range lines {
		if strings.HasPrefix(strings.TrimSpace(line), "[[keys.ring]]") {
			end = i + 1
			for end < len(lines) && !strings.HasPrefix(strings.TrimSpace(lines[end]), "[") {
				end++
			}
		}
	}
	if end == 0 {
		return "", false
	}
	for end > 0 && beside(lines[end-1]) {
		end-- // what stands above the next table belongs to that
	}
	before := strings.TrimSuffix(strings.Join(lines[:end], ""), "\n")
	return before + "\n\n" + entry + strings.Join(lines[end:], ""), true
}

// beside tells a line that is empty or a remark.
func beside(line string) bool {
	line = strings.TrimSpace(line)
	return line == "" || strings.HasPrefix(line, "#")
}

// holds tells whether a configuration has a ring and one key more.
func holds(path, text string, ring config.Keys, id string) bool {
	c, err := config.Parse(path, []byte(text))
	if err != nil || len(c.Keys.Ring) != len(ring.Ring)+1 || c.Keys.Primary != ring.Primary {
		return false
	}
	for i, key := range ring.Ring {
		if c.Keys.Ring[i].ID != key.ID {
			return false
		}
	}
	return c.Keys.Ring[len(ring.Ring)].ID == id
}

// replace writes a file anew, with the owner and the rights that it has, or leaves it
// as it is.
func replace(path, text string) error {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".otpctl-*")
	if err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.WriteString(text)
	if err := errors.Join(err, own(f, info), f.Chmod(info.Mode().Perm()), f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	return nil
}

// own gives a file the owner that another has: root may write what a service reads.
func own(f *os.File, as fs.FileInfo) error {
	if of, ok := as.Sys().(*syscall.Stat_t); ok {
		return f.Chown(int(of.Uid), int(of.Gid))
	}
	return nil
}

// writeSecret writes a file that is not there yet, for its owner alone.
func writeSecret(path, secret string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return ending{app.ExitUsage, errors.New("--secret-file: this file is there already, and is left as it is")}
	}
	if err != nil {
		return fmt.Errorf("write secret: %w", err)
	}
	_, err = f.WriteString(secret + "\n")
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write secret: %w", err)
	}
	return nil
}
