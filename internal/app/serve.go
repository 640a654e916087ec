package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/net/netutil"

	"github.com/otpipe/otpipe/internal/certfile"
	"github.com/otpipe/otpipe/internal/config"
)

const (
	headerTimeout = 5 * time.Second
	readTimeout   = 10 * time.Second
	writeTimeout  = 15 * time.Second
	idleTimeout   = 2 * time.Minute
	maxHeader     = 16 << 10         // bytes
	pingAfter     = 10 * time.Second // without a frame of HTTP/2
	pingTimeout   = 5 * time.Second
	streams       = 100 // of HTTP/2 on a connection; net/http starts no more handlers for streams that were reset
	drainTimeout  = 10 * time.Second
	noticeTime    = time.Second
)

// listen takes an address before anything else starts, so that a port that is
// taken is told at once.
func listen(what, addr string) (net.Listener, error) {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen for %s: %w", what, err)
	}
	return l, nil
}

// face is what a process answers on an address of its own.
type face struct {
	name        string // in the log
	what        string // it listens for
	addr        string
	files       certfile.Files // of its certificate, if it has one
	connections int            // at once; others wait
	handler     http.Handler

	tls      *tls.Config // from listenAll, as the rest
	listener net.Listener
}

// How many connections there are at most where few come: the staff's browsers, and
// who asks for health and metrics.
const staffConnections, adminConnections = 1000, 1000

// adminFace is where a process tells of its health.
func adminFace(addr string, t config.TLS, h http.Handler) face {
	return face{name: "admin", what: "health and metrics", addr: addr, files: t.Files(), connections: adminConnections, handler: h}
}

// listenAll takes the addresses of all faces or of none, and tells them as the
// log has them.
func listenAll(faces []face, certs certificates) (told []any, err error) {
	for i := range faces {
		f := &faces[i]
		if f.tls, err = certs.open(f.name, f.files, "h2", "http/1.1"); err == nil {
			f.listener, err = listen(f.what, f.addr)
		}
		if err != nil {
			for _, taken := range faces[:i] {
				_ = taken.listener.Close()
			}
			return nil, err
		}
		told = append(told, f.name, f.listener.Addr().String())
	}
	return told, nil
}

// serve answers until ctx ends, and then lets running requests finish.
//
// net/http drops a request that it has read but not begun when Shutdown is
// called. So the listener is closed first, every answer from then on closes its
// connection, and Shutdown comes when clients have had time to notice.
func serve(ctx context.Context, f face, log *slog.Logger) error {
	l := netutil.LimitListener(f.listener, f.connections)
	srv := &http.Server{
		Handler: closing(ctx, f.handler), ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader, DisableGeneralOptionsHandler: true, // "OPTIONS *" is answered like everything else
		HTTP2:    &http.HTTP2Config{MaxConcurrentStreams: streams, SendPingTimeout: pingAfter, PingTimeout: pingTimeout, WriteByteTimeout: writeTimeout},
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, 1)
	go func() {
		if f.tls == nil {
			failed <- srv.Serve(l)
			return
		}
		srv.TLSConfig, srv.Handler = f.tls, strict(srv.Handler)
		failed <- srv.ServeTLS(l, "", "")
	}()
	select {
	case err := <-failed:
		return fmt.Errorf("serve %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	_ = l.Close()
	time.Sleep(noticeTime)
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	if err := srv.Shutdown(stop); err != nil && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("stop serving %s: %w", l.Addr(), err)
	}
	return srv.Close()
}

// strict tells browsers to come by TLS alone from now on (RFC 6797).
func strict(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Strict-Transport-Security", "max-age=31536000")
		next.ServeHTTP(w, r)
	})
}

// closing ends a connection with its next answer once ctx has ended.
//
// It also does behind a body in chunks, which may have had a length too, and behind
// a request of HTTP/1.0, which may have said that it comes in chunks: net/http
// hides the one and the other, and a proxy that goes by it may take for a body what
// is a request here (RFC 9112 §6.1).
func closing(ctx context.Context, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if ctx.Err() != nil || len(r.TransferEncoding) > 0 || !r.ProtoAtLeast(1, 1) {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}
