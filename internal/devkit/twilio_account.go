package devkit

import (
	"cmp"
	"net/http"
	"time"
)

// account answers a request for the account itself; false if it is none. Like
// Twilio's, the answer holds the auth token.
func (t *Twilio) account(w http.ResponseWriter, r *http.Request) bool {
	path := "/" + twilioVersion + "/Accounts/" + t.AccountSID + ".json"
	if r.URL.Path != path {
		return false
	}
	user, password, _ := r.BasicAuth()
	switch {
	case user != t.AccountSID || password != t.AuthToken: // a standard API key as well
		(&twilioError{401, 20003, "Authenticate"}).answer(w)
	case r.Method != http.MethodGet:
		(&twilioError{405, 20004, "Method not allowed"}).answer(w)
	default:
		writeTwilio(w, http.StatusOK, t.accountJSON(path))
	}
	return true
}

func (t *Twilio) accountJSON(path string) map[string]any {
	kind, since := "Full", time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).Format(time.RFC1123Z)
	if t.Trial {
		kind = "Trial"
	}
	return map[string]any{
		"sid": t.AccountSID, "owner_account_sid": t.AccountSID, "auth_token": t.AuthToken, "friendly_name": "otpipe",
		"status": cmp.Or(t.Status, "active"), "type": kind, "date_created": since, "date_updated": since,
		"uri": path, "subresource_uris": map[string]any{},
	}
}
