package devkit

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

const maxOrder = 16 << 10 // bytes in an order for chaos

func (w *Web) listMessages(rw http.ResponseWriter, r *http.Request) {
	rw.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(rw).Encode(w.Inbox.Messages(addressIn(r)))
}

func (w *Web) clearMessages(rw http.ResponseWriter, _ *http.Request) {
	w.Inbox.Clear()
	rw.WriteHeader(http.StatusNoContent)
}

// chaosOrder is the body of POST /api/chaos.
type chaosOrder struct {
	Provider string `json:"provider"`
	Mode     Mode   `json:"mode"`
	Times    int    `json:"times"` // 0: until told otherwise
}

func (w *Web) orderChaos(rw http.ResponseWriter, r *http.Request) {
	var order chaosOrder
	if status, err := readOrder(http.MaxBytesReader(rw, r.Body, maxOrder), &order); err != nil {
		refuseOrder(rw, status, err)
		return
	}
	if err := w.Chaos.Set(order.Provider, order.Mode, order.Times); err != nil {
		refuseOrder(rw, http.StatusBadRequest, err)
		return
	}
	rw.WriteHeader(http.StatusNoContent)
}

// readOrder reads one JSON object and nothing after it.
func readOrder(body io.Reader, order *chaosOrder) (status int, err error) {
	d := json.NewDecoder(body)
	d.DisallowUnknownFields()
	if err = d.Decode(order); err == nil {
		if _, err = d.Token(); errors.Is(err, io.EOF) {
			return http.StatusOK, nil
		}
	}
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return http.StatusRequestEntityTooLarge, fmt.Errorf("the body is larger than %d bytes", maxOrder)
	}
	return http.StatusBadRequest, errors.New(`want one JSON object with no fields but provider, mode and times, such as {"provider":"twilio","mode":"refuse","times":3}`)
}

// refuseOrder answers with a problem of RFC 9457.
func refuseOrder(rw http.ResponseWriter, status int, why error) {
	rw.Header().Set("Content-Type", "application/problem+json")
	rw.WriteHeader(status)
	_ = json.NewEncoder(rw).Encode(map[string]any{"title": http.StatusText(status), "status": status, "detail": why.Error()})
}
