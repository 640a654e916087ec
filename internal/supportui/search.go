package supportui

import (
	"net/http"

	"github.com/otpipe/otpipe/internal/otp"
)

var searchPage = pageOf("search.html")

func (u *UI) showSearch(w http.ResponseWriter, r *http.Request, who otp.Staff) {
	u.show(w, r, http.StatusOK, searchPage, View{Title: "Where is my code?", Here: "search", Who: who})
}
