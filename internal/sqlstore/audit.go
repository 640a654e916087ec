package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/otpipe/otpipe/internal/audit"
	"github.com/otpipe/otpipe/internal/otp"
)

const (
	queryLimit = 10 * time.Second
	walkMost   = 1000 // records read at a time
)

// columns are those of a record, in the order of its values.
const columns = "partition, seq, at, entry, kind, verification, namespace, send, attempt, provider, reason, actor, request, anchor, personal, personal_sum, prev, sum"

// Append keeps records of one partition.
func (d *DB) Append(ctx context.Context, records []otp.Record) error {
	if len(records) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, queryLimit)
	defer cancel()
	if err := d.makeMonths(ctx, records); err != nil {
		return fmt.Errorf("keep records: %w", err)
	}
	tx, err := d.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("keep records: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // of no effect once it is committed
	if err := d.insert(ctx, tx, records); err != nil {
		return fmt.Errorf("keep records: %w", err)
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("keep records: %w", err)
	}
	return nil
}

// insert keeps records where their places are free, and then looks whether it is
// they who have them.
func (d *DB) insert(ctx context.Context, tx *sql.Tx, records []otp.Record) error {
	if d.kind == postgres { // the place of a record is not its key alone, so one at a time
		if _, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock(hashtext('otpipe_audit'), $1)", int(records[0].Partition)); err != nil {
			return err
		}
	}
	put, err := tx.PrepareContext(ctx, d.says("INSERT INTO otpipe_audit ("+columns+") VALUES ("+places(1, 18)+") ON CONFLICT DO NOTHING"))
	if err != nil {
		return err
	}
	defer func() { _ = put.Close() }()
	for _, r := range records {
		values, err := valuesOf(r)
		if err != nil {
			return err
		}
		if _, err := put.ExecContext(ctx, values...); err != nil {
			return err
		}
	}
	return d.inPlace(ctx, tx, records)
}

func (d *DB) inPlace(ctx context.Context, tx *sql.Tx, records []otp.Record) error {
	sums := map[uint64]string{}
	for _, r := range records {
		sums[r.Seq] = r.Sum
	}
	first, last := records[0], records[len(records)-1]
	rows, err := tx.QueryContext(ctx, d.says("SELECT seq, sum FROM otpipe_audit WHERE partition = $1 AND seq BETWEEN $2 AND $3"), int(first.Partition), int64(first.Seq), int64(last.Seq))
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var seq uint64
		var sum string
		if err := rows.Scan(&seq, &sum); err != nil {
			return err
		}
		if sums[seq] != sum {
			return fmt.Errorf("record %d of partition %s: %w", seq, first.Partition, audit.ErrForked)
		}
	}
	return rows.Err()
}

// says writes a statement's places as the database has them: $1, or ?1.
func (d *DB) says(statement string) string {
	if d.kind == sqlite {
		return strings.ReplaceAll(statement, "$", "?")
	}
	return statement
}

// places are so many, from one on.
func places(from, count int) string {
	all := make([]string, count)
	for i := range all {
		all[i] = "$" + strconv.Itoa(from+i)
	}
	return strings.Join(all, ", ")
}

func valuesOf(r otp.Record) ([]any, error) {
	var anchor, personal sql.NullString
	if r.Personal != nil {
		b, err := json.Marshal(r.Personal)
		if err != nil {
			return nil, err
		}
		personal = sql.NullString{String: string(b), Valid: true}
		anchor = sql.NullString{String: string(r.Personal.Anchor), Valid: r.Personal.Anchor != ""}
	}
	return []any{
		int(r.Partition), int64(r.Seq), r.At.UnixMilli(), r.Entry, r.Kind, string(r.Verification), string(r.Namespace), r.Send, r.Attempt,
		r.Provider, r.Reason, r.Actor, r.Request, anchor, personal, r.PersonalSum, r.Prev, r.Sum,
	}, nil
}

func read(rows *sql.Rows) (r otp.Record, err error) {
	var at int64
	var anchor, personal sql.NullString
	err = rows.Scan(&r.Partition, &r.Seq, &at, &r.Entry, &r.Kind, &r.Verification, &r.Namespace, &r.Send, &r.Attempt,
		&r.Provider, &r.Reason, &r.Actor, &r.Request, &anchor, &personal, &r.PersonalSum, &r.Prev, &r.Sum)
	if err != nil {
		return r, err
	}
	r.At = time.UnixMilli(at).UTC()
	if personal.Valid {
		if err := json.Unmarshal([]byte(personal.String), &r.Personal); err != nil {
			return r, fmt.Errorf("record %d of partition %s: its personal part is no JSON", r.Seq, r.Partition)
		}
	}
	return r, nil
}

// query visits the records that a question finds.
func (d *DB) query(ctx context.Context, visit func(otp.Record) error, question string, args ...any) error {
	ctx, cancel := context.WithTimeout(ctx, queryLimit)
	defer cancel()
	rows, err := d.db.QueryContext(ctx, d.says("SELECT "+columns+" FROM otpipe_audit "+question), args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		r, err := read(rows)
		if err != nil {
			return err
		}
		if err := visit(r); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Walk visits the records of a partition in the order of their chain, from one on.
func (d *DB) Walk(ctx context.Context, p otp.Partition, from uint64, _ time.Time, visit func(otp.Record) error) error {
	for more := true; more; {
		var page []otp.Record
		err := d.query(ctx, func(r otp.Record) error { page = append(page, r); return nil },
			"WHERE partition = $1 AND seq >= $2 ORDER BY seq, at LIMIT $3", int(p), int64(from), walkMost)
		if err != nil {
			return fmt.Errorf("read the trail: %w", err)
		}
		for _, r := range page {
			if err := visit(r); err != nil {
				return err
			}
			from = r.Seq + 1
		}
		more = len(page) == walkMost
	}
	return nil
}

// Search finds the newest records first.
func (d *DB) Search(ctx context.Context, q audit.Query) (found []otp.Record, next string, err error) {
	question, args, err := ask(q)
	if err != nil {
		return nil, "", err
	}
	err = d.query(ctx, func(r otp.Record) error { found = append(found, r); return nil }, question, args...)
	if err != nil {
		return nil, "", fmt.Errorf("search the trail: %w", err)
	}
	if len(found) > q.Limit {
		found = found[:q.Limit]
		next = audit.CursorOf(found[q.Limit-1])
	}
	return found, next, nil
}

// ask puts a query into words.
func ask(q audit.Query) (question string, args []any, err error) {
	var wants []string
	want := func(condition string, values ...any) {
		wants = append(wants, strings.ReplaceAll(condition, "%", places(len(args)+1, len(values))))
		args = append(args, values...)
	}
	if q.Anchor != "" {
		want("anchor = %", string(q.Anchor))
	}
	if q.Verification != "" {
		want("verification = % AND verification <> ''", string(q.Verification))
	}
	if q.Actor != "" {
		want("actor = % AND actor <> ''", q.Actor)
	}
	if len(q.Kinds) > 0 {
		want("kind IN (%)", anys(q.Kinds)...)
	}
	if len(q.Namespaces) > 0 {
		want("namespace IN (%)", anys(q.Namespaces)...)
	}
	if !q.From.IsZero() {
		want("at >= %", q.From.UnixMilli())
	}
	if !q.Until.IsZero() {
		want("at < %", q.Until.UnixMilli())
	}
	if q.Cursor != "" {
		r, err := audit.ParseCursor(q.Cursor)
		if err != nil {
			return "", nil, err
		}
		want("(at, partition, seq) < (%)", r.At.UnixMilli(), int(r.Partition), int64(r.Seq))
	}
	if len(wants) > 0 {
		question = "WHERE " + strings.Join(wants, " AND ")
	}
	args = append(args, q.Limit+1)
	return question + " ORDER BY at DESC, partition DESC, seq DESC LIMIT $" + strconv.Itoa(len(args)), args, nil
}

func anys[T ~string](all []T) (values []any) {
	for _, v := range all {
		values = append(values, string(v))
	}
	return values
}

// Forget erases the personal part of all records about a recipient.
func (d *DB) Forget(ctx context.Context, of otp.Anchor) (int, error) {
	done, err := d.db.ExecContext(ctx, d.says("UPDATE otpipe_audit SET personal = NULL, anchor = NULL WHERE anchor = $1"), string(of))
	if err != nil {
		return 0, fmt.Errorf("forget in the trail: %w", err)
	}
	n, err := done.RowsAffected()
	if d.kind == sqlite && err == nil {
		err = d.checkpoint(ctx)
	}
	return int(n), err
}

// checkpoint empties SQLite's log, in which what was erased lies too, once those who
// read at the moment are done.
func (d *DB) checkpoint(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, migrateLimit)
	defer cancel()
	for {
		var busy, log, moved int
		if err := d.db.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &log, &moved); err != nil || busy == 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("somebody reads the database all the time, and its log still has what was erased: %w", ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// Prune gives up whole months in PostgreSQL, and single records in SQLite.
func (d *DB) Prune(ctx context.Context, before time.Time) error {
	if d.kind == sqlite {
		_, err := d.db.ExecContext(ctx, "DELETE FROM otpipe_audit WHERE at < ?1", before.UnixMilli())
		return err
	}
	months, err := d.months(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, m := range months {
		if !m.AddDate(0, 1, 0).After(before) {
			d.made.Delete(m)
			_, err := d.db.ExecContext(ctx, "DROP TABLE IF EXISTS "+tableOf(m))
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// tableOf is the name of a month's partition.
func tableOf(month time.Time) string { return "otpipe_audit_" + month.Format("2006_01") }

var monthForm = regexp.MustCompile(`^otpipe_audit_(\d{4}_\d{2})$`)

// months are those that have a partition.
func (d *DB) months(ctx context.Context) (all []time.Time, err error) {
	rows, err := d.db.QueryContext(ctx, "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'otpipe_audit'::regclass")
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		if m := monthForm.FindStringSubmatch(name); m != nil {
			month, err := time.Parse("2006_01", m[1])
			if err != nil {
				return nil, err
			}
			all = append(all, month)
		}
	}
	return all, rows.Err()
}

// makeMonths makes the partitions that records need, and the one after them: to make
// one keeps others from the table for a moment, which is better before it is needed.
func (d *DB) makeMonths(ctx context.Context, records []otp.Record) error {
	if d.kind == sqlite {
		return nil
	}
	for _, r := range records {
		month := time.Date(r.At.Year(), r.At.Month(), 1, 0, 0, 0, 0, time.UTC)
		for _, m := range []time.Time{month, month.AddDate(0, 1, 0)} {
			if err := d.makeMonth(ctx, m); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *DB) makeMonth(ctx context.Context, m time.Time) error {
	if _, there := d.made.Load(m); there {
		return nil
	}
	tx, err := d.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // of no effect once it is committed
	if _, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock(hashtext('otpipe_audit months'))"); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, fmt.Sprintf("CREATE TABLE IF NOT EXISTS %s PARTITION OF otpipe_audit FOR VALUES FROM (%d) TO (%d)",
		tableOf(m), m.UnixMilli(), m.AddDate(0, 1, 0).UnixMilli()))
	if err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	d.made.Store(m, true)
	return nil
}
