package devkit

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// Credentials that the Twilio on loopback takes. They open nothing else.
const (
	TwilioAccount = "AC00000000000000000000000000000000"
	TwilioToken   = "0123456789abcdef0123456789abcdef"
)

// World is the outside world, running: a Twilio, a mail server and the inbox
// they deliver to.
type World struct {
	Inbox  *Inbox
	Chaos  *Chaos
	Twilio *Twilio

	twilio, mail, web net.Listener
	sink              *SMTP
	servers           []*http.Server
	running           sync.WaitGroup
}

// StartWorld starts the outside world. inbox is where the inbox listens, a
// loopback address; the vendors take ports of their own. page is what the inbox
// shows beside what it receives.
func StartWorld(inbox string, page Web) (*World, error) {
	w := &World{Inbox: &Inbox{}, Chaos: &Chaos{}}
	w.Twilio = &Twilio{AccountSID: TwilioAccount, AuthToken: TwilioToken, Inbox: w.Inbox, Chaos: w.Chaos, HTTP: &http.Client{Timeout: 5 * time.Second}}
	w.sink = &SMTP{Inbox: w.Inbox, Chaos: w.Chaos}
	for what, l := range map[string]struct {
		listener *net.Listener
		addr     string
	}{"the inbox": {&w.web, inbox}, "twilio": {&w.twilio, "127.0.0.1:0"}, "smtp": {&w.mail, "127.0.0.1:0"}} {
		var err error
		if *l.listener, err = Listen(l.addr); err != nil {
			w.closeListeners()
			return nil, fmt.Errorf("listen for %s: %w", what, err)
		}
	}
	page.Inbox, page.Chaos = w.Inbox, w.Chaos
	w.serve(w.web, page.Handler())
	w.serve(w.twilio, w.Twilio)
	w.running.Go(func() { _ = w.sink.Serve(w.mail) })
	return w, nil
}

// Listen listens on loopback and nowhere else: what dev mode shows is for the
// person at this machine.
func Listen(addr string) (net.Listener, error) {
	if err := Loopback(addr); err != nil {
		return nil, err
	}
	return (&net.ListenConfig{}).Listen(context.Background(), "tcp", addr)
}

// Loopback refuses an address that others can reach.
func Loopback(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("want an address such as 127.0.0.1:8080: %w", err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return errors.New("dev mode listens on loopback only: want 127.0.0.1, [::1] or localhost before the port")
	}
	return nil
}

func (w *World) serve(l net.Listener, h http.Handler) {
	srv := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	w.servers = append(w.servers, srv)
	w.running.Go(func() { _ = srv.Serve(l) })
}

// TwilioURL is the base URL of the Twilio.
func (w *World) TwilioURL() string { return "http://" + w.twilio.Addr().String() }

// InboxURL is where the inbox is.
func (w *World) InboxURL() string { return "http://" + w.web.Addr().String() }

// Mail is where the mail server listens.
func (w *World) Mail() *net.TCPAddr {
	addr, _ := w.mail.Addr().(*net.TCPAddr)
	return addr
}

// Close ends the outside world.
func (w *World) Close() {
	for _, s := range w.servers {
		_ = s.Close()
	}
	w.Twilio.Close()
	w.sink.Close()
	w.running.Wait()
}

func (w *World) closeListeners() {
	for _, l := range []net.Listener{w.web, w.twilio, w.mail} {
		if l != nil {
			_ = l.Close()
		}
	}
}
