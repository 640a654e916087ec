package auditfile

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

// Forget rewrites the files that have records about a recipient. Who writes to one
// of them waits meanwhile, and begins another then. What a disk keeps of the old
// files is out of reach.
func (f *Files) Forget(ctx context.Context, of otp.Anchor) (forgotten int, err error) {
	if err := f.tidy(); err != nil {
		return 0, err
	}
	names, err := f.names()
	if err != nil {
		return 0, err
	}
	for _, path := range names {
		n, err := forget(ctx, path, of)
		forgotten += n
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return forgotten, fmt.Errorf("forget in %s: %w", filepath.Base(path), err)
		}
	}
	return forgotten, syncDirectory(f.dir)
}

// tidy removes what a process that died while it rewrote a file has left of it.
func (f *Files) tidy() error {
	entries, err := os.ReadDir(f.dir)
	errs := []error{err}
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && strings.HasPrefix(e.Name(), rewritten) && time.Since(info.ModTime()) > abandoned {
			errs = append(errs, os.Remove(filepath.Join(f.dir, e.Name())))
		}
	}
	return errors.Join(errs...)
}

const (
	rewritten = "rewritten-"
	abandoned = 10 * time.Minute // longer than it takes to rewrite a file
)

func forget(ctx context.Context, path string, anchor otp.Anchor) (n int, err error) {
	old, err := locked(ctx, path)
	if err != nil {
		return 0, err
	}
	defer func() { _ = old.Close() }() // which unlocks it
	text, n, err := without(path, anchor)
	if err != nil || n == 0 {
		return 0, err
	}
	info, err := old.Stat()
	if err != nil {
		return 0, err
	}
	fresh, err := os.CreateTemp(filepath.Dir(path), rewritten+"*")
	if err != nil {
		return 0, err
	}
	_, err = fresh.Write(text)
	if of, ok := info.Sys().(*syscall.Stat_t); ok && os.Getuid() == 0 { // the workers have to read it still
		err = errors.Join(err, fresh.Chown(int(of.Uid), int(of.Gid)))
	}
	err = errors.Join(err, fresh.Sync(), fresh.Close())
	if err == nil { // Prune goes by when it was written to
		err = errors.Join(os.Chtimes(fresh.Name(), info.ModTime(), info.ModTime()), os.Rename(fresh.Name(), path))
	}
	if err != nil {
		return 0, errors.Join(err, os.Remove(fresh.Name()))
	}
	return n, nil
}

// locked is the file that a path leads to, once nobody else writes to it or has
// put another in its place.
func locked(ctx context.Context, path string) (*os.File, error) {
	for {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		if err = lock(ctx, f); err == nil && (&file{File: f, path: path}).there() {
			return f, nil
		}
		_ = f.Close()
		if err != nil {
			return nil, err
		}
	}
}

// without is a file without the personal part of the records about a recipient, and
// how many there were. It is held in memory: Open bounds it.
func without(path string, anchor otp.Anchor) (text []byte, n int, err error) {
	l, err := openLines(path)
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = l.Close() }()
	var b bytes.Buffer
	for {
		line, err := l.next(nil)
		if errors.Is(err, io.EOF) {
			return b.Bytes(), n, nil
		}
		if err != nil {
			return nil, 0, err
		}
		var r otp.Record
		if err := json.Unmarshal(line, &r); err != nil {
			return nil, 0, fmt.Errorf("line %d is no record", l.n)
		}
		if r.Personal != nil && r.Personal.Anchor == anchor {
			r.Personal = nil
			n++
			if line, err = json.Marshal(r); err != nil {
				return nil, 0, err
			}
			line = append(line, '\n')
		}
		b.Write(line)
	}
}
