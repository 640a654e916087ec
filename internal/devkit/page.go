package devkit

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Web shows an inbox to people and to tests, and takes orders for chaos.
type Web struct {
	Inbox *Inbox
	Chaos *Chaos
	Hint  string // a command that makes the first message arrive; an empty inbox shows it
}

const (
	maxOrder   = 16 << 10 // bytes in an order for chaos
	maxShown   = 200      // messages on the page; the API lists all
	chaosCheck = time.Second

	// pagePolicy leaves no inline script or style to whoever finds a hole in the templates.
	pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
		"frame-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

	// mailPolicy takes scripts, forms, the origin and the network from a mail.
	mailPolicy = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
)

//go:embed static/*.css static/*.js static/*.svg
var pageFiles embed.FS

//go:embed static/page.html
var pageSource string

var pageTemplate = template.Must(template.New("page").Parse(pageSource))

// Handler serves the page at / and the API under /api/. It refuses requests that
// a browser may have been tricked into: other hosts' names and other sites' forms.
func (w *Web) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", w.showPage)
	mux.HandleFunc("GET /events", w.sendEvents)
	mux.HandleFunc("GET /messages/{id}/html", w.showMail)
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
	Vendors  []vendorState
	Modes    []Mode
}

// pageMessage is a message with its body cut around the code.
type pageMessage struct {
	Message
	Before, After string
}

// Key tells this message from those of an earlier run, whose ids were the same.
func (m pageMessage) Key() string { return fmt.Sprintf("m%s-%d", m.ID, m.ReceivedAt.UnixMilli()) }

// vendorState is how a vendor behaves at the moment.
type vendorState struct {
	Name string
	Mode Mode
	Left int
}

func (w *Web) showPage(rw http.ResponseWriter, r *http.Request) {
	to := addressIn(r)
	all := w.Inbox.Messages("")
	p := inboxPage{To: to, Hint: w.Hint, Total: len(all), Messages: pageMessages(all, to), Vendors: w.vendors(), Modes: Modes}
	var page bytes.Buffer
	if err := pageTemplate.Execute(&page, p); err != nil {
		http.Error(rw, "the page cannot be shown", http.StatusInternalServerError)
		return
	}
	rw.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = page.WriteTo(rw)
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

func (w *Web) vendors() []vendorState {
	w.Chaos.mu.Lock()
	defer w.Chaos.mu.Unlock()
	states := make([]vendorState, 0, len(Vendors))
	for _, name := range Vendors {
		s := vendorState{Name: name, Mode: OK}
		if p, ok := w.Chaos.plans[name]; ok {
			s.Mode, s.Left = p.mode, p.times
		}
		states = append(states, s)
	}
	return states
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

// sendEvents tells the page when to look again: at once, because something may
// have come since the page was made, and then at every change.
func (w *Web) sendEvents(rw http.ResponseWriter, r *http.Request) {
	rw.Header().Set("Content-Type", "text/event-stream")
	answer := http.NewResponseController(rw)
	_ = answer.SetWriteDeadline(time.Time{}) // a stream has no end to meet
	for {
		changed, before := w.Inbox.Changed(), w.vendors()
		if _, err := io.WriteString(rw, "data: changed\n\n"); err != nil {
			return
		}
		if err := answer.Flush(); err != nil || !w.waitForChange(r, changed, before) {
			return
		}
	}
}

// waitForChange returns false when nobody listens any more. Vendors use up their
// plans without a word, so they are looked at.
func (w *Web) waitForChange(r *http.Request, changed <-chan struct{}, before []vendorState) bool {
	check := time.NewTicker(chaosCheck)
	defer check.Stop()
	for {
		select {
		case <-r.Context().Done():
			return false
		case <-changed:
			return true
		case <-check.C:
			if !slices.Equal(before, w.vendors()) {
				return true
			}
		}
	}
}

func (w *Web) listMessages(rw http.ResponseWriter, r *http.Request) {
	rw.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(rw).Encode(w.Inbox.Messages(addressIn(r)))
}

func (w *Web) clearMessages(rw http.ResponseWriter, _ *http.Request) {
	w.Inbox.Clear()
	rw.WriteHeader(http.StatusNoContent)
}

func (w *Web) clearFromPage(rw http.ResponseWriter, r *http.Request) {
	w.Inbox.Clear()
	http.Redirect(rw, r, "/", http.StatusSeeOther)
}

// chaosOrder is the body of POST /api/chaos.
type chaosOrder struct {
	Provider string `json:"provider"`
	Mode     Mode   `json:"mode"`
	Times    int    `json:"times"` // 0: until told otherwise
}

func (w *Web) orderChaos(rw http.ResponseWriter, r *http.Request) {
	var order chaosOrder
	if status, err := readOrder(http.MaxBytesReader(rw, r.Body, maxOrder), &order); err != nil {
		refuseOrder(rw, status, err)
		return
	}
	if err := w.Chaos.Set(order.Provider, order.Mode, order.Times); err != nil {
		refuseOrder(rw, http.StatusBadRequest, err)
		return
	}
	rw.WriteHeader(http.StatusNoContent)
}

// readOrder reads one JSON object and nothing after it.
func readOrder(body io.Reader, order *chaosOrder) (status int, err error) {
	d := json.NewDecoder(body)
	d.DisallowUnknownFields()
	if err = d.Decode(order); err == nil {
		if _, err = d.Token(); errors.Is(err, io.EOF) {
			return http.StatusOK, nil
		}
	}
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return http.StatusRequestEntityTooLarge, fmt.Errorf("the body is larger than %d bytes", maxOrder)
	}
	return http.StatusBadRequest, errors.New(`want one JSON object with no fields but provider, mode and times, such as {"provider":"twilio","mode":"refuse","times":3}`)
}

// refuseOrder answers with a problem of RFC 9457.
func refuseOrder(rw http.ResponseWriter, status int, why error) {
	rw.Header().Set("Content-Type", "application/problem+json")
	rw.WriteHeader(status)
	_ = json.NewEncoder(rw).Encode(map[string]any{"title": http.StatusText(status), "status": status, "detail": why.Error()})
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
