package client

import (
	"context"
	"net/http"
)

// UnlockRequest lets a recipient try again.
type UnlockRequest struct {
	Namespace string
	To        string
	Binding   Secret // what was given at the start
	Reason    string // why, for the audit
}

type unlockBody struct {
	Namespace string `json:"namespace"`
	To        string `json:"to"`
	Binding   string `json:"binding,omitempty"`
	Reason    string `json:"reason"`
}

// Unlocked says whether there was anything to clear.
type Unlocked struct {
	Cleared bool `json:"cleared"`
}

// Unlock clears the lock, the wrong guesses and the strikes of a recipient in a
// namespace. Cooldown and quotas stay.
func (c *Client) Unlock(ctx context.Context, r UnlockRequest) (u Unlocked, err error) {
	body := unlockBody{r.Namespace, r.To, r.Binding.Reveal(), r.Reason}
	_, err = c.do(ctx, call{operation: "unlock", method: http.MethodPost, path: "/v1/recipients/unlock", body: body}, &u)
	return u, err
}
