package twiliotest

import (
	"bytes"
	"io"
	"net/http"
	"testing"
)

// Requests is vendor with a witness: what Twilio's file has against a request
// fails the test.
func Requests(t testing.TB, vendor http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := CheckRequest(r); err != nil {
			t.Errorf("Twilio knows no such request: %v", err)
		}
		vendor.ServeHTTP(w, r)
	})
}

// Answers is vendor with a witness: what Twilio's file has against an answer
// fails the test.
func Answers(t testing.TB, vendor http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		heard := &copied{ResponseWriter: w, status: http.StatusOK}
		vendor.ServeHTTP(heard, r)
		res := &http.Response{StatusCode: heard.status, Header: w.Header(), Body: io.NopCloser(&heard.body)}
		if err := CheckAnswer(r, res); err != nil {
			t.Errorf("Twilio gives no such answer: %v", err)
		}
	})
}

// copied keeps a copy of an answer.
type copied struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (c *copied) WriteHeader(status int) {
	c.status = status
	c.ResponseWriter.WriteHeader(status)
}

func (c *copied) Write(p []byte) (int, error) {
	_, _ = c.body.Write(p)
	return c.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController flush.
func (c *copied) Unwrap() http.ResponseWriter { return c.ResponseWriter }
