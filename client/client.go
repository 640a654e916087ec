package client

import (
	"net/http"
	"time"
)

// Client calls one otpipe with one API key. Its methods may be called by many
// goroutines at once; its fields are not changed meanwhile.
type Client struct {
	BaseURL string        // where the API is, such as "https://otp.internal:8080"
	Key     Secret        // the API key
	HTTP    *http.Client  // nil: http.DefaultClient. Redirects are never followed.
	Waiting time.Duration // how long a call may take with all its tries; 0: 10 s. Start and Check end after 45 s.
}

const (
	defaultWaiting = 10 * time.Second
	// tryFor is how long one of several tries may take. The API itself answers
	// within a second, if only to say that it cannot.
	tryFor = 3 * time.Second
	// keyedFor ends the tries of one key. If the process that worked on the first died
	// before it kept its answer, the store still knows the guess that it counted, but
	// for a minute only: after that a try would be another guess.
	keyedFor = 45 * time.Second
)

// waiting is how long a call may take.
func (c *Client) waiting(a again) time.Duration {
	d := c.Waiting
	if d <= 0 {
		d = defaultWaiting
	}
	if a == keyed {
		d = min(d, keyedFor)
	}
	return d
}

func (c *Client) http() *http.Client {
	h := http.Client{}
	if c.HTTP != nil {
		h = *c.HTTP
	}
	// The API redirects nobody, and the key is for nobody else.
	h.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &h
}
