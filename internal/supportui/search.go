package supportui

import (
	"errors"
	"net/http"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/support"
)

var (
	searchPage    = pageOf("search.html")
	recipientPage = pageOf("recipient.html", "search.html")
)

// query is what was typed into the search field, and what is wrong with it.
type query struct {
	Text  string
	Wrong string
}

func (u *UI) showSearch(w http.ResponseWriter, r *http.Request, who otp.Staff) {
	u.show(w, r, http.StatusOK, searchPage, View{Title: "Where is my code?", Here: "search", Who: who, Page: query{}})
}

// search leads to what was typed. The address goes no further than this: what
// stands in a URL is logged and remembered, so there it is a fingerprint.
func (u *UI) search(w http.ResponseWriter, r *http.Request, who otp.Staff) {
	q := query{Text: r.PostFormValue("q")}
	ctx, cancel := within(r)
	defer cancel()
	at, err := u.Support.Search(ctx, who, q.Text)
	if ie, bad := errors.AsType[*otp.InputError](err); bad {
		q.Wrong = ie.Detail
		u.show(w, r, http.StatusUnprocessableEntity, searchPage, View{Title: "Where is my code?", Here: "search", Who: who, Page: q})
		return
	}
	switch {
	case err != nil:
		u.fail(w, r, who, err)
	case at.ID != "":
		http.Redirect(w, r, "/verifications/"+string(at.ID), http.StatusSeeOther)
	case at.Factor != "":
		http.Redirect(w, r, "/factors/"+string(at.Factor), http.StatusSeeOther)
	default:
		http.Redirect(w, r, "/recipients/"+string(at.Whose), http.StatusSeeOther)
	}
}

// recipient is a list of one recipient's verifications.
type recipient struct {
	query
	Found []support.Found
}

// Masked is the recipient as far as it is shown.
func (p recipient) Masked() string {
	if len(p.Found) == 0 {
		return ""
	}
	return p.Found[0].Masked
}

func (u *UI) showRecipient(w http.ResponseWriter, r *http.Request, who otp.Staff) {
	whose, err := support.ParseWhose(r.PathValue("whose"))
	if err != nil {
		u.fail(w, r, who, err)
		return
	}
	ctx, cancel := within(r)
	defer cancel()
	found, err := u.Support.Recent(ctx, who, whose)
	if err != nil {
		u.fail(w, r, who, err)
		return
	}
	u.show(w, r, http.StatusOK, recipientPage, View{Title: "Verifications", Here: "search", Who: who, Page: recipient{Found: found}})
}
