package devkit

import (
	"net/http"
	"strings"
)

// keep remembers a message.
func (t *Twilio) keep(m *twilioMessage) *twilioMessage {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.made == nil {
		t.made = map[string]*twilioMessage{}
	}
	t.made[m.sid] = m
	return m
}

// Confirmed tells whether a message was said to have been of use.
func (t *Twilio) Confirmed(sid string) bool {
	t.mu.Lock()
	m := t.made[sid]
	t.mu.Unlock()
	if m == nil {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.confirmed
}

// about answers a request about a message that was made; false if it is none.
func (t *Twilio) about(w http.ResponseWriter, r *http.Request) bool {
	path, ok := strings.CutPrefix(r.URL.Path, "/"+twilioVersion+"/Accounts/"+t.AccountSID+"/Messages/")
	sid, what, _ := strings.Cut(strings.TrimSuffix(path, ".json"), "/")
	if !ok || what != "" && what != "Feedback" {
		return false
	}
	t.mu.Lock()
	m := t.made[sid]
	t.mu.Unlock()
	switch {
	case !t.opens(r.BasicAuth()):
		(&twilioError{401, 20003, "Authenticate"}).answer(w)
	case m == nil:
		(&twilioError{404, 20404, "The requested resource " + r.URL.Path + " was not found"}).answer(w)
	case r.Method == http.MethodGet && what == "":
		writeTwilio(w, http.StatusOK, m.json())
	case r.Method == http.MethodPost && what == "Feedback":
		t.confirm(w, r, m)
	default:
		(&twilioError{405, 20004, "Method not allowed"}).answer(w)
	}
	return true
}

// confirm takes feedback on a message whose sender has announced it.
func (t *Twilio) confirm(w http.ResponseWriter, r *http.Request, m *twilioMessage) {
	if r.ParseForm() != nil || r.PostForm.Get("Outcome") != "confirmed" || m.form.Get("ProvideFeedback") != "true" {
		(&twilioError{400, 20001, "No feedback is provided for this message"}).answer(w)
		return
	}
	m.mu.Lock()
	m.confirmed = true
	m.mu.Unlock()
	writeTwilio(w, http.StatusCreated, m.feedback())
}
