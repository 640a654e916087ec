package app

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/otpipe/otpipe/internal/config"
)

// ready asks the process that runs with the same configuration whether it is
// ready, and returns the exit code: a container without a shell checks its health
// so.
func ready(ctx context.Context, name string, c config.Config, wrong io.Writer) int {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := askReady(ctx, adminOf(name, c)); err != nil {
		_, _ = fmt.Fprintf(wrong, "the %s is not ready: %v\n", name, err)
		return ExitUnavailable
	}
	return ExitStopped
}

// adminOf is where a process' health is told.
func adminOf(name string, c config.Config) string {
	if name == "worker" {
		return c.Worker.Admin
	}
	return c.API.Admin
}

// askReady fails with what the process says if it is not ready.
func askReady(ctx context.Context, admin string) error {
	host, port, err := net.SplitHostPort(admin)
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); host == "" || ip.IsUnspecified() {
		host = "localhost"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/readyz", nil) //nolint:gosec // the address that the process of this configuration listens on
	if err != nil {
		return err
	}
	direct := &http.Client{Transport: &http.Transport{}} // whatever proxy the environment names
	res, err := direct.Do(req)                           //nolint:gosec // as above
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode == http.StatusOK {
		return nil
	}
	said, _ := io.ReadAll(io.LimitReader(res.Body, 200))
	return fmt.Errorf("%s: %s", res.Status, strings.TrimSpace(string(said)))
}
