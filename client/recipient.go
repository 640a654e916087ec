package client

import (
	"context"
	"net/http"
)

// UnlockRequest lets a recipient try again.
type UnlockRequest struct {
	Namespace string `json:"namespace"`
	To        string `json:"to"`
	Binding   string `json:"binding,omitempty"` // what was given at the start
	Reason    string `json:"reason"`            // why, for the audit
}

// Unlocked says whether there was anything to clear.
type Unlocked struct {
	Cleared bool `json:"cleared"`
}

// Unlock clears the lock, the wrong guesses and the strikes of a recipient in a
// namespace. Cooldown and quotas stay.
func (c *Client) Unlock(ctx context.Context, r UnlockRequest) (u Unlocked, err error) {
	_, err = c.do(ctx, call{operation: "unlock", method: http.MethodPost, path: "/v1/recipients/unlock", body: r}, &u)
	return u, err
}
