package devkit

import (
	"crypto/rand"
	"encoding/hex"
	"net/url"
	"time"
)

// twilioMessage is a Message resource.
type twilioMessage struct {
	account, sid string
	form         url.Values
	created      time.Time
}

func newTwilioMessage(account string, form url.Values) twilioMessage {
	var b [16]byte
	_, _ = rand.Read(b[:])
	return twilioMessage{account, "SM" + hex.EncodeToString(b[:]), form, time.Now().UTC()}
}

// json is the resource as the API shows it when it is new. With a messaging
// service, the sender is still to be found and nothing is queued.
func (m twilioMessage) json() map[string]any {
	uri := "/" + twilioVersion + "/Accounts/" + m.account + "/Messages/" + m.sid
	made := map[string]any{
		"account_sid": m.account, "api_version": twilioVersion, "sid": m.sid, "uri": uri + ".json",
		"body": m.form.Get("Body"), "to": m.form.Get("To"), "from": null(m.form.Get("From")),
		"messaging_service_sid": null(m.form.Get("MessagingServiceSid")),
		"status":                "queued", "num_segments": "1", "num_media": "0", "direction": "outbound-api",
		"date_created": m.created.Format(time.RFC1123Z), "date_updated": m.created.Format(time.RFC1123Z), "date_sent": nil,
		"error_code": nil, "error_message": nil, "price": nil, "price_unit": "USD",
		"subresource_uris": map[string]string{"media": uri + "/Media.json"},
	}
	if m.form.Has("MessagingServiceSid") {
		made["status"], made["num_segments"] = "accepted", "0"
	}
	return made
}

func null(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// status is the form of a status callback.
func (m twilioMessage) status(status, errorCode string) url.Values {
	form := url.Values{
		"AccountSid": {m.account}, "ApiVersion": {twilioVersion}, "To": {m.form.Get("To")},
		"MessageSid": {m.sid}, "MessageStatus": {status}, "SmsSid": {m.sid}, "SmsStatus": {status},
	}
	for key, value := range map[string]string{
		"From": m.form.Get("From"), "MessagingServiceSid": m.form.Get("MessagingServiceSid"), "ErrorCode": errorCode,
	} {
		if value != "" {
			form.Set(key, value)
		}
	}
	return form
}
