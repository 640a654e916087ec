package twilio_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

func TestASilentVendorIsGivenUpAtTheDeadlineAndNobodyKnows(t *testing.T) {
	t.Parallel()
	stop := make(chan struct{})
	p := against(t, func(_ http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		<-stop
	})
	t.Cleanup(func() { close(stop) }) // before the server is closed
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	begun := time.Now()
	_, err := p.Send(ctx, message())
	if took := time.Since(begun); took > 2*time.Second {
		t.Errorf("took %s", took)
	}
	wantFault(t, err, otp.FaultUnknown, "timeout")
}

func TestACanceledCallIsUnknownOnceBegun(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	p := against(t, func(_ http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		cancel()
		<-r.Context().Done()
	})
	_, err := p.Send(ctx, message())
	wantFault(t, err, otp.FaultUnknown, "canceled")
}

func TestACallThatNeverBeganIsTheProvidersFault(t *testing.T) {
	t.Parallel()
	p := answering(t, 201, accepted)
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := p.Send(canceled, message())
	wantFault(t, err, otp.FaultProvider, "canceled")
	late, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	_, err = p.Send(late, message())
	wantFault(t, err, otp.FaultProvider, "timeout")
}

func TestARefusedConnectionIsTheProvidersFault(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	_, err := provider(t, s.URL).Send(t.Context(), message())
	if f := wantFault(t, err, otp.FaultProvider, "connection"); !errors.Is(f, syscall.ECONNREFUSED) {
		t.Errorf("have %v", f.Err)
	}
}

func TestABadCertificateIsTheProvidersFault(t *testing.T) {
	t.Parallel()
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.StartTLS()
	t.Cleanup(s.Close)
	_, err := provider(t, s.URL).Send(t.Context(), message())
	wantFault(t, err, otp.FaultProvider, "connection")
}

func TestARequestThatCannotBeMadeIsOurFault(t *testing.T) {
	t.Parallel()
	_, err := provider(t, "http://[").Send(t.Context(), message())
	wantFault(t, err, otp.FaultUs, "request")
}

func TestAConnectionCutBeforeTheAnswerIsUnknownAndNothingIsSentAgain(t *testing.T) {
	t.Parallel()
	var requests atomic.Int32
	p := against(t, func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		if requests.Add(1) == 2 {
			panic(http.ErrAbortHandler)
		}
		_, _ = w.Write([]byte(accepted))
	})
	if _, err := p.Send(t.Context(), message()); err != nil {
		t.Fatal(err)
	}
	_, err := p.Send(t.Context(), message()) // on the connection of the first
	wantFault(t, err, otp.FaultUnknown, "connection")
	if n := requests.Load(); n != 2 {
		t.Errorf("the vendor saw %d requests", n)
	}
}

func TestADeadlineInTheMiddleOfWritingIsUnknown(t *testing.T) {
	t.Parallel()
	p := provider(t, "http://api.example")
	p.HTTP = &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe() // nobody reads: the first write blocks
		t.Cleanup(func() { _ = theirs.Close() })
		return ours, nil
	}}}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := p.Send(ctx, message())
	wantFault(t, err, otp.FaultUnknown, "timeout")
}

// broken is a connection that takes one request and no byte more.
type broken struct {
	net.Conn
	writes atomic.Int32
}

func (b *broken) Write(p []byte) (int, error) {
	if b.writes.Add(1) > 1 {
		return 0, syscall.EPIPE
	}
	return b.Conn.Write(p)
}

func TestAVendorThatWentAwayBetweenTwoMessagesIsTheProvidersFault(t *testing.T) {
	t.Parallel()
	p := answering(t, 201, accepted)
	var dials atomic.Int32
	tr := p.HTTP.Transport.(*http.Transport)
	tr.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		if dials.Add(1) > 1 {
			return nil, syscall.ECONNREFUSED
		}
		c, err := (&net.Dialer{}).DialContext(ctx, network, addr)
		return &broken{Conn: c}, err
	}
	if _, err := p.Send(t.Context(), message()); err != nil {
		t.Fatal(err)
	}
	_, err := p.Send(t.Context(), message())
	wantFault(t, err, otp.FaultProvider, "connection")
	if dials.Load() != 2 {
		t.Error("the kept connection was not tried first")
	}
}

func TestAHundredMessagesAtOnceShareTheConnections(t *testing.T) {
	t.Parallel()
	p := against(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, `{"sid":"SM%032s","status":"queued"}`, r.FormValue("Attempt"))
	})
	var all sync.WaitGroup
	for i := range 100 {
		all.Go(func() {
			m := message()
			m.Attempt = i + 1
			if a, err := p.Send(t.Context(), m); err != nil || a.Ref != fmt.Sprintf("SM%032d", i+1) {
				t.Errorf("have %v, %v", a, err)
			}
		})
	}
	all.Wait()
}
