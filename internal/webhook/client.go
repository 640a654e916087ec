package webhook

import (
	"net/http"
	"time"
)

// NewHTTPClient makes a client for a Provider whose calls run concurrency at a
// time: so many connections stay open for the next ones. It has no timeout:
// every call brings the deadline of its message.
func NewHTTPClient(concurrency int) *http.Client {
	return &http.Client{Transport: newTransport(concurrency), CheckRedirect: stay}
}

func newTransport(concurrency int) *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConns = 0 // no limit over all hosts: the one per host is the one that is meant
	t.MaxIdleConnsPerHost = concurrency
	t.IdleConnTimeout = 30 * time.Second // hang up before the load balancer does
	t.ForceAttemptHTTP2 = true
	t.MaxResponseHeaderBytes = maxAnswer // by itself ten megabytes, for each of a hundred calls
	return t
}

// stay hands the redirect itself to the caller: following one would post the
// message to wherever it points.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
