package supportui

import (
	"net/http"

	"github.com/otpipe/otpipe/internal/otp"
)

var factorPage = pageOf("factor.html")

// showFactor is the page of an authenticator app.
func (u *UI) showFactor(w http.ResponseWriter, r *http.Request, who otp.Staff) {
	id, err := otp.ParseFactorID(r.PathValue("id"))
	if err != nil {
		u.fail(w, r, who, err)
		return
	}
	ctx, cancel := within(r)
	defer cancel()
	f, err := u.Support.Factor(ctx, who, id)
	if err != nil {
		u.fail(w, r, who, err)
		return
	}
	u.show(w, r, http.StatusOK, factorPage, View{Title: "Authenticator app · " + f.Explanation.Short, Here: "search", Who: who, Page: f})
}
