package devkit

import (
	"crypto/rand"
	"encoding/hex"
	"net/url"
	"strconv"
	"sync"
	"time"
)

// twilioMessage is a Message resource.
type twilioMessage struct {
	account, sid string
	form         url.Values
	created      time.Time

	mu        sync.Mutex
	status    string
	code      string // of an error
	confirmed bool
}

// newTwilioMessage makes one that is new. With a messaging service, the sender
// is still to be found and nothing is queued.
func newTwilioMessage(account string, form url.Values) *twilioMessage {
	var b [16]byte
	_, _ = rand.Read(b[:])
	m := &twilioMessage{account: account, sid: "SM" + hex.EncodeToString(b[:]), form: form, created: time.Now().UTC(), status: "queued"}
	if form.Has("MessagingServiceSid") {
		m.status = "accepted"
	}
	return m
}

// reach writes down how far the message has come.
func (m *twilioMessage) reach(status, code string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.status, m.code = status, code
}

// json is the resource as the API shows it.
func (m *twilioMessage) json() map[string]any {
	m.mu.Lock()
	defer m.mu.Unlock()
	uri := "/" + twilioVersion + "/Accounts/" + m.account + "/Messages/" + m.sid
	made := map[string]any{
		"account_sid": m.account, "api_version": twilioVersion, "sid": m.sid, "uri": uri + ".json",
		"body": m.form.Get("Body"), "to": m.form.Get("To"), "from": null(m.form.Get("From")),
		"messaging_service_sid": null(m.form.Get("MessagingServiceSid")),
		"status":                m.status, "num_segments": "1", "num_media": "0", "direction": "outbound-api",
		"date_created": m.created.Format(time.RFC1123Z), "date_updated": m.created.Format(time.RFC1123Z), "date_sent": nil,
		"error_code": nil, "error_message": nil, "price": nil, "price_unit": "USD",
		"subresource_uris": map[string]string{"media": uri + "/Media.json"},
	}
	if m.status == "accepted" {
		made["num_segments"] = "0"
	}
	if code, err := strconv.Atoi(m.code); err == nil {
		made["error_code"], made["error_message"] = code, "Unreachable destination handset"
	}
	return made
}

// feedback is the Message Feedback that the API answers with.
func (m *twilioMessage) feedback() map[string]any {
	at := time.Now().UTC().Format(time.RFC1123Z)
	return map[string]any{
		"account_sid": m.account, "message_sid": m.sid, "outcome": "confirmed", "date_created": at, "date_updated": at,
		"uri": "/" + twilioVersion + "/Accounts/" + m.account + "/Messages/" + m.sid + "/Feedback.json",
	}
}

func null(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// callback is the form of a status callback.
func (m *twilioMessage) callback(status, errorCode string) url.Values {
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
