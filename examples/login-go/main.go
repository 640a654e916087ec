// Command login-go is a login by phone in one file. Dev mode is its otpipe:
//
//	go run ./cmd/dev
//	go run ./examples/login-go    # http://127.0.0.1:8090
package main

import (
	"cmp"
	"crypto/rand"
	"errors"
	"html/template"
	"log"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/otpipe/otpipe/client"
)

// page has one form at a time. autocomplete="one-time-code" has phones fill the code in.
var page = template.Must(template.New("").Parse(`<!doctype html>
<html lang="en"><meta name="viewport" content="width=device-width"><link rel="icon" href="data:,"><title>Sign in</title>
<h1>{{if .In}}Signed in as {{.Masked}}{{else}}Sign in{{end}}</h1>
{{with .Problem}}<p role="alert">{{.}}</p>{{end}}
{{if .In}}<form method="post" action="/out"><button>Sign out</button></form>
{{else if .Phone}}<form method="post" action="/check"><p>A code went to {{.Masked}}.
<label>Code <input name="code" inputmode="numeric" autocomplete="one-time-code" pattern="[0-9 ]*" required autofocus></label> <button>Sign in</button></form>
<form method="post" action="/out"><button>Another number</button></form>
{{else}}<form method="post" action="/ask">
<label>Phone <input name="phone" type="tel" autocomplete="tel" required autofocus></label> <button>Send me a code</button></form>{{end}}`))

// visit is what is known of a browser; site keeps them by the cookie.
type visit struct {
	sync.Mutex                              // one thing at a time: what was begun before a sign-out does not undo it
	ID, Name, Phone, Masked, Problem string // Name is its cookie's
	In                               bool   // it is Phone's owner's
}

type site struct {
	otp    client.Client
	visits sync.Map
}

func main() {
	url, key := cmp.Or(os.Getenv("OTPIPE_URL"), "http://127.0.0.1:8080"), cmp.Or(os.Getenv("OTPIPE_KEY"), "dev")
	s := &site{otp: client.Client{BaseURL: url, Key: client.Hide(key)}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.turn(func(*http.Request, *visit) {}))
	mux.HandleFunc("POST /ask", s.turn(s.ask))
	mux.HandleFunc("POST /check", s.turn(s.check))
	mux.HandleFunc("POST /out", s.turn(func(_ *http.Request, v *visit) { v.Phone, v.In = "", false }))
	server := http.Server{Addr: cmp.Or(os.Getenv("LISTEN"), "127.0.0.1:8090"), ReadHeaderTimeout: 5 * time.Second}
	server.Handler = http.NewCrossOriginProtection().Handler(mux) // no other site posts these forms
	log.Fatal(server.ListenAndServe())
}

// ask has a code sent, bound to this browser: a stranger who guesses locks nobody else.
func (s *site) ask(r *http.Request, v *visit) {
	started, err := s.otp.Start(r.Context(), client.StartRequest{Namespace: "phone-auth", To: r.PostFormValue("phone"), Binding: client.Hide(v.ID)})
	if v.Problem = say(err); err == nil { // who is in is so by the number before, not by this one
		v.Phone, v.Masked, v.In = r.PostFormValue("phone"), started.ToMasked, false
	}
}

// check compares. Whose number it is comes from what was asked, never from the browser.
func (s *site) check(r *http.Request, v *visit) {
	checked, err := s.otp.Check(r.Context(), client.CheckRequest{Namespace: "phone-auth", To: v.Phone, Code: client.Hide(r.PostFormValue("code")), Binding: client.Hide(v.ID)})
	if v.In, v.Problem = checked.Valid, say(err); err == nil && !v.In {
		v.Problem = "That is not the code, or it is too old."
	}
}

// say is for the one in front of the screen.
func say(err error) string {
	var refused *client.Error
	switch {
	case err == nil:
		return ""
	case errors.Is(err, client.ErrInvalidRecipient):
		return "Write the number with its country, such as +49 1512 3456789."
	case errors.Is(err, client.ErrInvalidCodeFormat):
		return "The code has six digits."
	case errors.As(err, &refused) && refused.RetryAfter > 0:
		return "Please wait for " + refused.RetryAfter.String() + "."
	}
	log.Print(err)
	return "That did not work. Please try again."
}

// turn does something with the browser's visit, and shows the page. After each form it
// goes on under another cookie, so that nobody else can know it from before.
func (s *site) turn(do func(*http.Request, *visit)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, name := &visit{ID: rand.Text()}, ""
		if cookie, _ := r.Cookie("login"); cookie != nil {
			if kept, ok := s.visits.Load(cookie.Value); ok {
				v, name = kept.(*visit), cookie.Value
			}
		}
		v.Lock()
		defer v.Unlock()
		if v.Name != name { // it went on while this waited, as at a second click
			http.Redirect(w, r, "/", http.StatusSeeOther)
			return
		}
		v.Problem = ""
		if do(r, v); r.Method == http.MethodPost { // who only looks is not kept
			s.visits.Delete(name)
			name = rand.Text()
			v.Name = name
			s.visits.Store(name, v)
			time.AfterFunc(12*time.Hour, func() { s.visits.Delete(name) })
			http.SetCookie(w, &http.Cookie{Name: "login", Value: name, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode}) //nolint:gosec // and Secure, behind https
		}
		w.Header().Set("Cache-Control", "no-store")
		_ = page.Execute(w, v)
	}
}
