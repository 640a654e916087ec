package devkit

import (
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
)

// Web shows an inbox to people and to tests, and takes orders for chaos.
type Web struct {
	Inbox *Inbox
	Chaos *Chaos
	Hint  string // a command that makes the first message arrive; an empty inbox shows it

	Templates *Templates // nil: there is no page for them
	Demo      *Demo      // nil: there is none
}

const (
	maxShown = 200 // messages on the page; the API lists all

	// pagePolicy leaves no inline script or style to whoever finds a hole in the templates.
	pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
		"frame-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

	// mailPolicy takes scripts, forms, the origin and the network from a mail.
	mailPolicy = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
)

//go:embed static/*.css static/*.js static/*.svg
var pageFiles embed.FS

//go:embed static/*.html
var pageSources embed.FS

var pageTemplates = template.Must(template.ParseFS(pageSources, "static/*.html"))

// Handler serves the page at / and the API under /api/. It refuses requests that
// a browser may have been tricked into: other hosts' names and other sites' forms.
func (w *Web) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", w.showPage)
	mux.HandleFunc("GET /events", w.sendEvents)
	mux.HandleFunc("GET /messages/{id}/html", w.showMail)
	if w.Templates != nil {
		mux.HandleFunc("GET /templates", w.showTemplates)
		mux.HandleFunc("GET /templates/mail", w.showSampleMail)
	}
	if w.Demo != nil {
		w.Demo.routes(mux)
	}
	mux.HandleFunc("POST /clear", w.clearFromPage)
	mux.HandleFunc("POST /chaos", w.chaosFromPage)
	mux.HandleFunc("GET /api/messages", w.listMessages)
	mux.HandleFunc("DELETE /api/messages", w.clearMessages)
	mux.HandleFunc("POST /api/chaos", w.orderChaos)
	mux.HandleFunc("GET /static/{file}", servePageFile)
	mux.HandleFunc("GET /favicon.ico", servePageFile)
	return guardPage(http.NewCrossOriginProtection().Handler(mux))
}

// guardPage refuses names that are not the loopback's: a page on the internet
// can point its own name at 127.0.0.1 and would then read the inbox.
func guardPage(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		h := rw.Header()
		h.Set("Content-Security-Policy", pagePolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if !isLoopback(r.Host) {
			http.Error(rw, "the inbox answers to localhost and 127.0.0.1 only", http.StatusForbidden)
			return
		}
		next.ServeHTTP(rw, r)
	})
}

func isLoopback(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.Trim(hostport, "[]")
	}
	ip, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && ip.IsLoopback()
}

// inboxPage is what the template sees.
type inboxPage struct {
	To       string
	Hint     string
	Messages []pageMessage
	Total    int
	Vendors  []State
	Modes    []Mode

	Templates bool // there is a page for them
	Demo      bool // likewise
}

// pageMessage is a message with its body cut around the code.
type pageMessage struct {
	Message
	Before, After string
}

// Key tells this message from those of an earlier run, whose ids were the same.
func (m pageMessage) Key() string { return fmt.Sprintf("m%s-%d", m.ID, m.ReceivedAt.UnixMilli()) }

func (w *Web) showPage(rw http.ResponseWriter, r *http.Request) {
	to := addressIn(r)
	all := w.Inbox.Messages("")
	p := inboxPage{To: to, Hint: w.Hint, Total: len(all), Messages: pageMessages(all, to), Vendors: w.Chaos.States(), Modes: Modes, Templates: w.Templates != nil, Demo: w.Demo != nil}
	writePage(rw, "page.html", p)
}

// pageMessages picks what contains part in its address: people type the end of a
// number, tests give the API all of it.
func pageMessages(all []Message, part string) []pageMessage {
	var found []pageMessage
	for _, m := range all {
		if len(found) < maxShown && strings.Contains(strings.ToLower(m.To), strings.ToLower(part)) {
			found = append(found, cutAtCode(m))
		}
	}
	return found
}

func cutAtCode(m Message) pageMessage {
	if m.Code == "" {
		return pageMessage{Message: m, Before: m.Body}
	}
	before, after, _ := strings.Cut(m.Body, m.Code)
	return pageMessage{Message: m, Before: before, After: after}
}

// addressIn is the wanted address. A plus typed into a URL arrives as a space,
// and no address begins with one.
func addressIn(r *http.Request) string {
	to := r.FormValue("to")
	if rest, ok := strings.CutPrefix(to, " "); ok {
		return "+" + rest
	}
	return to
}

// showMail serves a mail's HTML as what it is: a document of a stranger.
func (w *Web) showMail(rw http.ResponseWriter, r *http.Request) {
	for _, m := range w.Inbox.Messages("") {
		if m.ID == r.PathValue("id") && m.HTML != "" {
			rw.Header().Set("Content-Security-Policy", mailPolicy)
			rw.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = io.WriteString(rw, m.HTML)
			return
		}
	}
	http.NotFound(rw, r)
}

func (w *Web) clearFromPage(rw http.ResponseWriter, r *http.Request) {
	w.Inbox.Clear()
	http.Redirect(rw, r, "/", http.StatusSeeOther)
}

// chaosFromPage takes the same order from the form, so that the page needs no script for it.
func (w *Web) chaosFromPage(rw http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(rw, r.Body, maxOrder)
	times, err := strconv.Atoi(r.PostFormValue("times"))
	if err != nil {
		err = errors.New("times: want a whole number")
	} else {
		err = w.Chaos.Set(r.PostFormValue("provider"), Mode(r.PostFormValue("mode")), times)
	}
	if err != nil {
		http.Error(rw, err.Error(), http.StatusBadRequest)
		return
	}
	http.Redirect(rw, r, "/", http.StatusSeeOther)
}

func servePageFile(rw http.ResponseWriter, r *http.Request) {
	name := r.PathValue("file")
	if name == "" {
		name = "favicon.svg" // browsers ask for /favicon.ico unbidden
	}
	http.ServeFileFS(rw, r, pageFiles, "static/"+name) //nolint:gosec // an embedded file system has nothing else
}
