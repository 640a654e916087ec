package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/otpipe/otpipe/internal/redistest"
)

const signingSecret = "whsec_ZTJlLXNpZ25pbmctc2VjcmV0LWUyZS1zaWduaW5nLXM="

// backend takes what is posted to it, if the standard's library believes it.
type backend struct {
	url    string
	status int

	mu     sync.Mutex
	ids    map[string]string // bodies by webhook-id
	bodies bytes.Buffer
	forged int
	wh     *standard.Webhook
	then   func(id string, body []byte)
}

func (r *rig) startBackend() *backend {
	r.Helper()
	wh, err := standard.NewWebhook(signingSecret)
	if err != nil {
		r.Fatal(err)
	}
	b := &backend{status: http.StatusOK, ids: map[string]string{}, wh: wh}
	s := httptest.NewServer(b)
	r.Cleanup(s.Close)
	b.url = s.URL
	return b
}

func (b *backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	id := r.Header.Get("webhook-id")
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.wh.Verify(body, r.Header) != nil {
		b.forged++
	}
	b.ids[id] = string(body)
	_ = r.Header.Write(&b.bodies)
	b.bodies.Write(append(body, '\n'))
	w.WriteHeader(b.status)
	_, _ = io.WriteString(w, `{"id":"gw-7"}`)
	if b.then != nil {
		go b.then(id, body)
	}
}

func (b *backend) everything() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return bytes.Clone(b.bodies.Bytes())
}

// endpoint is the configuration of one that is told what happens.
func (b *backend) endpoint(name string) string {
	return fmt.Sprintf("\n[[events]]\nname = %q\nurl = %q\nsecrets = [%q]\nallow_private = true\n", name, b.url, signingSecret)
}

// provider is the configuration of one that delivers.
func (b *backend) provider(name string) string {
	return fmt.Sprintf("\n[[providers]]\nname = %q\ndriver = \"webhook\"\n[providers.webhook]\nurl = %q\nsecrets = [%q]\n", name, b.url, signingSecret)
}

// told are the notices of a verification, as "type provider reason", by how often.
func (b *backend) told(id string) map[string]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := map[string]int{}
	for _, body := range b.ids {
		var n struct {
			Type string
			Data struct {
				VerificationID   string `json:"verification_id"`
				Provider, Reason string
			}
		}
		if json.Unmarshal([]byte(body), &n) == nil && n.Data.VerificationID == id {
			all[strings.TrimSpace(n.Type+" "+n.Data.Provider+" "+n.Data.Reason)]++
		}
	}
	return all
}

// report posts a signed receipt.
func (b *backend) report(r *rig, to, message, status string) int {
	body := fmt.Appendf(nil, `{"message":%q,"status":%q}`, message, status)
	at := time.Now()
	signature, err := b.wh.Sign("receipt-of-"+message, at, body)
	if err != nil {
		r.Error(err)
	}
	req, err := http.NewRequestWithContext(r.Context(), http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		r.Error(err)
		return 0
	}
	req.Header.Set("webhook-id", "receipt-of-"+message)
	req.Header.Set("webhook-timestamp", fmt.Sprint(at.Unix()))
	req.Header.Set("webhook-signature", signature)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		r.Error(err)
		return 0
	}
	_ = res.Body.Close()
	return res.StatusCode
}

// text is a message as the gateway gets it.
type text struct {
	id         string
	Text       string
	ReceiptURL string `json:"receipt_url"`
}

func (m text) code() string {
	return strings.FieldsFunc(m.Text, func(c rune) bool { return c < '0' || c > '9' })[0]
}

// TestAGatewayDeliversACodeAndTheBackendIsToldOfEveryChange runs both ends of
// the standard: a vendor without a driver, and a product that wants to know.
func TestAGatewayDeliversACodeAndTheBackendIsToldOfEveryChange(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	gateway, shop := r.startBackend(), r.startBackend()
	texts := make(chan text, 10)
	gateway.then = func(id string, body []byte) {
		m := text{id: id}
		if err := json.Unmarshal(body, &m); err != nil {
			t.Error(err)
		}
		texts <- m
	}
	s := settings{Listen: port(t), SMS: "gateway", More: namespaces + gateway.provider("gateway") + shop.endpoint("shop")}
	s.PublicURL = "http://" + s.Listen
	a := r.startAPI(s)
	r.startWorker(s)
	r.startWorker(s)

	to := r.phone()
	v := a.start(t, "load", to)
	m := <-texts
	code := m.code()
	eventually(t, 10*time.Second, "accepted", func() bool { return a.get(t, v.ID).Delivery.Status == "accepted" })
	if status := gateway.report(r, m.ReceiptURL, m.id, "delivered"); status != http.StatusNoContent {
		t.Errorf("the receipt is answered %d", status)
	}
	eventually(t, 10*time.Second, "delivered", func() bool { return a.get(t, v.ID).Delivery.Status == "delivered" })
	if got := a.get(t, v.ID); got.Delivery.Provider != "gateway" || got.count("delivered") != 1 {
		t.Errorf("%+v", got)
	}
	if got := a.check(t, "load", to, code); !got.Valid {
		t.Fatalf("%+v", got)
	}
	want := map[string]int{"verification.created": 1, "delivery.accepted gateway": 1, "delivery.delivered gateway": 1, "verification.approved": 1}
	eventually(t, slack(5*time.Second), "the backend knows all", func() bool { return fmt.Sprint(shop.told(v.ID)) == fmt.Sprint(want) })

	canceled := a.start(t, "load", r.phone())
	<-texts
	if got := a.do(http.MethodPost, "/v1/verifications/"+canceled.ID+"/cancel", nil); got.status != http.StatusOK {
		t.Fatal(got)
	}
	locked := a.start(t, "load", to)
	m = <-texts
	right := m.code()
	for i := range 5 {
		wrong := fmt.Sprintf("%06d", i)
		if wrong == right {
			wrong = "999999"
		}
		a.check(t, "load", to, wrong)
	}
	eventually(t, slack(5*time.Second), "the others end", func() bool {
		return shop.told(canceled.ID)["verification.canceled"] == 1 && shop.told(locked.ID)["verification.locked"] == 1
	})
	if gateway.forged+shop.forged > 0 {
		t.Errorf("%d and %d posts were not believed", gateway.forged, shop.forged)
	}
	for _, secret := range []string{code, right, to[1:]} {
		if bytes.Contains(shop.everything(), []byte(secret)) {
			t.Errorf("the backend was told %s", secret)
		}
	}
}

// TestNobodyIsToldWhereNobodyIsConfigured keeps what costs something from those
// who do not need it.
func TestNobodyIsToldWhereNobodyIsConfigured(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := settings{Feedback: "false"}
	a := r.startAPI(s)
	w := r.startWorker(s)
	to := r.phone()
	v := a.start(t, "load", to)
	r.code(to, 20*time.Second)
	if _, body := w.fetch("/metrics"); strings.Contains(body, "otpipe_events_") || !strings.Contains(body, "otpipe_sends_total") {
		t.Error("the worker listens")
	}
	for _, key := range r.store().Keys(t.Context(), "*").Val() {
		if strings.HasPrefix(key, "heard:") || strings.Contains(key, "{events}") {
			t.Errorf("there is %s", key)
		}
	}
	if groups := r.store().XInfoGroups(t.Context(), "events:{"+v.ID[2:4]+"}").Val(); len(groups) != 0 {
		t.Errorf("%v", groups)
	}
}

// TestWhatHappenedWhileNoWorkerListenedIsToldLater starts the worker after the
// fact, with the state's Redis and the queue's being two.
func TestWhatHappenedWhileNoWorkerListenedIsToldLater(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	shop := r.startBackend()
	s := settings{Queue: redistest.Start(t).Addr(), More: namespaces + shop.endpoint("shop")}
	a := r.startAPI(s)
	var ids []string
	for range 20 {
		ids = append(ids, a.start(t, "load", r.phone()).ID)
	}
	r.startWorker(s)
	eventually(t, slack(10*time.Second), "all were told", func() bool {
		for _, id := range ids {
			if shop.told(id)["verification.created"] != 1 || shop.told(id)["delivery.accepted twilio"] != 1 {
				return false
			}
		}
		return true
	})
}

// TestNoNoticeIsLostWithAWorkerThatIsKilled kills one after the other while they
// tell. What a dead one had read comes back after half a minute, what it was
// posting after asynq has missed it, which takes up to two.
func TestNoNoticeIsLostWithAWorkerThatIsKilled(t *testing.T) {
	t.Parallel()
	if !soak {
		t.Skip("takes minutes: set LONG")
	}
	r := newRig(t)
	shop := r.startBackend()
	s := settings{More: namespaces + shop.endpoint("shop")}
	a := r.startAPI(s)
	var ids []string
	for range 5 {
		w := r.startWorker(s)
		for range 40 {
			ids = append(ids, a.start(t, "load", r.phone()).ID)
		}
		w.kill()
	}
	r.startWorker(s)
	eventually(t, 3*time.Minute, "all were told", func() bool {
		for _, id := range ids {
			if shop.told(id)["verification.created"] != 1 || shop.told(id)["delivery.accepted twilio"] != 1 {
				return false
			}
		}
		return true
	})
	posts := bytes.Count(shop.everything(), []byte(`{"type":`))
	t.Logf("%d verifications, %d notices, %d posts", len(ids), len(shop.ids), posts)
}
