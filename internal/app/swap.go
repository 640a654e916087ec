package app

import (
	"net/http"
	"sync/atomic"
)

// swap is a handler that another may take the place of. A request that is running
// goes on with the one that it began with.
type swap struct{ now atomic.Pointer[http.Handler] }

func (s *swap) set(h http.Handler) { s.now.Store(&h) }

// ServeHTTP answers by the handler of the moment.
func (s *swap) ServeHTTP(w http.ResponseWriter, r *http.Request) { (*s.now.Load()).ServeHTTP(w, r) }
