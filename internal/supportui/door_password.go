package supportui

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

var loginPage = pageOf("login.html")

// Entrance is what the login page shows.
type Entrance struct {
	Back      string // the page that was wanted
	Name      string // as it was typed
	Problem   string // why the person is not in yet
	Out       bool   // they have just left
	Passwords bool
	Vouched   bool
	Logout    string // of the identity provider
}

// showLogin shows the ways in, or the page that was wanted to those who are in.
func (d *Door) showLogin(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	back := ownPath(q.Get("to"))
	if _, err := d.look(r, true); err == nil {
		http.Redirect(w, r, back, http.StatusSeeOther) //nolint:gosec // ownPath made it a page of ours
		return
	}
	e := Entrance{Back: back, Out: q.Get("out") != ""}
	if q.Get("out") == string(otp.ByOIDC) && d.Voucher != nil {
		e.Logout = d.Voucher.Logout()
	}
	d.entrance(w, r, http.StatusOK, e)
}

func (d *Door) entrance(w http.ResponseWriter, r *http.Request, status int, e Entrance) {
	e.Passwords, e.Vouched = d.Users != nil, d.Voucher != nil
	render(w, r, d.Log, status, loginPage, "layout", View{Title: "Sign in", Page: e})
}

// The answers to those who are not let in. None tells whether there is a name.
const (
	wrongPassword = "That is not the right name and password."
	halfPassword  = "Enter your name and your password."
	tooMany       = "Too many people are signing in at this moment. Try again in a few seconds."
)

// signIn counts the try, then compares, whoever it is and whatever comes of it.
func (d *Door) signIn(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), signInLimit)
	defer cancel()
	r = r.WithContext(ctx)
	name, password := strings.ToLower(strings.TrimSpace(r.PostFormValue("name"))), r.PostFormValue("password")
	e := Entrance{Back: ownPath(r.PostFormValue("to")), Name: name}
	if name == "" || password == "" {
		e.Problem = halfPassword
		d.entrance(w, r, http.StatusBadRequest, e)
		return
	}
	actor := ""
	if d.Users.Knows(name) {
		actor = name
	}
	k := d.KnockOf(name, d.From(r))
	if !d.mayTry(w, r, k, actor, otp.ByPassword, e) {
		return
	}
	v, err := d.Users.SignIn(ctx, name, password)
	switch {
	case err == nil:
		d.admit(w, r, v, k, e.Back)
	case errors.Is(err, otp.ErrNotAdmitted):
		d.refused(r, "password", actor, otp.ByPassword)
		e.Problem = wrongPassword
		d.entrance(w, r, http.StatusForbidden, e)
	default:
		d.tell(r, "error", "busy", actor, otp.ByPassword)
		e.Problem = tooMany
		w.Header().Set("Retry-After", "5")
		d.entrance(w, r, http.StatusServiceUnavailable, e)
	}
}

// mayTry counts a try, and answers itself if there is none left.
func (d *Door) mayTry(w http.ResponseWriter, r *http.Request, k otp.Knock, actor string, way otp.Way, e Entrance) bool {
	wait, limit, err := d.Tries.Knock(r.Context(), k, actor)
	switch {
	case err != nil:
		d.away(w, r, "sign-in", err)
	case wait > 0:
		d.tell(r, "throttled", limit, actor, way)
		w.Header().Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
		e.Problem = "Too many tries. Try again in " + inWords(wait) + "."
		d.entrance(w, r, http.StatusTooManyRequests, e)
	}
	return err == nil && wait == 0
}

// inWords rounds a wait up to what a person would say.
func inWords(wait time.Duration) string {
	n, unit := int((wait+time.Second-1)/time.Second), "second"
	if wait > time.Minute {
		n, unit = int((wait+time.Minute-1)/time.Minute), "minute"
	}
	if n == 1 {
		return "a " + unit
	}
	return fmt.Sprintf("%d %ss", n, unit)
}
