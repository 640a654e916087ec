package e2e_test

import (
	"testing"
	"time"
)

// TestACodeIsAskedForDeliveredCheckedAndProven is the main job, over two apis
// that share nothing but Redis.
func TestACodeIsAskedForDeliveredCheckedAndProven(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	listen := port(t)
	public := settings{PublicURL: "http://" + listen}
	first := public
	first.Listen = listen
	one, two := r.startAPI(first), r.startAPI(public)
	r.startWorker(public)
	for _, c := range []struct{ namespace, to, other, last string }{
		{"phone-auth", "+4915123456789", "+4915123456788", "delivered"},
		{"verify-email", "jane.doe@mail.example", "john.doe@mail.example", "sent"}, // nobody reports on mail
	} {
		v := one.start(t, c.namespace, c.to)
		code := r.code(c.to, 5*time.Second)
		eventually(t, 30*time.Second, "delivery is "+c.last, func() bool { return two.get(t, v.ID).Delivery.Status == c.last })
		got := two.check(t, c.namespace, c.to, code)
		if !got.Valid || got.Status != "approved" || got.ID != v.ID || got.Session == nil {
			t.Fatalf("check: %+v", got)
		}
		if again := one.check(t, c.namespace, c.to, code); again.Valid || again.Reason != "already_used" {
			t.Errorf("the code again: %+v", again)
		}
		token := got.Session.Token
		if s := one.session(t, "introspect", token, c.namespace, c.to); !s.Active || s.ID != v.ID {
			t.Errorf("introspect: %+v", s)
		}
		if s := one.session(t, "introspect", token, c.namespace, c.other); s.Active {
			t.Errorf("introspect for somebody else: %+v", s)
		}
		if s := one.session(t, "consume", token, c.namespace, c.to); !s.Active {
			t.Errorf("consume: %+v", s)
		}
		if s := two.session(t, "introspect", token, c.namespace, c.to); s.Active {
			t.Errorf("introspect after consume: %+v", s)
		}
		if got := r.inbox(c.to); len(got) != 1 {
			t.Errorf("%d messages", len(got))
		}
	}
}
