package vendorhttp

import (
	"net/http"
	"time"
)

// maxHead is how many bytes the head of an answer may have. By itself it is ten
// megabytes, for each of a hundred calls.
const maxHead = 64 << 10

// NewTransport makes a transport for calls that run concurrency at a time: so many
// connections stay open for the next ones, where the standard library keeps two and
// shakes hands anew for all others.
func NewTransport(concurrency int) *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConns = 0 // no limit over all hosts: the one per host is the one that is meant
	t.MaxIdleConnsPerHost = concurrency
	t.IdleConnTimeout = 30 * time.Second // hang up before the load balancer does
	t.ForceAttemptHTTP2 = true
	t.MaxResponseHeaderBytes = maxHead
	return t
}

// NewClient makes a client on such a transport. It has no timeout: every call
// brings the deadline of its message.
func NewClient(concurrency int) *http.Client {
	return &http.Client{Transport: NewTransport(concurrency), CheckRedirect: Stay}
}

// Stay hands a redirect itself to the caller: following one would post the code
// to wherever it points.
func Stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
