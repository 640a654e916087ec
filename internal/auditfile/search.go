package auditfile

import (
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"slices"

	"github.com/otpipe/otpipe/internal/audit"
	"github.com/otpipe/otpipe/internal/otp"
)

// Search reads all files, and keeps no more than it returns: it is for trails of
// some gigabytes. A larger one belongs in a database.
func (f *Files) Search(ctx context.Context, q audit.Query) (found []otp.Record, next string, err error) {
	before, err := audit.ParseCursor(q.Cursor)
	if err != nil {
		return nil, "", err
	}
	names, err := f.names()
	if err != nil {
		return nil, "", err
	}
	best := newest{most: q.Limit + 1}
	for _, path := range names {
		err := scan(ctx, path, func(r otp.Record) {
			if q.Wants(r) && (before == nil || newestFirst(*before, r) < 0) {
				best.add(r)
			}
		})
		if err != nil {
			return nil, "", err
		}
	}
	if found = best.all; len(found) > q.Limit {
		found = found[:q.Limit]
		next = audit.CursorOf(found[q.Limit-1])
	}
	return found, next, nil
}

// scan reads a whole file. One that has been given up meanwhile has nothing.
func scan(ctx context.Context, path string, visit func(otp.Record)) error {
	l, err := openLines(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }()
	for ctx.Err() == nil {
		r, err := l.record(nil)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		visit(r)
	}
	return ctx.Err()
}

// newest are the newest records, at most so many, each once.
type newest struct {
	most int
	all  []otp.Record
}

func (n *newest) add(r otp.Record) {
	i, there := slices.BinarySearchFunc(n.all, r, newestFirst)
	if there || i >= n.most {
		return
	}
	n.all = slices.Insert(n.all, i, r)
	n.all = n.all[:min(len(n.all), n.most)]
}

// newestFirst is the order of a search.
func newestFirst(a, b otp.Record) int {
	return cmp.Or(b.At.Compare(a.At), cmp.Compare(b.Partition, a.Partition), cmp.Compare(b.Seq, a.Seq))
}
