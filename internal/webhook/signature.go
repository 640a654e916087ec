package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The headers of the standard.
const (
	headerID        = "webhook-id"
	headerTimestamp = "webhook-timestamp" // seconds since 1970
	headerSignature = "webhook-signature" // "v1," and base64, with spaces between several
)

// version is the only one that is made and believed: HMAC-SHA256 of id, timestamp
// and body with dots between them.
const version = "v1,"

// tolerance is how far a timestamp may be off, on either side: what somebody
// kept for longer is not believed.
const tolerance = 5 * time.Minute

// sign adds the headers to a message, with a signature of every secret.
func (s Secrets) sign(h http.Header, id string, at time.Time, body []byte) {
	timestamp := strconv.FormatInt(at.Unix(), 10)
	var signatures []string
	for _, key := range s.all() {
		signatures = append(signatures, signature(key, id, timestamp, body))
	}
	h.Set(headerID, id)
	h.Set(headerTimestamp, timestamp)
	h.Set(headerSignature, strings.Join(signatures, " "))
}

// signed tells whether one of the secrets has signed the message a moment ago.
func (s Secrets) signed(h http.Header, now time.Time, body []byte) bool {
	id, timestamp := h.Get(headerID), h.Get(headerTimestamp)
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if id == "" || err != nil || now.Sub(time.Unix(seconds, 0)).Abs() > tolerance {
		return false
	}
	given := strings.Fields(h.Get(headerSignature))
	for _, key := range s.all() {
		want := signature(key, id, timestamp, body)
		for _, one := range given {
			if hmac.Equal([]byte(one), []byte(want)) {
				return true
			}
		}
	}
	return false
}

func signature(key []byte, id, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, key)
	_, _ = fmt.Fprintf(mac, "%s.%s.%s", id, timestamp, body)
	return version + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
