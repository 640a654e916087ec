package ctl

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/otpipe/otpipe/client"
	"github.com/otpipe/otpipe/internal/app"
)

// api says which api is asked, and with which key.
type api struct {
	URL string `name:"url" env:"OTPIPE_URL" placeholder:"URL" help:"Where the api is, such as https://otp.internal:8080."`
	Key string `name:"key" env:"OTPIPE_KEY" placeholder:"otk_…" help:"The API key. Others on this host can see a command line: better by the variable."`
}

// apiPatience is enough for an api that is started again meanwhile.
const apiPatience = 5 * time.Second

// ask puts a question to the api, and tells somebody who waits that it does. Its
// error says what to do.
func ask[T any](s *screen, a api, question func(c *client.Client) (T, error)) (got T, err error) {
	c, err := a.client()
	if err != nil {
		return got, err
	}
	done := s.waiting("asking the api")
	got, err = question(c)
	done()
	return got, refusal(err)
}

func (a api) client() (*client.Client, error) {
	u, err := url.Parse(a.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.Fragment != "" {
		return nil, ending{app.ExitUsage, errors.New("--url: say where the api is, such as https://otp.internal:8080 (or by OTPIPE_URL)")}
	}
	if a.Key == "" {
		return nil, ending{app.ExitUsage, errors.New("--key: say with which API key, best by OTPIPE_KEY; otpctl apikey new makes one")}
	}
	if strings.ContainsFunc(a.Key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, ending{app.ExitUsage, errors.New("--key: this is no API key: it has a space, the end of a line or a letter that none has")}
	}
	return &client.Client{BaseURL: a.URL, Key: client.Hide(a.Key), Waiting: apiPatience}, nil
}

// refusal says what the api does not do, what to do about it, and with which code
// otpctl ends.
func refusal(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, context.Canceled) {
		return errors.New("interrupted")
	}
	e, ok := errors.AsType[*client.Error](err)
	if !ok {
		return ending{app.ExitUnavailable, silence(err)}
	}
	if e.Code == "" {
		return ending{app.ExitUnavailable, fmt.Errorf("status %d, which is no answer of an api of otpipe: see where --url leads", e.Status)}
	}
	code, special := codes[e.Code]
	if !special {
		code = app.ExitFailure
	}
	return ending{code, fmt.Errorf("%w: %s [request %s]", e.Code, strings.Join(reasons(e), "\n  "), e.RequestID)}
}

// silence says why there is no answer. It leaves out the URL, which may hold a
// password.
func silence(err error) error {
	if _, bad := errors.AsType[*json.SyntaxError](err); bad {
		return errors.New("what answers at --url is no api of otpipe")
	}
	if _, bad := errors.AsType[*json.UnmarshalTypeError](err); bad {
		return errors.New("what answers at --url is no api of otpipe")
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = errors.New("nothing came within " + apiPatience.String())
	}
	return fmt.Errorf("the api does not answer: %w\nsee that --url or OTPIPE_URL is right, and that it runs", err)
}

func reasons(e *client.Error) []string {
	all := []string{e.Detail}
	for _, f := range e.Fields {
		all = append(all, f.Pointer+": "+f.Detail)
	}
	if e.RetryAfter > 0 {
		all = append(all, "try again in "+app.Short(e.RetryAfter))
	}
	if do := hints[e.Code]; do != "" {
		all = append(all, do)
	}
	return all
}

// codes are the exit codes of problems; of all others it is 1.
var codes = map[client.Code]int{
	client.ErrInvalidRequest: app.ExitUsage, client.ErrInvalidRecipient: app.ExitUsage, client.ErrChannelNotAllowed: app.ExitUsage, client.ErrDestinationNotAllowed: app.ExitUsage,
	client.ErrNamespaceNotFound: app.ExitUsage, client.ErrProviderNotFound: app.ExitUsage,
	client.ErrUnauthenticated: app.ExitConfig, client.ErrInsufficientScope: app.ExitConfig, client.ErrNamespaceNotAllowed: app.ExitConfig,
	client.ErrStoreUnavailable: app.ExitUnavailable,
}

// hints say what to do about a problem beyond its own words.
var hints = map[client.Code]string{
	client.ErrUnauthenticated:       "the api knows no such key: see OTPIPE_KEY, and the [[callers]] it was started with",
	client.ErrInsufficientScope:     "give the key the scope in its [[callers]], or use another",
	client.ErrNamespaceNotAllowed:   "use a key that is for all namespaces, or for this one",
	client.ErrProviderNotFound:      "otpctl provider list names all",
	client.ErrDestinationNotAllowed: "[destinations] of the configuration, or the namespace's own countries, says where codes may go",
	client.ErrRateLimited:           "[[limits]] of the configuration has the rule of this name",
	client.ErrRecipientLocked:       "otpctl unlock lets the recipient try again",
	client.ErrStoreUnavailable:      "the api runs without its Redis: otpctl doctor says more",
}
