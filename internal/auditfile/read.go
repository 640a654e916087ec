package auditfile

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

// lines reads the records of a file one by one.
type lines struct {
	f    *os.File
	r    *bufio.Reader
	path string
	n    int
}

func openLines(path string) (*lines, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	return &lines{f: f, r: bufio.NewReaderSize(f, 64<<10), path: path}, nil
}

func (l *lines) Close() error { return l.f.Close() }

// next is the next line whose beginning is wanted; io.EOF after the last. A last
// line without an end is what a crash has left of a record that was not kept.
func (l *lines) next(beginning []byte) ([]byte, error) {
	for {
		line, err := l.r.ReadBytes('\n')
		if err != nil {
			return nil, err
		}
		l.n++
		if bytes.HasPrefix(line, beginning) {
			return line, nil
		}
	}
}

// record is the next one of a line whose beginning is wanted.
func (l *lines) record(beginning []byte) (r otp.Record, err error) {
	line, err := l.next(beginning)
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(line, &r); err != nil {
		return r, fmt.Errorf("%s: line %d is no record", filepath.Base(l.path), l.n)
	}
	return r, nil
}

// of is how the lines of a partition begin: records are written with it first.
func of(p otp.Partition) []byte { return []byte(`{"partition":` + strconv.Itoa(int(p)) + `,`) }

// strand is what a file has of a partition's chain, and its first record that has
// not been visited.
type strand struct {
	path  string
	next  otp.Record
	at    int    // its line
	lines *lines // nil until it is its turn
}

// Walk visits the records of a partition in the order of their chain, from one on.
// A line that is no record is an error that names its place.
func (f *Files) Walk(ctx context.Context, p otp.Partition, from uint64, since time.Time, visit func(otp.Record) error) error {
	strands, err := f.strands(ctx, p, since)
	if err != nil {
		return err
	}
	defer func() {
		for _, s := range strands {
			s.close()
		}
	}()
	for len(strands) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		first := slices.MinFunc(strands, func(a, b *strand) int { return cmp.Compare(a.next.Seq, b.next.Seq) })
		if r := first.next; r.Seq >= from {
			if err := visit(r); err != nil {
				return err
			}
		}
		switch err := first.advance(p); {
		case errors.Is(err, io.EOF):
			first.close()
			strands = slices.DeleteFunc(strands, func(s *strand) bool { return s == first })
		case err != nil:
			return err
		}
	}
	return nil
}

// slack is how far the clocks of Redis and of the files may be apart.
const slack = time.Hour

// strands are those of all files that have records of a partition and have been
// written to since then. Only those that are read at the time are open.
func (f *Files) strands(ctx context.Context, p otp.Partition, since time.Time) (all []*strand, err error) {
	names, err := f.names()
	if err != nil {
		return nil, err
	}
	for _, path := range names {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if info, err := os.Stat(path); err == nil && info.ModTime().Before(since.Add(-slack)) {
			continue
		}
		s := &strand{path: path}
		switch err := s.advance(p); {
		case err == nil:
			all = append(all, s)
			s.close()
		case !errors.Is(err, io.EOF) && !errors.Is(err, fs.ErrNotExist):
			return nil, err
		}
	}
	return all, nil
}

// advance goes to the next record of a partition. A strand that was closed goes on
// behind the record that it had.
func (s *strand) advance(p otp.Partition) (err error) {
	if s.lines == nil {
		if s.lines, err = openLines(s.path); err != nil {
			return err
		}
	}
	for {
		if s.next, err = s.lines.record(of(p)); err != nil {
			return err
		}
		if s.lines.n > s.at {
			s.at = s.lines.n
			return nil
		}
	}
}

func (s *strand) close() {
	if s.lines != nil {
		_ = s.lines.Close()
		s.lines = nil
	}
}
