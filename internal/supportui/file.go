package supportui

import (
	"net/http"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/support"
)

var filePage = pageOf("file.html")

// file is one verification.
type file struct {
	support.File
	Who  otp.Staff
	Did  string // what was just done
	Acts []offer
}

// open reads the verification that a path names.
func (u *UI) open(w http.ResponseWriter, r *http.Request, who otp.Staff) (file, bool) {
	id, err := otp.ParseID(r.PathValue("id"))
	if err != nil {
		u.fail(w, r, who, err)
		return file{}, false
	}
	ctx, cancel := within(r)
	defer cancel()
	f, err := u.Support.View(ctx, who, id)
	if err != nil {
		u.fail(w, r, who, err)
		return file{}, false
	}
	return file{File: f, Who: who, Acts: offers(f, who)}, true
}

func (u *UI) showFile(w http.ResponseWriter, r *http.Request, who otp.Staff) {
	f, ok := u.open(w, r, who)
	if !ok {
		return
	}
	f.Did = didText(r.URL.Query().Get("did"))
	u.show(w, r, http.StatusOK, filePage, View{Title: f.Explanation.Short + " · " + f.Masked, Here: "search", Who: who, Page: f})
}

// sendSummary is what goes into a ticket.
func (u *UI) sendSummary(w http.ResponseWriter, r *http.Request, who otp.Staff) {
	f, ok := u.open(w, r, who)
	if !ok {
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte(f.Summary()))
}
