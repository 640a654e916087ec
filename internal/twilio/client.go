package twilio

import (
	"net/http"
	"time"
)

// NewHTTPClient makes a client for Providers whose calls run concurrency at a
// time: so many connections stay open for the next ones, where the standard
// library keeps two and shakes hands anew for all others. It has no timeout:
// every call brings the deadline of its message.
func NewHTTPClient(concurrency int) *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConns = 0 // no limit over all hosts: the one per host is the one that is meant
	t.MaxIdleConnsPerHost = concurrency
	t.IdleConnTimeout = 30 * time.Second // hang up before the load balancer does
	t.ForceAttemptHTTP2 = true
	t.MaxResponseHeaderBytes = maxHead // by itself ten megabytes, for each of a hundred calls
	return &http.Client{Transport: t, CheckRedirect: stay}
}

// stay hands the redirect itself to the caller: following one would post the
// code to wherever it points.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
