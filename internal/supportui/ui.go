// Package supportui is the face for support staff: server-rendered pages that
// tell where a code is and let operators act on it. They work without
// JavaScript and are live with it. It runs in the api, on a listener of its own.
package supportui

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/support"
)

// Page answers a request of a person who has signed in.
type Page func(w http.ResponseWriter, r *http.Request, who otp.Staff)

// Guard is the only way in: it knows who has signed in, and answers everybody
// else itself. It is used by many goroutines at once.
type Guard interface {
	// Routes adds the pages by which people come in and go out.
	Routes(mux *http.ServeMux)
	// Guard serves a page to those who are in.
	Guard(next Page) http.Handler
	// Watch is Guard for streams: that one is opened is no click, which would keep
	// a person signed in.
	Watch(next Page) http.Handler
	// Still tells whether the one who sent a request is still in, and who they are
	// by now. It is for streams, which outlive the look at their beginning.
	Still(r *http.Request) (otp.Staff, bool)
	// From is where a request comes from; the zero Addr if that is not known.
	From(r *http.Request) netip.Addr
}

// UI serves the pages. It is wired by app; every field is required.
type UI struct {
	Door     Guard
	Support  *support.Service
	Overview Overview
	Log      *slog.Logger
	Stopping <-chan struct{} // closed: streams end
}

const (
	// policy leaves no inline script or style to whoever finds a hole in the templates.
	policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
		"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

	// pageLimit is how long a page may take: the store answers in milliseconds or not at all.
	pageLimit = 3 * time.Second

	// maxForm bounds what a form may send, in bytes.
	maxForm = 16 << 10
)

// Handler serves everything.
func (u *UI) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /static/{file}", http.HandlerFunc(serveStatic))
	mux.Handle("GET /favicon.ico", http.HandlerFunc(serveStatic))
	u.Door.Routes(mux)
	mux.Handle("GET /{$}", u.page(otp.Viewer, u.showSearch))
	mux.Handle("GET /overview", u.page(otp.Viewer, u.showOverview))
	mux.Handle("POST /search", u.page(otp.Viewer, u.search))
	mux.Handle("GET /recipients/{whose}", u.page(otp.Viewer, u.showRecipient))
	mux.Handle("GET /verifications/{id}", u.page(otp.Viewer, u.showFile))
	mux.Handle("GET /verifications/{id}/live", u.Door.Watch(u.allow(otp.Viewer, u.streamFile)))
	mux.Handle("GET /verifications/{id}/summary.txt", u.page(otp.Viewer, u.sendSummary))
	mux.Handle("GET /factors/{id}", u.page(otp.Viewer, u.showFactor))
	for _, a := range acts {
		mux.Handle("GET /verifications/{id}/"+a.Path, u.page(a.least, u.askToAct(a)))
		mux.Handle("POST /verifications/{id}/"+a.Path, u.page(a.least, u.act(a)))
	}
	mux.Handle("/", u.page(otp.Viewer, u.nothing))
	return u.everyAnswer(http.NewCrossOriginProtection().Handler(mux))
}

// page serves next to those who are in and may do so.
func (u *UI) page(least otp.Role, next Page) http.Handler {
	return u.Door.Guard(u.allow(least, next))
}

func (u *UI) allow(least otp.Role, next Page) Page {
	return func(w http.ResponseWriter, r *http.Request, who otp.Staff) {
		if !who.Role.Includes(least) {
			u.refuse(w, r, who, http.StatusForbidden, "This needs the role "+string(least)+". Yours is "+string(who.Role)+".")
			return
		}
		next(w, r, who)
	}
}

// everyAnswer gives every answer what keeps a browser from being turned against
// its user, and takes no more than a form from anybody.
func (u *UI) everyAnswer(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
		h.Set("Cache-Control", "no-store")
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		next.ServeHTTP(w, r.WithContext(otp.WithClient(r.Context(), u.Door.From(r))))
	})
}

// within bounds a page's questions to the store.
func within(r *http.Request) (context.Context, context.CancelFunc) {
	return context.WithTimeout(r.Context(), pageLimit)
}
