package httpapi_test

import (
	"net/http"
	"slices"
	"testing"
	"time"
)

func (r *rig) search(body fields) answer {
	r.t.Helper()
	return r.do(request{path: "/v1/verifications/search", body: body})
}

// found are the ids on a page.
func found(a answer) (ids []string) {
	items, _ := a.body["items"].([]any)
	for _, i := range items {
		ids = append(ids, i.(map[string]any)["id"].(string))
	}
	return ids
}

// lives opens n verifications of one recipient, one after the other, and
// returns their ids, the newest first.
func (r *rig) lives(n int) (ids []string) {
	r.t.Helper()
	for i := range n {
		ns := []string{"phone-auth", "verify-phone"}[i%2]
		ids = append(ids, r.start(toPhone.with(fields{"namespace": ns})).want(http.StatusAccepted, "").text("id"))
		r.pass(6 * time.Minute)
	}
	slices.Reverse(ids)
	return ids
}

func TestSearchListsARecipientsVerificationsTheNewestFirst(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ids := r.lives(5)
	r.start(toMail).want(http.StatusAccepted, "")
	a := r.search(fields{"to": "+49 (0) 151 1234-5678"}).ok()
	if got := found(a); !slices.Equal(got, ids) {
		t.Errorf("got %v, want %v", got, ids)
	}
	newest := a.body["items"].([]any)[0].(map[string]any)
	if newest["to_masked"] != phoneMask || newest["status"] != "expired" || newest["timeline"] != nil {
		t.Errorf("%v", newest)
	}
	if got := found(r.search(fields{"to": phone, "namespace": "verify-phone"}).ok()); !slices.Equal(got, []string{ids[1], ids[3]}) {
		t.Errorf("in one namespace: %v of %v", got, ids)
	}
	if got := found(r.search(fields{"to": "+4915112345699"}).ok()); len(got) != 0 {
		t.Errorf("somebody else's: %v", got)
	}
}

func TestPagesNeitherRepeatNorSkip(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ids := r.lives(7)
	var got []string
	page := r.search(fields{"to": phone, "limit": 3}).ok()
	r.lives(1) // what is new meanwhile moves nothing
	for {
		got = append(got, found(page)...)
		next := page.text("next_cursor")
		if next == "" {
			break
		}
		page = r.search(fields{"to": phone, "limit": 3, "cursor": next}).ok()
	}
	if !slices.Equal(got, ids) {
		t.Errorf("got %v, want %v", got, ids)
	}
}

func TestSearchShowsACallerItsNamespacesOnly(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ids := r.lives(4)
	q := request{path: "/v1/verifications/search", key: keyPhone, body: fields{"to": phone}}
	if got := found(r.do(q).ok()); !slices.Equal(got, []string{ids[1], ids[3]}) {
		t.Errorf("got %v of %v", got, ids)
	}
	q.body = fields{"to": phone, "namespace": "verify-phone"}
	r.do(q).want(http.StatusForbidden, "namespace_not_allowed")
}

func TestABadSearchSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for name, row := range map[string]struct {
		body fields
		code string
	}{
		"no recipient":      {fields{}, "invalid_request"},
		"a bad recipient":   {fields{"to": "+49"}, "invalid_recipient"},
		"a limit of none":   {fields{"to": phone, "limit": 0}, "invalid_request"},
		"a limit too large": {fields{"to": phone, "limit": 51}, "invalid_request"},
		"a made-up cursor":  {fields{"to": phone, "cursor": "page-2"}, "invalid_request"},
	} {
		t.Run(name, func(*testing.T) { r.search(row.body).want(http.StatusBadRequest, row.code) })
	}
	r.search(fields{"to": phone, "namespace": "no-such"}).want(http.StatusNotFound, "namespace_not_found")
}
