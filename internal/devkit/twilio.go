package devkit

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha1" // #nosec G505 -- the algorithm is Twilio's choice
	"encoding/base64"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Twilio is a Twilio of one account: the part of its Messages API that creates
// messages, and the status callbacks that follow. What Twilio would overlook,
// such as a parameter it does not know, is refused here.
//
// Close it before the server it is mounted on, which waits for requests that hang.
type Twilio struct {
	AccountSID string           // AC…; also the user name of requests
	AuthToken  string           // their password, and the key of the signatures
	KeySID     string           // SK…: the user name of requests with an API key; "" for none
	KeySecret  string           // its password, which signs nothing; it is a standard key, which may not read the account
	Status     string           // of the account; "": active
	Trial      bool             // the account pays nothing yet
	Vendor     string           // its name in Chaos and in the inbox; "" for "twilio"
	Inbox      *Inbox           // gets what the handset would get
	Chaos      *Chaos           // nil: behaves well
	HTTP       *http.Client     // posts the status callbacks; nil: http.DefaultClient
	SlowFor    time.Duration    // how long Slow takes; 0 for two seconds
	OnRequest  func(url.Values) // called with every form as soon as it is read; may be nil

	mu     sync.Mutex
	made   map[string]*twilioMessage // by sid
	alive  context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup
}

const (
	twilioSlow     = 2 * time.Second
	twilioCallback = 5 * time.Second // deadline of one status callback
	twilioVersion  = "2010-04-01"
)

// ServeHTTP answers POST /2010-04-01/Accounts/{sid}/Messages.json, of a message
// that was made GET …/Messages/{sid}.json and POST …/{sid}/Feedback.json, and GET
// /2010-04-01/Accounts/{sid}.json.
// Only a message that Twilio would take asks Chaos what becomes of it.
func (t *Twilio) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if t.about(w, r) || t.account(w, r) {
		return
	}
	form, err := t.read(r)
	if err != nil {
		err.answer(w)
		return
	}
	switch mode := t.mode(); mode {
	case Refuse:
		twilioDown.answer(w)
	case Reset:
		panic(http.ErrAbortHandler) // net/http cuts the connection
	case Hang:
		t.wait(r, nil)
		panic(http.ErrAbortHandler)
	default:
		t.take(w, r, form, mode)
	}
}

// Wait returns when the status callbacks of all answered messages are out.
func (t *Twilio) Wait() { t.work.Wait() }

// Close gives up what is under way and waits until it is gone. Requests that
// come later are answered, but nothing follows.
func (t *Twilio) Close() {
	t.life()
	t.mu.Lock()
	t.cancel()
	t.mu.Unlock()
	t.work.Wait()
}

// background runs f so that Wait and Close wait for it.
func (t *Twilio) background(f func()) {
	alive := t.life()
	t.mu.Lock()
	defer t.mu.Unlock()
	if alive.Err() == nil {
		t.work.Go(f)
	}
}

// life ends with Close.
func (t *Twilio) life() context.Context {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.alive == nil {
		t.alive, t.cancel = context.WithCancel(context.Background())
	}
	return t.alive
}

func (t *Twilio) vendor() string { return cmp.Or(t.Vendor, "twilio") }

func (t *Twilio) mode() Mode {
	if t.Chaos == nil {
		return OK
	}
	return t.Chaos.Next(t.vendor())
}

// wait waits for over, for the caller to hang up, or for Close.
func (t *Twilio) wait(r *http.Request, over <-chan time.Time) {
	select {
	case <-over:
	case <-r.Context().Done():
	case <-t.life().Done():
	}
}

// take makes a message of the form, answers, and reports what becomes of it.
// Whoever is too impatient for a slow answer will get reports all the same. The
// inbox is the handset: what is not delivered does not show there.
func (t *Twilio) take(w http.ResponseWriter, r *http.Request, form url.Values, mode Mode) {
	m := t.keep(newTwilioMessage(t.AccountSID, form))
	if mode != Undelivered {
		t.Inbox.Add(Message{To: form.Get("To"), Channel: "sms", Provider: t.vendor(), Body: form.Get("Body")})
	}
	answered := make(chan struct{})
	defer close(answered)
	t.background(func() {
		<-answered
		t.report(m, mode)
	})
	if mode == Slow {
		t.wait(r, time.After(cmp.Or(t.SlowFor, twilioSlow)))
	}
	writeTwilio(w, http.StatusCreated, m.json())
	_ = http.NewResponseController(w).Flush() // reports follow the answer
}

// report tells what the carrier said: 30003 is a handset that is switched off.
func (t *Twilio) report(m *twilioMessage, mode Mode) {
	t.callback(m, "sent", "")
	if mode == Undelivered {
		t.callback(m, "undelivered", "30003")
	} else {
		t.callback(m, "delivered", "")
	}
}

// callback tells a status, and tells it once more if the connection fails: as
// often as Twilio does.
func (t *Twilio) callback(m *twilioMessage, status, errorCode string) {
	m.reach(status, errorCode)
	target := m.form.Get("StatusCallback")
	if target == "" {
		return
	}
	if form := m.callback(status, errorCode); t.post(target, form) != nil {
		_ = t.post(target, form)
	}
}

// post sends one signed status callback. No answer is an error, any answer is none.
func (t *Twilio) post(target string, form url.Values) error {
	ctx, cancel := context.WithTimeout(t.life(), twilioCallback)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("X-Twilio-Signature", SignTwilio(t.AuthToken, target, form))
	res, err := cmp.Or(t.HTTP, http.DefaultClient).Do(req)
	if err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<20))
	return res.Body.Close()
}

// SignTwilio makes the X-Twilio-Signature of a POST: HMAC-SHA1 under the auth
// token over the URL and the form, its keys in order, each followed by its
// value (Twilio, "Webhooks security"). Every key has one value.
func SignTwilio(authToken, target string, form url.Values) string {
	h := hmac.New(sha1.New, []byte(authToken))
	_, _ = io.WriteString(h, target)
	for _, key := range slices.Sorted(maps.Keys(form)) {
		_, _ = io.WriteString(h, key+form.Get(key))
	}
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}
