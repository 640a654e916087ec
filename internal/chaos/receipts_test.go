package chaos_test

import (
	"fmt"
	"strings"
	"time"
)

// receipts are vendors' reports that cannot be relied on.
func receipts() []scenario {
	return []scenario{
		{name: "receipts early, reordered, doubled, late and forged", play: confused},
		{name: "primary reports undelivered", play: undelivered},
	}
}

// confused has the vendor report before it answers, and in no good order.
func confused(h *house) {
	h.worker()
	h.primary.tells(
		report{status: "undelivered", code: "30003", token: "somebody else's token"},
		says("delivered"), says("sent"), says("delivered"), says("queued"),
		report{status: "undelivered", code: "30003"},
		report{status: "undelivered", code: "30003", sid: "SM" + strings.Repeat("0", 32)},
		report{status: "failed", code: "30008", token: "somebody else's token"},
	)
	n := either(20, 200)
	h.primary.does(keepsThen(after(100*time.Millisecond, accept)))
	to := h.phones(n)
	h.ask(to)
	h.settled()
	h.primary.reporting.Wait()
	for _, p := range h.ledger.promised() {
		if v, _ := h.client.get(p.id); v.Delivery.Status != "delivered" {
			h.Errorf("%s is %s: %s", p.id, v.Delivery.Status, v.life())
		}
	}
	if forged := h.primary.forged.Load(); forged != int64(2*n) {
		h.Errorf("%d forged receipts were refused, want %d", forged, 2*n)
	}
	h.remark = fmt.Sprintf("%d forged ones refused", 2*n)
}

// undelivered has the vendor take messages that it cannot deliver.
func undelivered(h *house) {
	h.worker()
	h.primary.does(drops)
	h.ask(h.phones(either(10, 100)))
}
