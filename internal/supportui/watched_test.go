package supportui_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/redis/go-redis/v9"
)

// told are the events of a kind, in every partition.
func (r *rig) told(kind string) (all []map[string]any) {
	r.t.Helper()
	keys, err := r.rdb.Keys(r.t.Context(), "events:*").Result()
	r.must(err)
	for _, key := range keys {
		var events []redis.XMessage
		events, err = r.rdb.XRange(r.t.Context(), key, "-", "+").Result()
		r.must(err)
		for _, e := range events {
			if e.Values["type"] == kind {
				all = append(all, e.Values)
			}
		}
	}
	return all
}

func TestWhoLooksForWhomIsWrittenDown(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	o := r.start(asked{})
	if a := r.post("/search", url.Values{"q": {phone}}); a.status != http.StatusSeeOther {
		t.Fatal(a.status)
	}
	r.page(path(o))
	searched, viewed := r.told("staff.searched"), r.told("verification.viewed")
	if len(searched) != 1 || searched[0]["actor"] == "" || searched[0]["an"] == "" || searched[0]["to"] == "" {
		t.Errorf("searched: %v", searched)
	}
	if len(viewed) != 1 || viewed[0]["id"] != string(o.ID) || viewed[0]["actor"] != searched[0]["actor"] {
		t.Errorf("viewed: %v", viewed)
	}
}
