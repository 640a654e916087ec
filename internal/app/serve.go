package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

const (
	headerTimeout = 5 * time.Second
	readTimeout   = 10 * time.Second
	writeTimeout  = 15 * time.Second
	idleTimeout   = 2 * time.Minute
	maxHeader     = 16 << 10 // bytes
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
	name     string // in the log
	what     string // it listens for
	addr     string
	handler  http.Handler
	listener net.Listener // from listenAll
}

// listenAll takes the addresses of all faces or of none, and tells them as the
// log has them.
func listenAll(faces []face) (told []any, err error) {
	for i := range faces {
		f := &faces[i]
		if f.listener, err = listen(f.what, f.addr); err != nil {
			for _, taken := range faces[:i] {
				_ = taken.listener.Close()
			}
			return nil, err
		}
		told = append(told, f.name, f.listener.Addr().String())
	}
	return told, nil
}

// serve answers on l until ctx ends, and then lets running requests finish.
//
// net/http drops a request that it has read but not begun when Shutdown is
// called. So the listener is closed first, every answer from then on closes its
// connection, and Shutdown comes when clients have had time to notice.
func serve(ctx context.Context, l net.Listener, h http.Handler, log *slog.Logger) error {
	srv := &http.Server{
		Handler: closing(ctx, h), ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader, DisableGeneralOptionsHandler: true, // "OPTIONS *" is answered like everything else
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(l) }()
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
