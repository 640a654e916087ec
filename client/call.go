package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// maxAnswer is more than any answer of the API has.
const maxAnswer = 4 << 20

// call is one request to the API.
type call struct {
	operation    string // its name in the document
	method, path string
	body         any    // nil: none
	key          string // Idempotency-Key
	again        again
}

// reply is the answer to a try, once all of it has arrived.
type reply struct {
	*http.Response
	body []byte
}

// do makes a call, with as many tries as may be, and reads the answer into into.
func (c *Client) do(ctx context.Context, q call, into any) (http.Header, error) {
	ctx, cancel := context.WithTimeout(ctx, c.waiting(q.again))
	defer cancel()
	var body []byte
	if q.body != nil {
		var err error
		if body, err = json.Marshal(q.body); err != nil {
			return nil, fmt.Errorf("otpipe %s: write the request: %w", q.operation, err)
		}
	}
	res, err := c.insist(ctx, q, body)
	if err != nil {
		return nil, fmt.Errorf("otpipe %s: %w", q.operation, err)
	}
	if err := json.Unmarshal(res.body, into); err != nil {
		return nil, fmt.Errorf("otpipe %s: read the answer: %w", q.operation, err)
	}
	return res.Header, nil
}

// try sends the request once. Its error is an *Error, or that there was no answer.
func (c *Client) try(ctx context.Context, q call, body []byte) (reply, error) {
	if q.again != never {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, tryFor)
		defer cancel()
	}
	req, err := c.request(ctx, q, body)
	if err != nil {
		return reply{}, err
	}
	res, err := c.http().Do(req)
	if err != nil {
		return reply{}, &silence{err}
	}
	defer func() { _ = res.Body.Close() }()
	got, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return reply{}, &silence{fmt.Errorf("the answer broke off: %w", err)}
	}
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return reply{}, errorOf(res, got)
	}
	return reply{res, got}, nil
}

// request is made anew for each try. What is wrong with it would be wrong each time,
// so its error is no silence.
func (c *Client) request(ctx context.Context, q call, body []byte) (*http.Request, error) {
	base, err := url.Parse(c.BaseURL)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, errors.New("BaseURL is none such as https://otp.internal:8080")
	}
	if !plain(c.Key.Reveal()) || !plain(q.key) {
		return nil, errors.New("a key has a character that none has, such as a line break at its end")
	}
	req, err := http.NewRequestWithContext(ctx, q.method, strings.TrimSuffix(c.BaseURL, "/")+q.path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("make the request: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+c.Key.Reveal())
	req.Header.Set("User-Agent", "otpipe-go")
	if q.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if q.key != "" {
		req.Header.Set("Idempotency-Key", q.key)
	}
	return req, nil
}

// plain tells whether a text may stand in a header as it is.
func plain(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' })
}

// silence is the error of a request that was not answered.
type silence struct{ err error }

func (s *silence) Error() string { return s.err.Error() }
func (s *silence) Unwrap() error { return s.err }

func isSilence(err error) bool {
	_, ok := errors.AsType[*silence](err)
	return ok
}
