package chaos_test

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/devkit"
	"github.com/otpipe/otpipe/internal/processtest"
)

// text is a message that a vendor is asked to deliver.
type text struct {
	to, body, sid string
	callback      string // where its reports go; "" for none
}

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
	v := &vendor{TB: t, name: name, account: account, addr: processtest.Port(t), ledger: l, acts: takes, reports: []report{says("sent"), says("delivered")}}
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
	processtest.Until(v, 10*time.Second, v.name+" listens", func() (listens bool) {
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

// ServeHTTP is POST /2010-04-01/Accounts/{sid}/Messages.json, and GET of one of them.
func (v *vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.ParseForm() != nil {
		return // the caller died while it asked
	}
	user, password, _ := r.BasicAuth()
	if user != v.account || password != devkit.TwilioToken || !strings.Contains(r.URL.Path, v.account) {
		v.Errorf("%s: a request that is not for it: %s", v.name, r.URL.Path)
	}
	if r.Method == http.MethodGet {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"status":"sent"}`) // a vendor that knows no more
		return
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
