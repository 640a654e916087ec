package app

import (
	"context"
	"crypto/tls"
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
	addr, secure := adminOf(name, c)
	if err := askReady(ctx, addr, secure); err != nil {
		_, _ = fmt.Fprintf(wrong, "the %s is not ready: %v\n", name, err)
		return ExitUnavailable
	}
	return ExitStopped
}

// adminOf is where a process' health is told.
func adminOf(name string, c config.Config) (addr string, secure config.TLS) {
	if name == "worker" {
		return c.Worker.Admin, c.Worker.AdminTLS
	}
	return c.API.Admin, c.API.AdminTLS
}

// askReady fails with what the process says if it is not ready. Over TLS it shows the
// process' own certificate, should it want to see one.
func askReady(ctx context.Context, admin string, secure config.TLS) error {
	host, port, err := net.SplitHostPort(admin)
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); host == "" || ip.IsUnspecified() {
		host = "localhost"
	}
	scheme, direct := "http", &http.Transport{} // whatever proxy the environment names
	if secure.Files().On() {
		// It is this host's own process that is asked, under whatever name, and it is told nothing.
		scheme, direct.TLSClientConfig = "https", &tls.Config{InsecureSkipVerify: true} //nolint:gosec // as above
		if pair, err := tls.LoadX509KeyPair(secure.Cert, secure.Key); err == nil {
			direct.TLSClientConfig.Certificates = []tls.Certificate{pair}
		}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+net.JoinHostPort(host, port)+"/readyz", nil) //nolint:gosec // the address that the process of this configuration listens on
	if err != nil {
		return err
	}
	res, err := direct.RoundTrip(req)
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
