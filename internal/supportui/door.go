package supportui

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/otpipe/otpipe/internal/origin"
	"github.com/otpipe/otpipe/internal/otp"
)

// Passwords knows people by a name and a password.
type Passwords interface {
	// Knows tells whether somebody has the name; no answer may depend on it.
	Knows(name string) bool
	// SignIn returns otp.ErrNotAdmitted or otp.ErrTooMany.
	SignIn(ctx context.Context, name, password string) (otp.Visit, error)
	// Still tells who a visitor is by the settings of now, unless it is over.
	Still(v otp.Visit) (otp.Staff, bool)
}

// Voucher is an identity provider.
type Voucher interface {
	// Refer is where a browser is sent; otp.ErrVoucherAway.
	Refer(ctx context.Context, r otp.Referral) (string, error)
	// SignIn takes what the browser came back with. It returns otp.ErrNotVouched,
	// otp.ErrVoucherAway or, with who it is, otp.ErrNoRole.
	SignIn(ctx context.Context, r otp.Referral, code string) (otp.Visit, error)
	// Still is as that of Passwords.
	Still(v otp.Visit) (otp.Staff, bool)
	// Logout is where people sign out of it; "" if there is no such place.
	Logout() string
}

// Visits are kept by the store, each under the hash of its pass. All methods
// here and below may return otp.ErrStoreUnavailable.
type Visits interface {
	Welcome(ctx context.Context, p, before otp.Pass, v otp.Visit, k otp.Knock, longest, idle time.Duration) error
	Visit(ctx context.Context, p otp.Pass, idle time.Duration, click bool) (otp.Visit, error)
	Leave(ctx context.Context, p otp.Pass, why string) (actor string, way otp.Way, err error)
}

// Tries are counted by the store, before anything is compared.
type Tries interface {
	Knock(ctx context.Context, k otp.Knock, actor string) (wait time.Duration, limit string, err error)
	TurnedAway(ctx context.Context, actor string, way otp.Way, reason string) error
}

// Referrals are kept until the browser is back, which counts once.
type Referrals interface {
	Refer(ctx context.Context, p otp.Pass, r otp.Referral) error
	Return(ctx context.Context, p otp.Pass, state string) (otp.Referral, error)
}

// Door is the only way in. It is wired by app; every field is required but one
// of Users and Voucher, and may be used by many goroutines at once.
type Door struct {
	Users     Passwords // nil: nobody has a password
	Voucher   Voucher   // nil: nobody is vouched for
	Visits    Visits
	Tries     Tries
	Referrals Referrals
	KnockOf   func(name string, from netip.Addr) otp.Knock
	Idle      time.Duration // a visit ends without a click
	Longest   time.Duration // and then in any case
	Secure    bool          // browsers reach the pages by https
	Proxies   origin.Proxies
	Log       *slog.Logger
}

// signInLimit is how long a sign-in may take, with an identity provider's
// answers or the wait for a password's turn.
const signInLimit = 12 * time.Second

// Routes adds the pages by which people come in and go out.
func (d *Door) Routes(mux *http.ServeMux) {
	mux.HandleFunc("GET /login", d.showLogin)
	mux.HandleFunc("POST /logout", d.logout)
	if d.Users != nil {
		mux.HandleFunc("POST /login", d.signIn)
	}
	if d.Voucher != nil {
		mux.HandleFunc("GET /login/oidc", d.refer)
		mux.HandleFunc("GET /login/oidc/callback", d.comeBack)
	}
}

// Guard serves a page to those who are in, and asks everybody else to sign in.
func (d *Door) Guard(next Page) http.Handler { return d.guard(next, true) }

// Watch is Guard for streams: that one is opened, or opened again, is no click. A
// page that is left open does not keep a visit alive.
func (d *Door) Watch(next Page) http.Handler { return d.guard(next, false) }

func (d *Door) guard(next Page, click bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, err := d.look(r, click)
		switch {
		case err == nil:
			next(w, r, who)
		case errors.Is(err, otp.ErrNotFound):
			d.ask(w, r)
		default:
			d.away(w, r, "support page", err)
		}
	})
}

// Still tells whether the one who sent a request is still in, with the role that
// they have now. It is for streams, which outlive the look at their beginning.
func (d *Door) Still(r *http.Request) (otp.Staff, bool) {
	who, err := d.look(r, false)
	return who, err == nil
}

// look tells who sent a request; otp.ErrNotFound if they are not in.
func (d *Door) look(r *http.Request, click bool) (otp.Staff, error) {
	p, ok := d.cookie(r, visitCookie)
	if !ok {
		return otp.Staff{}, otp.ErrNotFound
	}
	ctx, cancel := within(r)
	defer cancel()
	v, err := d.Visits.Visit(ctx, p, d.Idle, click)
	if err != nil {
		return otp.Staff{}, err
	}
	if who, still := d.still(v); still {
		return who, nil
	}
	if actor, way, err := d.Visits.Leave(ctx, p, "settings_changed"); err == nil {
		d.Log.InfoContext(ctx, "sign-out", "actor", actor, "way", way, "reason", "settings_changed")
	}
	return otp.Staff{}, otp.ErrNotFound
}

// still asks the one who let a visitor in.
func (d *Door) still(v otp.Visit) (otp.Staff, bool) {
	switch {
	case v.Way == otp.ByPassword && d.Users != nil:
		return d.Users.Still(v)
	case v.Way == otp.ByOIDC && d.Voucher != nil:
		return d.Voucher.Still(v)
	}
	return otp.Staff{}, false
}

// admit begins a visit under a pass that nobody has had before, and ends the one
// that the browser may have come with.
func (d *Door) admit(w http.ResponseWriter, r *http.Request, v otp.Visit, k otp.Knock, back string) {
	before, _ := d.cookie(r, visitCookie)
	p := otp.NewPass()
	if err := d.Visits.Welcome(r.Context(), p, before, v, k, d.Longest, d.Idle); err != nil {
		d.away(w, r, "sign-in", err)
		return
	}
	d.setCookie(w, visitCookie, p, 0)
	d.tell(r, "ok", "", v.Who.Name, v.Way)
	http.Redirect(w, r, ownPath(back), http.StatusSeeOther)
}

// ask sends a browser to the login, and has it come back to the page it wanted.
// htmx is told to take the whole page there, not the part that it asked for.
func (d *Door) ask(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("HX-Request") != "" {
		w.Header().Set("HX-Redirect", loginFor(pageBehind(r)))
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	wanted := "/"
	if r.Method == http.MethodGet {
		wanted = r.URL.Path
	}
	http.Redirect(w, r, loginFor(wanted), http.StatusSeeOther)
}

// pageBehind is the page that htmx asks for a part of.
func pageBehind(r *http.Request) string {
	u, err := url.Parse(r.Header.Get("HX-Current-URL"))
	if err != nil {
		return "/"
	}
	return u.EscapedPath()
}

func loginFor(wanted string) string {
	if back := ownPath(wanted); back != "/" {
		return "/login?" + url.Values{"to": {back}}.Encode()
	}
	return "/login"
}

// logout ends a visit. The identity provider's own comes after it as a link: a
// browser follows no form to another site (form-action 'self').
func (d *Door) logout(w http.ResponseWriter, r *http.Request) {
	p, in := d.cookie(r, visitCookie)
	to := "/login?out=here"
	if in {
		ctx, cancel := within(r)
		defer cancel()
		actor, way, err := d.Visits.Leave(ctx, p, "")
		if err != nil && !errors.Is(err, otp.ErrNotFound) {
			d.away(w, r, "sign-out", err)
			return
		}
		if err == nil {
			d.Log.InfoContext(ctx, "sign-out", "actor", actor, "way", way)
		}
		if way == otp.ByOIDC {
			to = "/login?out=oidc"
		}
	}
	d.dropCookie(w, visitCookie)
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// away answers where the store does not.
func (d *Door) away(w http.ResponseWriter, r *http.Request, what string, err error) {
	d.Log.ErrorContext(r.Context(), "support door", "operation", what, "error", err)
	w.Header().Set("Retry-After", "5")
	render(w, r, d.Log, http.StatusServiceUnavailable, refusalPage, "layout", View{
		Title: "Not now", Page: "otpipe cannot reach its Redis, so nobody can be let in or out. Try again in a few seconds.",
	})
}

// tell writes the line of a sign-in. reason is "" where the outcome says it all.
func (d *Door) tell(r *http.Request, outcome, reason, actor string, way otp.Way) {
	d.Log.InfoContext(r.Context(), "sign-in", "outcome", outcome, "reason", reason, "actor", actor, "way", way, "from", d.From(r))
}

// refused writes it where somebody is not let in, and has the stream know.
func (d *Door) refused(r *http.Request, reason, actor string, way otp.Way) {
	d.tell(r, "refused", reason, actor, way)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), pageLimit)
	defer cancel()
	if err := d.Tries.TurnedAway(ctx, actor, way, reason); err != nil {
		d.Log.ErrorContext(ctx, "support door", "operation", "refused", "error", err)
	}
}
