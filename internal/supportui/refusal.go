package supportui

import (
	"errors"
	"net/http"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/support"
)

var refusalPage = pageOf("refusal.html")

// refuse answers with a page that says what is wrong and what to do.
func (u *UI) refuse(w http.ResponseWriter, r *http.Request, who otp.Staff, status int, text string) {
	u.show(w, r, status, refusalPage, View{Title: http.StatusText(status), Who: who, Page: text})
}

func (u *UI) nothing(w http.ResponseWriter, r *http.Request, who otp.Staff) {
	u.refuse(w, r, who, http.StatusNotFound, "There is nothing at this address.")
}

// fail answers for an error that no page has better words for.
func (u *UI) fail(w http.ResponseWriter, r *http.Request, who otp.Staff, err error) {
	switch {
	case errors.Is(err, otp.ErrNotFound):
		u.refuse(w, r, who, http.StatusNotFound, "Nothing is known under this id. Time lines are kept for some days; an id of a namespace that is not yours is not shown.")
	case errors.Is(err, otp.ErrFactorNotFound):
		u.refuse(w, r, who, http.StatusNotFound, "There is no authenticator app with this id: it was given up, was not confirmed in time, or is of a namespace that is not yours.")
	case errors.Is(err, support.ErrRole):
		u.refuse(w, r, who, http.StatusForbidden, "Your role does not allow this.")
	case errors.Is(err, otp.ErrStoreUnavailable):
		u.refuse(w, r, who, http.StatusServiceUnavailable, "Redis does not answer, or the database. Try again in a moment.")
	default:
		u.Log.ErrorContext(r.Context(), "support page failed", "error", err)
		u.refuse(w, r, who, http.StatusInternalServerError, "This is our fault. It is in the log.")
	}
}
