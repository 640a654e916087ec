package chaos_test

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// act is what a vendor does with one request.
type act func(v *vendor, w http.ResponseWriter, r *http.Request, m text)

// takes is what a healthy vendor does.
func takes(v *vendor, w http.ResponseWriter, r *http.Request, m text) {
	v.keep(m)
	accept(v, w, r, m)
}

// drops takes a message that never arrives, and says so: 30003 is a handset that
// is switched off.
func drops(v *vendor, w http.ResponseWriter, _ *http.Request, m text) {
	v.report(m, []report{says("sent"), {status: "undelivered", code: "30003"}})
	accept(v, w, nil, m)
}

// accept answers that the message was taken.
func accept(v *vendor, w http.ResponseWriter, _ *http.Request, m text) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(resource(v, m))
}

func resource(v *vendor, m text) map[string]any {
	return map[string]any{"sid": m.sid, "account_sid": v.account, "status": "queued", "to": m.to, "body": m.body, "error_code": nil}
}

// truncates takes the message, and its answer breaks off.
func truncates(v *vendor, w http.ResponseWriter, _ *http.Request, m text) {
	v.keep(m)
	whole, _ := json.Marshal(resource(v, m))
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	_, _ = w.Write(whole[:len(whole)/2])
}

// answers takes nothing and answers with a status, headers ("Name: value") and a page.
func answers(status int, page string, headers ...string) act {
	return func(_ *vendor, w http.ResponseWriter, _ *http.Request, _ text) {
		for _, h := range headers {
			name, value, _ := strings.Cut(h, ": ")
			w.Header().Set(name, value)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, page)
	}
}

// resets cuts the connection with an RST, as a crashing server does.
func resets(v *vendor, w http.ResponseWriter, _ *http.Request, _ text) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		v.Error(err)
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// hangs never answers: it waits until the caller has gone.
func hangs(v *vendor, _ http.ResponseWriter, r *http.Request, _ text) {
	select {
	case <-r.Context().Done():
	case <-v.alive.Done():
	}
	panic(http.ErrAbortHandler)
}

// keepsThen takes the message and goes on as another act does.
func keepsThen(next act) act {
	return func(v *vendor, w http.ResponseWriter, r *http.Request, m text) {
		v.keep(m)
		next(v, w, r, m)
	}
}

// after waits before it acts.
func after(d time.Duration, next act) act {
	return func(v *vendor, w http.ResponseWriter, r *http.Request, m text) {
		select {
		case <-time.After(d):
			next(v, w, r, m)
		case <-r.Context().Done():
		case <-v.alive.Done():
		}
	}
}
