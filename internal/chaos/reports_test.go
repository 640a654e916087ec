package chaos_test

import (
	"cmp"
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/otpipe/otpipe/internal/devkit"
)

// report is one status callback.
type report struct {
	status string // MessageStatus
	code   string // ErrorCode; "" for none
	sid    string // of another message; "" for the message's own
	token  string // that signs it; "" for the account's own
}

func says(status string) report { return report{status: status} }

// report posts what happened to a message, one report after the other.
func (v *vendor) report(m text, all []report) {
	if m.callback == "" {
		return
	}
	v.reporting.Go(func() {
		for _, one := range all {
			v.post(m, one)
		}
	})
}

// post posts one report, and once more if nobody answers: as often as Twilio does.
func (v *vendor) post(m text, one report) {
	sid := cmp.Or(one.sid, m.sid)
	form := url.Values{
		"AccountSid": {v.account}, "To": {m.to}, "MessageSid": {sid}, "SmsSid": {sid},
		"MessageStatus": {one.status}, "SmsStatus": {one.status},
	}
	if one.code != "" {
		form.Set("ErrorCode", one.code)
	}
	signature := devkit.SignTwilio(cmp.Or(one.token, devkit.TwilioToken), m.callback, form)
	for range 2 {
		status, err := v.callback(m.callback, signature, form)
		if err != nil && v.alive.Err() == nil {
			continue
		}
		if one.token != "" && status == http.StatusForbidden {
			v.forged.Add(1)
		}
		return
	}
}

func (v *vendor) callback(target, signature string, form url.Values) (status int, err error) {
	ctx, cancel := context.WithTimeout(v.alive, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("X-Twilio-Signature", signature)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode, res.Body.Close()
}
