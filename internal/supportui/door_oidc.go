package supportui

import (
	"context"
	"errors"
	"net/http"

	"github.com/otpipe/otpipe/internal/otp"
)

const (
	notVouched = "The identity provider did not sign you in. Try again; if it goes on, whoever runs otpipe finds the reason in its log."
	tooOld     = "This sign-in took too long, or was begun in another window. Begin again."
	idpAway    = "The identity provider does not answer. Try again in a few seconds."
)

// refer sends a browser to the identity provider. It is counted like any other
// try, for each leaves a key in the store.
func (d *Door) refer(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), signInLimit)
	defer cancel()
	r = r.WithContext(ctx)
	e := Entrance{Back: ownPath(r.URL.Query().Get("to"))}
	if !d.mayTry(w, r, d.KnockOf("", d.From(r)), "", otp.ByOIDC, e) {
		return
	}
	ref, p := otp.NewReferral(e.Back), otp.NewPass()
	to, err := d.Voucher.Refer(ctx, ref)
	if err != nil {
		d.notIn(w, r, err, "", e)
		return
	}
	if err := d.Referrals.Refer(ctx, p, ref); err != nil {
		d.away(w, r, "sign-in", err)
		return
	}
	d.setCookie(w, referralCookie, p, referralAge)
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// comeBack takes the answer that a browser brings, if it is the one that was
// sent, with the state that it was sent with, and for the first time.
func (d *Door) comeBack(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), signInLimit)
	defer cancel()
	r = r.WithContext(ctx)
	q := r.URL.Query()
	p, ok := d.cookie(r, referralCookie)
	ref, err := otp.Referral{}, otp.ErrNotFound
	if ok {
		ref, err = d.Referrals.Return(ctx, p, q.Get("state"))
	}
	switch {
	case errors.Is(err, otp.ErrNotFound):
		d.lost(w, r)
		return
	case err != nil:
		d.away(w, r, "sign-in", err)
		return
	}
	d.dropCookie(w, referralCookie)
	e := Entrance{Back: ref.Back}
	if q.Get("error") != "" {
		d.notIn(w, r, otp.ErrNotVouched, "", e)
		return
	}
	v, err := d.Voucher.SignIn(ctx, ref, q.Get("code"))
	if err != nil {
		d.notIn(w, r, err, v.Who.Name, e)
		return
	}
	d.admit(w, r, v, d.KnockOf("", d.From(r)), ref.Back)
}

// lost answers a browser that comes back without having been sent, or again.
func (d *Door) lost(w http.ResponseWriter, r *http.Request) {
	if _, err := d.look(r, true); err == nil { // another window was quicker
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	d.refused(r, "referral", "", otp.ByOIDC)
	d.entrance(w, r, http.StatusForbidden, Entrance{Back: "/", Problem: tooOld})
}

// notIn answers somebody whom the identity provider did not vouch for, or who is
// nobody here.
func (d *Door) notIn(w http.ResponseWriter, r *http.Request, err error, actor string, e Entrance) {
	switch {
	case errors.Is(err, otp.ErrVoucherAway):
		d.Log.ErrorContext(r.Context(), "support door", "operation", "identity provider", "error", err)
		e.Problem = idpAway
		w.Header().Set("Retry-After", "5")
		d.entrance(w, r, http.StatusServiceUnavailable, e)
	case errors.Is(err, otp.ErrNoRole):
		d.refused(r, "no_role", actor, otp.ByOIDC)
		e.Problem = "You are known as " + actor + ", who has no role here. Ask whoever runs otpipe to give you one, or sign in as somebody else."
		d.entrance(w, r, http.StatusForbidden, e)
	default:
		d.Log.WarnContext(r.Context(), "support door", "operation", "identity provider", "error", err)
		d.refused(r, "not_vouched", actor, otp.ByOIDC)
		e.Problem = notVouched
		d.entrance(w, r, http.StatusForbidden, e)
	}
}
