package chaos_test

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/devkit"
)

// text is a message that a vendor is asked to deliver.
type text struct {
	to, body, sid string
	callback      string // where its reports go; "" for none
}

// act is what a vendor does with one request.
type act func(v *vendor, w http.ResponseWriter, r *http.Request, m text)

// vendor is a Twilio that acts as it is told. What it takes it writes into the
// ledger.
type vendor struct {
	testing.TB
	name, account string
	addr          string // host:port
	ledger        *ledger
	asked         atomic.Int64 // requests so far
	forged        atomic.Int64 // reports of somebody else that were refused
	alive         context.Context
	reporting     sync.WaitGroup

	mu      sync.Mutex
	acts    act
	reports []report // of a message that it took, in their order
	server  *http.Server
}

// startVendor starts a vendor that takes everything and reports delivered.
func startVendor(t testing.TB, name, account string, l *ledger) *vendor {
	t.Helper()
	v := &vendor{TB: t, name: name, account: account, addr: port(t), ledger: l, acts: takes, reports: []report{says("sent"), says("delivered")}}
	var end context.CancelFunc
	v.alive, end = context.WithCancel(context.Background())
	v.up()
	t.Cleanup(func() { end(); v.down(); v.reporting.Wait() })
	return v
}

// up lets the vendor listen again; down closes its door: connections are refused.
func (v *vendor) up() {
	v.Helper()
	var l net.Listener
	until(v, 10*time.Second, v.name+" listens", func() (listens bool) {
		var err error
		l, err = net.Listen("tcp", v.addr)
		return err == nil
	})
	v.mu.Lock()
	defer v.mu.Unlock()
	v.server = &http.Server{Handler: v}
	go func(s *http.Server) { _ = s.Serve(l) }(v.server)
}

func (v *vendor) down() {
	v.mu.Lock()
	defer v.mu.Unlock()
	_ = v.server.Close()
}

// does tells the vendor what to do with requests from now on.
func (v *vendor) does(a act) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.acts = a
}

// tells says what the vendor reports of the messages that it takes from now on.
func (v *vendor) tells(all ...report) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.reports = all
}

// ServeHTTP is POST /2010-04-01/Accounts/{sid}/Messages.json.
func (v *vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	user, password, _ := r.BasicAuth()
	if r.ParseForm() != nil || user != v.account || password != devkit.TwilioToken || !strings.Contains(r.URL.Path, v.account) {
		v.Errorf("%s: a request that is not for it: %s", v.name, r.URL.Path)
	}
	var sid [16]byte
	_, _ = rand.Read(sid[:])
	v.mu.Lock()
	a := v.acts
	v.mu.Unlock()
	v.asked.Add(1)
	a(v, w, r, text{r.PostForm.Get("To"), r.PostForm.Get("Body"), "SM" + hex.EncodeToString(sid[:]), r.PostForm.Get("StatusCallback")})
}

// keep is the moment from which the message is on its way. Reports follow a
// little later, whether or not the answer can be given.
func (v *vendor) keep(m text) {
	v.mu.Lock()
	reports := v.reports
	v.mu.Unlock()
	v.ledger.arrive(v.name, m.to, m.body)
	v.report(m, reports)
}

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

// report is one status callback.
type report struct {
	status string // MessageStatus
	code   string // ErrorCode; "" for none
	sid    string // of another message; "" for the message's own
	token  string // that signs it; "" for the account's own
}

func says(status string) report { return report{status: status} }

// report posts what happened to a message, one report after the other.
func (v *vendor) report(m text, all []report) {
	if m.callback == "" {
		return
	}
	v.reporting.Go(func() {
		for _, one := range all {
			v.post(m, one)
		}
	})
}

// post posts one report, and once more if nobody answers: as often as Twilio does.
func (v *vendor) post(m text, one report) {
	sid := cmp.Or(one.sid, m.sid)
	form := url.Values{
		"AccountSid": {v.account}, "To": {m.to}, "MessageSid": {sid}, "SmsSid": {sid},
		"MessageStatus": {one.status}, "SmsStatus": {one.status},
	}
	if one.code != "" {
		form.Set("ErrorCode", one.code)
	}
	signature := devkit.SignTwilio(cmp.Or(one.token, devkit.TwilioToken), m.callback, form)
	for range 2 {
		status, err := v.callback(m.callback, signature, form)
		if err != nil && v.alive.Err() == nil {
			continue
		}
		if one.token != "" && status == http.StatusForbidden {
			v.forged.Add(1)
		}
		return
	}
}

func (v *vendor) callback(target, signature string, form url.Values) (status int, err error) {
	ctx, cancel := context.WithTimeout(v.alive, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("X-Twilio-Signature", signature)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode, res.Body.Close()
}
