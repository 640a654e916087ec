package supportui

import (
	"net/http"

	"github.com/otpipe/otpipe/internal/otp"
)

var refusalPage = pageOf("refusal.html")

// refuse answers with a page that says what is wrong and what to do.
func (u *UI) refuse(w http.ResponseWriter, r *http.Request, who otp.Staff, status int, text string) {
	u.show(w, r, status, refusalPage, View{Title: http.StatusText(status), Who: who, Page: text})
}

func (u *UI) nothing(w http.ResponseWriter, r *http.Request, who otp.Staff) {
	u.refuse(w, r, who, http.StatusNotFound, "There is nothing at this address.")
}
