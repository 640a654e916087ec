// Package pgtest gives every test its own empty database on a real PostgreSQL, which
// it starts. It is imported by tests alone.
package pgtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

var (
	once  sync.Once
	dir   string // of the socket
	errUp error
	next  atomic.Int32
)

const patience = time.Minute

// URL reaches an empty database of the server that the tests of this process share.
func URL(t testing.TB) string {
	t.Helper()
	once.Do(func() { errUp = start() })
	if errUp != nil {
		t.Fatalf("pgtest: %v (make deps installs postgresql)", errUp)
	}
	name := fmt.Sprintf("test_%d", next.Add(1))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := run(ctx, urlOf("postgres"), "CREATE DATABASE "+name); err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	return urlOf(name)
}

// Shut throws everybody out of a database and lets nobody in, as if its server had
// died, until open is called.
func Shut(t testing.TB, database string) (open func()) {
	t.Helper()
	name := strings.TrimPrefix(strings.Split(database, "?")[0], "postgres:///")
	do := func(statement string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
		defer cancel()
		if err := run(ctx, urlOf("postgres"), statement); err != nil {
			t.Fatalf("pgtest: %v", err)
		}
	}
	do("ALTER DATABASE " + name + " WITH ALLOW_CONNECTIONS false")
	do("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '" + name + "'")
	return func() { do("ALTER DATABASE " + name + " WITH ALLOW_CONNECTIONS true") }
}

func urlOf(database string) string {
	return fmt.Sprintf("postgres:///%s?host=%s&user=postgres", database, dir)
}

func run(ctx context.Context, url, statement string) error {
	c, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close(ctx) }()
	_, err = c.Exec(ctx, statement)
	return err
}

// start starts a server on a socket in a directory of its own. PostgreSQL refuses to
// be root: then it is the user that its package has made.
func start() (err error) {
	removeOld()
	if dir, err = os.MkdirTemp("", "pgtest"); err != nil {
		return err
	}
	as, err := owner(dir)
	if err != nil {
		return err
	}
	initdb, err := find("initdb")
	if err != nil {
		return err
	}
	data := filepath.Join(dir, "data")
	cmd := exec.Command(initdb, "-D", data, "-U", "postgres", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C") //nolint:gosec,noctx // of tests
	cmd.Dir, cmd.SysProcAttr = dir, &syscall.SysProcAttr{Credential: as}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, bytes.TrimSpace(out))
	}
	if err := configure(filepath.Join(data, "postgresql.conf"), "fsync = off"); err != nil {
		return err
	}
	return serve(data, as)
}

func configure(file, line string) error {
	f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(line + "\n")
	return errors.Join(err, f.Close())
}

// Durable has the server write through to the disk from now on, as one does that is
// no test's: for measurements.
func Durable(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for _, statement := range []string{"ALTER SYSTEM SET fsync = on", "SELECT pg_reload_conf()"} {
		if err := run(ctx, urlOf("postgres"), statement); err != nil {
			t.Fatalf("pgtest: %v", err)
		}
	}
}

// removeOld removes what runs before have left: a server ends with its tests, and
// nobody is there then to remove its files.
func removeOld() {
	old, _ := filepath.Glob(filepath.Join(os.TempDir(), "pgtest*"))
	for _, dir := range old {
		if info, err := os.Stat(dir); err == nil && time.Since(info.ModTime()) > time.Hour {
			_ = os.RemoveAll(dir)
		}
	}
}

// serve starts the process from a thread that is kept for good: the kernel ends the
// server with that thread, so none outlives tests that were killed.
func serve(data string, as *syscall.Credential) error {
	server, err := find("postgres")
	if err != nil {
		return err
	}
	cmd := exec.Command(server, "-D", data, "-k", dir, "-h", "", "-c", "max_connections=200") //nolint:gosec,noctx // of tests
	cmd.Dir, cmd.SysProcAttr = dir, &syscall.SysProcAttr{Credential: as, Pdeathsig: syscall.SIGQUIT}
	var said bytes.Buffer
	cmd.Stderr = &said
	up, gone := make(chan error, 1), make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		err := cmd.Start()
		up <- err
		if err == nil {
			gone <- cmd.Wait()
		}
	}()
	if err := <-up; err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for err := run(ctx, urlOf("postgres"), "SELECT 1"); err != nil; err = run(ctx, urlOf("postgres"), "SELECT 1") {
		select {
		case end := <-gone:
			return fmt.Errorf("postgres ended: %w: %s", end, said.String())
		case <-ctx.Done():
			return fmt.Errorf("postgres does not answer: %w", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
}

// owner is who the server is, and owns the directory.
func owner(dir string) (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil //nolint:nilnil // the server is whoever we are
	}
	who, err := user.Lookup("postgres")
	if err != nil {
		return nil, err
	}
	uid, err := strconv.ParseUint(who.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(who.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, os.Chown(dir, int(uid), int(gid))
}

// find looks where Debian keeps a server's programs, the newest version's first.
func find(program string) (string, error) {
	if path, err := exec.LookPath(program); err == nil {
		return path, nil
	}
	all, err := filepath.Glob("/usr/lib/postgresql/*/bin/" + program)
	if err != nil || len(all) == 0 {
		return "", fmt.Errorf("%s is not there", program)
	}
	return slices.Max(all), nil
}
