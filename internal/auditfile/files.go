// Package auditfile keeps audit records as lines of JSON: Files in the files of a
// directory, Stream in anything that can be written to.
package auditfile

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

// Files is an archive in a directory, which several processes of one machine may
// write and read. Each writes files of its own, which are closed when they are large
// or a day old. A file is locked while it is written to or rewritten.
type Files struct {
	dir string
	max int64 // bytes

	mu      sync.Mutex
	current *file // nil: the next record begins one
}

// file is one that this process writes to.
type file struct {
	*os.File
	path  string
	size  int64
	begun time.Time
	last  map[otp.Partition]uint64 // numbers of the last records
}

const (
	ending     = ".jsonl"
	nameForm   = "20060102T150405.000000Z"
	longest    = 24 * time.Hour // that one file is written to
	lockPause  = 5 * time.Millisecond
	directory  = 0o700
	permission = 0o600
)

// Open is an archive in a directory, which is made if it is not there. max is the
// size in bytes at which the next file is begun.
func Open(dir string, max int64) (*Files, error) {
	if err := errors.Join(os.MkdirAll(dir, directory), syncDirectory(filepath.Dir(dir))); err != nil {
		return nil, fmt.Errorf("open archive: %w", err)
	}
	return &Files{dir: dir, max: max}, nil
}

// Append writes records down, and returns when the disk has them.
func (f *Files) Append(ctx context.Context, records []otp.Record) error {
	if len(records) == 0 {
		return nil
	}
	var b bytes.Buffer
	for _, r := range records {
		line, err := json.Marshal(r)
		if err != nil {
			return fmt.Errorf("write record: %w", err)
		}
		b.Write(append(line, '\n'))
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	w, err := f.writable(ctx, records[0])
	if err != nil {
		return fmt.Errorf("append to archive: %w", err)
	}
	defer func() { _ = unlock(w.File) }()
	if err := w.add(b.Bytes()); err != nil {
		f.current = nil // whatever is at its end, nothing is written behind it
		_ = w.Close()
		return fmt.Errorf("append to archive: %w", err)
	}
	for _, r := range records {
		w.last[r.Partition] = r.Seq
	}
	return nil
}

// writable is the file to write to, locked. One that was rewritten meanwhile, or
// that is large or old, is written to no more; nor is one that would have a chain's
// records out of order, for readers merge files by that.
func (f *Files) writable(ctx context.Context, next otp.Record) (*file, error) {
	if w := f.current; w != nil {
		if err := lock(ctx, w.File); err != nil {
			return nil, err
		}
		if w.size < f.max && time.Since(w.begun) < longest && next.Seq > w.last[next.Partition] && w.there() {
			return w, nil
		}
		_ = w.Close() // which unlocks it
		f.current = nil
	}
	return f.begin(ctx)
}

// begin makes a file whose name outlives a crash.
func (f *Files) begin(ctx context.Context) (*file, error) {
	now := time.Now().UTC()
	path := filepath.Join(f.dir, "audit-"+now.Format(nameForm)+"-"+strings.ToLower(rand.Text()[:8])+ending)
	made, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL|os.O_APPEND, permission)
	if err != nil {
		return nil, err
	}
	w := &file{File: made, path: path, begun: now, last: map[otp.Partition]uint64{}}
	if err := errors.Join(syncDirectory(f.dir), lock(ctx, made)); err != nil {
		return nil, errors.Join(err, made.Close())
	}
	f.current = w
	return w, nil
}

// add writes lines to the disk, all of them or, as far as that can be undone, none.
func (w *file) add(lines []byte) error {
	n, err := w.Write(lines)
	if err == nil {
		err = w.Sync()
	}
	if err != nil {
		return errors.Join(err, w.Truncate(w.size))
	}
	w.size += int64(n)
	return nil
}

// there tells whether its path still leads to the file.
func (w *file) there() bool {
	named, err := os.Stat(w.path)
	if err != nil {
		return false
	}
	open, err := w.Stat()
	return err == nil && os.SameFile(named, open)
}

// lock waits until nobody else writes to the file, or rewrites it.
func lock(ctx context.Context, f *os.File) error {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s is locked: %w", filepath.Base(f.Name()), ctx.Err())
		case <-time.After(lockPause):
		}
	}
}

func unlock(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_UN) }

// syncDirectory has the disk know which files there are.
func syncDirectory(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Close ends the use of the archive.
func (f *Files) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.current == nil {
		return nil
	}
	w := f.current
	f.current = nil
	return w.Close()
}

// names are the paths of all files, the oldest first.
func (f *Files) names() (all []string, err error) {
	entries, err := os.ReadDir(f.dir) // in the order of their names
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "audit-") && strings.HasSuffix(e.Name(), ending) {
			all = append(all, filepath.Join(f.dir, e.Name()))
		}
	}
	return all, err
}

// Prune removes the files that were written to for the last time before then.
func (f *Files) Prune(ctx context.Context, before time.Time) error {
	names, err := f.names()
	if err != nil {
		return err
	}
	var errs []error
	for _, path := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		info, err := os.Stat(path)
		if err == nil && info.ModTime().Before(before) {
			errs = append(errs, os.Remove(path))
		} else if err != nil && !errors.Is(err, fs.ErrNotExist) { // another worker prunes too
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
