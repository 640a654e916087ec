package main

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"sync"
	"time"

	"github.com/otpipe/otpipe/internal/devkit" //nolint:depguard // the bench plays the outside world too
)

// sink is the provider: a Twilio on loopback that reports back as the real one
// does and notes when a message for whom arrived.
type sink struct {
	addr   string
	server *http.Server
	twilio *devkit.Twilio

	mu       sync.Mutex
	arrivals map[string][]arrival // by address
}

// arrival is one request at the provider.
type arrival struct {
	at   time.Time
	code string
}

var codeForm = regexp.MustCompile(`\b\d{6}\b`)

func openSink() (*sink, error) {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &sink{addr: l.Addr().String(), arrivals: map[string][]arrival{}}
	s.twilio = &devkit.Twilio{
		AccountSID: devkit.TwilioAccount, AuthToken: devkit.TwilioToken, Inbox: &devkit.Inbox{},
		HTTP: &http.Client{Timeout: answerLimit}, OnRequest: s.note,
	}
	s.server = &http.Server{Handler: s.twilio, ReadHeaderTimeout: answerLimit}
	go func() { _ = s.server.Serve(l) }() // until close
	return s, nil
}

func (s *sink) note(form url.Values) {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	to := form.Get("To")
	s.arrivals[to] = append(s.arrivals[to], arrival{now, codeForm.FindString(form.Get("Body"))})
}

// at lists what arrived for an address.
func (s *sink) at(to string) []arrival {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.arrivals[to]
}

// await waits until something has arrived for all of the first n recipients, and
// for the reports to be out. It returns how many have got nothing.
func (s *sink) await(ctx context.Context, n int) (missing int) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for i := range n {
		for len(s.at(recipient(i))) == 0 {
			select {
			case <-ctx.Done():
				missing++
			case <-time.After(time.Millisecond):
				continue
			}
			break
		}
	}
	s.twilio.Wait()
	return missing
}

// forget begins anew.
func (s *sink) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.arrivals = map[string][]arrival{}
}

func (s *sink) close() {
	_ = s.server.Close()
	s.twilio.Close()
}
