package sqlstore_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"github.com/otpipe/otpipe/internal/audit"
	"github.com/otpipe/otpipe/internal/audittest"
	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/pgtest"
	"github.com/otpipe/otpipe/internal/sqlstore"
)

// open opens a database, closed with the test. where is a URL, or a file's path.
func open(t *testing.T, where string) *sqlstore.DB {
	t.Helper()
	make := sqlstore.OpenSQLite
	if strings.HasPrefix(where, "postgres:") {
		make = sqlstore.OpenPostgres
	}
	db, err := make(t.Context(), where)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func file(t *testing.T) string { return filepath.Join(t.TempDir(), "audit.db") }

// both runs a test on an empty database of each kind.
func both(t *testing.T, test func(t *testing.T, where string)) {
	t.Helper()
	t.Parallel()
	t.Run("postgres", func(t *testing.T) { t.Parallel(); test(t, pgtest.URL(t)) })
	t.Run("sqlite", func(t *testing.T) { t.Parallel(); test(t, file(t)) })
}

func add(t *testing.T, db audit.Archive, records []otp.Record) {
	t.Helper()
	if err := db.Append(t.Context(), records); err != nil {
		t.Fatal(err)
	}
}

func TestADatabaseIsALibrary(t *testing.T) {
	both(t, func(t *testing.T, where string) {
		if where[0] == 'p' {
			audittest.Suite(t, func(t *testing.T) audit.Library { return open(t, pgtest.URL(t)) })
			return
		}
		audittest.Suite(t, func(t *testing.T) audit.Library { return open(t, file(t)) })
	})
}

func TestSeveralProcessesMayMakeTheTablesAtOnce(t *testing.T) {
	both(t, func(t *testing.T, where string) {
		var all sync.WaitGroup
		for p := range otp.Partition(6) {
			all.Go(func() {
				db := open(t, where)
				if err := db.Append(t.Context(), audittest.Chain(t, p, 20)); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		db := open(t, where)
		for p := range otp.Partition(6) {
			if n := len(audittest.Walked(t, db, p, 1)); n != 20 {
				t.Errorf("partition %s has %d", p, n)
			}
		}
	})
}

// Two exporters that both believe a partition theirs: one of them is told.
func TestAForkIsToldAndNotKept(t *testing.T) {
	both(t, func(t *testing.T, where string) {
		one, two := open(t, where), open(t, where)
		chain := audittest.Chain(t, 1, 10)
		add(t, one, chain)
		other := chain[9]
		other.At, other.Reason = other.At.Add(40*24*time.Hour), "another"
		other = audittest.Keys(t).Link(chain[8], other)
		if err := two.Append(t.Context(), []otp.Record{other}); !errors.Is(err, audit.ErrForked) {
			t.Fatalf("%v", err)
		}
		if got := audittest.Walked(t, one, 1, 1); len(got) != 10 || got[9].Sum != chain[9].Sum {
			t.Errorf("%d records, the last %+v", len(got), got[len(got)-1])
		}
	})
}

func TestOfTwoAtTheSameTimeOneHasAPlace(t *testing.T) {
	both(t, func(t *testing.T, where string) {
		chain := audittest.Chain(t, 1, 10)
		add(t, open(t, where), chain)
		var all sync.WaitGroup
		forked := make(chan error, 8)
		for i := range 8 {
			db := open(t, where)
			next := audittest.Keys(t).Link(chain[9], otp.Record{Partition: 1, Entry: "x", At: audittest.Start.AddDate(0, i, 0), Kind: "a"})
			all.Go(func() { forked <- db.Append(t.Context(), []otp.Record{next}) })
		}
		all.Wait()
		close(forked)
		kept := 0
		for err := range forked {
			if err == nil {
				kept++
			} else if !errors.Is(err, audit.ErrForked) {
				t.Error(err)
			}
		}
		if n := len(audittest.Walked(t, open(t, where), 1, 1)); kept != 1 || n != 11 {
			t.Errorf("%d were kept, and there are %d", kept, n)
		}
	})
}

func TestMonthsAreGivenUpWhole(t *testing.T) {
	t.Parallel()
	where := pgtest.URL(t)
	db := open(t, where)
	chain := audittest.Chain(t, 1, 200) // from a minute before June on
	add(t, db, chain)
	for range 2 {
		if err := db.Prune(t.Context(), time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)); err != nil {
			t.Fatal(err)
		}
	}
	got := audittest.Walked(t, db, 1, 1)
	if len(got) != 140 || got[0].Seq != 61 {
		t.Fatalf("%d records, the first %d", len(got), got[0].Seq)
	}
	v, err := audit.Verify(t.Context(), db, audittest.Keys(t), 1, chain[199])
	if err != nil || len(v.Faults) > 0 || v.From != 61 {
		t.Errorf("%+v, %v", v, err)
	}
	add(t, db, chain[:60]) // after a long outage, so to say
	if n := len(audittest.Walked(t, db, 1, 1)); n != 200 {
		t.Errorf("%d records", n)
	}
}

func TestOldRecordsAreGivenUpOneByOne(t *testing.T) {
	t.Parallel()
	db := open(t, file(t))
	add(t, db, audittest.Chain(t, 1, 100))
	if err := db.Prune(t.Context(), audittest.Start.Add(30*time.Second)); err != nil {
		t.Fatal(err)
	}
	if got := audittest.Walked(t, db, 1, 1); len(got) != 70 || got[0].Seq != 31 {
		t.Errorf("%d records, the first %d", len(got), got[0].Seq)
	}
}

// What is erased is not left in the file, nor in its log.
func TestWhatIsForgottenIsNotLeftInTheFile(t *testing.T) {
	t.Parallel()
	where := file(t)
	db := open(t, where)
	add(t, db, audittest.Chain(t, 1, 200))
	if _, err := db.Forget(t.Context(), "anchor-1"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{where, where + "-wal"} {
		text, err := os.ReadFile(name)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		if n := bytes.Count(text, []byte("anchor-1")); n > 0 {
			t.Errorf("%s has it %d times", name, n)
		}
		if strings.HasSuffix(name, ".db") && !bytes.Contains(text, []byte("anchor-2")) {
			t.Error("nothing else is there either")
		}
	}
}

// Somebody who reads keeps SQLite from emptying its log: forgetting waits for them.
func TestForgettingWaitsForWhoReads(t *testing.T) {
	t.Parallel()
	where := file(t)
	db := open(t, where)
	add(t, db, audittest.Chain(t, 1, 50))
	reading, done := make(chan struct{}), make(chan struct{})
	other, err := sql.Open("sqlite", "file:"+where)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	go func() {
		defer close(done)
		tx, err := other.BeginTx(t.Context(), &sql.TxOptions{ReadOnly: true})
		if err != nil {
			t.Error(err)
			close(reading)
			return
		}
		var n int
		if err := tx.QueryRowContext(t.Context(), "SELECT count(*) FROM otpipe_audit").Scan(&n); err != nil {
			t.Error(err)
		}
		close(reading)
		time.Sleep(300 * time.Millisecond) // it reads on meanwhile
		_ = tx.Rollback()
	}()
	<-reading
	if _, err := db.Forget(t.Context(), "anchor-1"); err != nil {
		t.Fatal(err)
	}
	<-done
	if text, err := os.ReadFile(where + "-wal"); err == nil && bytes.Contains(text, []byte("anchor-1\"")) {
		t.Error("its log still has what was erased")
	}
}

func TestAFileIsNobodyElsesToRead(t *testing.T) {
	t.Parallel()
	where := filepath.Join(t.TempDir(), "new", "audit.db")
	add(t, open(t, where), audittest.Chain(t, 1, 3))
	all, err := filepath.Glob(where + "*")
	if err != nil || len(all) == 0 {
		t.Fatal(all, err)
	}
	for _, name := range all {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
}

func TestADatabaseThatCannotBeReachedIsToldWithoutItsPassword(t *testing.T) {
	t.Parallel()
	for _, where := range []string{"postgres://otp:hunter2-hunter2@127.0.0.1:1/otpipe", "postgres://otp:hunter2-hunter2@[/otpipe", "postgres://otp:hunter2-hunter2@127.0.0.1:1/otpipe?sslmode=perhaps"} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		_, err := sqlstore.OpenPostgres(ctx, where)
		cancel()
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v", err)
		}
	}
	if _, err := sqlstore.OpenSQLite(t.Context(), "/proc/no/audit.db"); err == nil {
		t.Error("a file where none can be is opened")
	}
}

// A search by each index reads few of many records.
func TestSearchesUseTheirIndexes(t *testing.T) {
	t.Parallel()
	where := pgtest.URL(t)
	add(t, open(t, where), audittest.Chain(t, 1, 3000))
	db, err := sql.Open("pgx", where)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(t.Context(), "ANALYZE otpipe_audit"); err != nil {
		t.Fatal(err)
	}
	for _, condition := range []string{"anchor = 'anchor-x'", "verification = 'VE01' AND verification <> ''", "actor = 'nobody' AND actor <> ''", "at >= 0"} {
		rows, err := db.QueryContext(t.Context(), "EXPLAIN SELECT * FROM otpipe_audit WHERE "+condition+" ORDER BY at DESC, partition DESC, seq DESC LIMIT 21")
		if err != nil {
			t.Fatal(err)
		}
		var plan strings.Builder
		for rows.Next() {
			var line string
			if err := rows.Scan(&line); err != nil {
				t.Fatal(err)
			}
			plan.WriteString(line + "\n")
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(plan.String(), "Index") || strings.Contains(plan.String(), "Seq Scan on otpipe_audit_2026_06 ") {
			t.Errorf("%s:\n%s", condition, plan.String())
		}
	}
}

// Started by the test below.
func TestWriterThatIsKilled(t *testing.T) {
	where := os.Getenv("SQLSTORE_FILE")
	if where == "" {
		t.Skip("it is another test's process")
	}
	audittest.Write(t, open(t, where))
}

func TestWhatAppendHadReturnedForOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	where := file(t)
	told := audittest.Killed(t, "TestWriterThatIsKilled", "SQLSTORE_FILE="+where)
	if got := audittest.Walked(t, open(t, where), 1, 1); len(got) < told {
		t.Errorf("%d records, and %d were told to be kept", len(got), told)
	}
}
