package supportui

import (
	"bytes"
	"embed"
	"html/template"
	"log/slog"
	"net/http"

	"github.com/otpipe/otpipe/internal/otp"
)

//go:embed templates/*.html
var sources embed.FS

// layout is what all pages share; each page's file defines "content", and may
// define fragments that are sent alone.
var layout = template.Must(template.New("").Funcs(template.FuncMap{
	"asset": asset, "day": day, "clock": clock, "ago": ago, "took": took, "channel": channelText, "left": left,
	"number": number, "short": short, "part": part, "delay": delay, "median": median,
}).ParseFS(sources, "templates/layout.html"))

// pageOf reads a page's template; the first of its files that defines something counts.
func pageOf(files ...string) *template.Template {
	t := template.Must(layout.Clone())
	for i := len(files) - 1; i >= 0; i-- {
		t = template.Must(t.ParseFS(sources, "templates/"+files[i]))
	}
	return t
}

// View is what the layout shows around a page.
type View struct {
	Title string
	Here  string // the current entry of the menu
	Who   otp.Staff
	Page  any // what "content" is about
}

// Operates tells whether the person may act.
func (v View) Operates() bool { return v.Who.Role.Includes(otp.Operator) }

// Reveals tells whether the person may see addresses in full.
func (v View) Reveals() bool { return v.Who.Role.Includes(otp.Admin) }

// show answers with a page.
func (u *UI) show(w http.ResponseWriter, r *http.Request, status int, t *template.Template, v View) {
	render(w, r, u.Log, status, t, "layout", v)
}

// render writes a template out before anything is sent: half a page is worse
// than an error.
func render(w http.ResponseWriter, r *http.Request, log *slog.Logger, status int, t *template.Template, name string, data any) {
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, name, data); err != nil {
		log.ErrorContext(r.Context(), "support page not written", "error", err)
		http.Error(w, "this is our fault", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
}
