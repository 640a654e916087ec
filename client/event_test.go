package client_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/otpipe/otpipe/client"
	"github.com/otpipe/otpipe/internal/notify"
)

const shopSecret = "whsec_Y2FuYXJ5LW9mLXRoZS1maXJzdC1zZWNyZXQtLS0="

// shop is a product's backend that the worker tells what happens.
var shop backend

type backend struct {
	server *httptest.Server
	mu     sync.Mutex
	events []client.Event
	wrong  []error
}

func (b *backend) Listen() string {
	b.server = httptest.NewServer(b)
	return b.server.URL
}

func (b *backend) Close() {
	if b.server != nil {
		b.server.Close()
	}
}

// ServeHTTP takes a notice, and minds a field that client.Event does not have.
func (b *backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	e, err := (&client.EventReader{Secrets: []client.Secret{client.Hide(shopSecret)}}).Read(r)
	if err == nil {
		strict := json.NewDecoder(bytes.NewReader(body))
		strict.DisallowUnknownFields()
		err = strict.Decode(&client.Event{})
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err != nil {
		b.wrong = append(b.wrong, err)
		w.WriteHeader(http.StatusForbidden)
		return
	}
	b.events = append(b.events, e)
	w.WriteHeader(http.StatusNoContent)
}

// await waits for a notice about a verification.
func (b *backend) await(t *testing.T, kind client.EventType, id string) client.Event {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		b.mu.Lock()
		events, wrong := b.events, b.wrong
		b.mu.Unlock()
		if len(wrong) > 0 {
			t.Fatal(wrong)
		}
		for _, e := range events {
			if e.Type == kind && e.Data.VerificationID == id {
				return e
			}
		}
	}
	t.Fatalf("no %s of %s came", kind, id)
	return client.Event{}
}

func TestTheNoticesOfTheWorkerAreRead(t *testing.T) {
	t.Parallel()
	otp := client.Client{BaseURL: os.Getenv("OTPIPE_URL"), Key: client.Hide(os.Getenv("OTPIPE_KEY"))}
	started, err := otp.Start(t.Context(), client.StartRequest{Namespace: "verify-email", To: "notice@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	created := shop.await(t, client.EventVerificationCreated, started.ID)
	if created.ID == "" || created.Timestamp.IsZero() || created.Data.Namespace != "verify-email" || created.Data.ToMasked != started.ToMasked || created.Data.Channel != client.Email {
		t.Errorf("%+v", created)
	}
	if sent := shop.await(t, client.EventDeliverySent, started.ID); sent.Data.Send != 1 || sent.Data.Attempt != 1 || sent.Data.Provider != "smtp" {
		t.Errorf("%+v", sent)
	}
}

const notice = `{"type":"verification.approved","timestamp":"2026-05-22T01:33:32.034Z","data":{"verification_id":"VE1","namespace":"phone-auth","to_masked":"+49•••89"}}`

// post is a notice, signed by the library that the worker signs with.
func post(t *testing.T, secret, id string, at time.Time, body string) *http.Request {
	t.Helper()
	wh, err := standard.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := wh.Sign(id, at, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/otpipe", strings.NewReader(body))
	r.Header.Set("Webhook-Id", id)
	r.Header.Set("Webhook-Timestamp", fmt.Sprint(at.Unix()))
	r.Header.Set("Webhook-Signature", signature)
	return r
}

func secretOf(text string) string { return "whsec_" + base64.StdEncoding.EncodeToString([]byte(text)) }

func TestANoticeIsReadWhicheverSecretSignedIt(t *testing.T) {
	t.Parallel()
	next := secretOf("the next secret of the shop")
	reader := &client.EventReader{Secrets: []client.Secret{client.Hide(shopSecret), client.Hide(next)}}
	for _, secret := range []string{shopSecret, next} {
		e, err := reader.Read(post(t, secret, "evt_1", time.Now(), notice))
		if err != nil || e.ID != "evt_1" || e.Type != client.EventVerificationApproved || e.Data.VerificationID != "VE1" {
			t.Errorf("%+v, %v", e, err)
		}
	}
	both := post(t, shopSecret, "evt_1", time.Now(), notice)
	both.Header.Set("Webhook-Signature", "v1,AAAA v2,x  "+both.Header.Get("Webhook-Signature"))
	if _, err := reader.Read(both); err != nil {
		t.Errorf("beside other signatures: %v", err)
	}
}

func TestAForgedNoticeIsRefused(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for name, forge := range map[string]func(r *http.Request) *http.Request{
		"another secret": func(*http.Request) *http.Request {
			return post(t, secretOf("a secret of somebody else"), "evt_1", now, notice)
		},
		"another body": func(r *http.Request) *http.Request {
			r.Body = io.NopCloser(strings.NewReader(strings.Replace(notice, "VE1", "VE2", 1)))
			return r
		},
		"another id": func(r *http.Request) *http.Request { r.Header.Set("Webhook-Id", "evt_2"); return r },
		"another time": func(r *http.Request) *http.Request {
			r.Header.Set("Webhook-Timestamp", fmt.Sprint(now.Unix()+1))
			return r
		},
		"no time":      func(r *http.Request) *http.Request { r.Header.Del("Webhook-Timestamp"); return r },
		"no signature": func(r *http.Request) *http.Request { r.Header.Del("Webhook-Signature"); return r },
		"an empty one": func(r *http.Request) *http.Request { r.Header.Set("Webhook-Signature", "v1,"); return r },
		"a later form": func(r *http.Request) *http.Request {
			r.Header.Set("Webhook-Signature", "v2"+r.Header.Get("Webhook-Signature")[2:])
			return r
		},
		"an old one": func(*http.Request) *http.Request {
			return post(t, shopSecret, "evt_1", now.Add(-6*time.Minute), notice)
		},
		"one to come":   func(*http.Request) *http.Request { return post(t, shopSecret, "evt_1", now.Add(6*time.Minute), notice) },
		"the very past": func(*http.Request) *http.Request { return post(t, shopSecret, "evt_1", time.Unix(0, 0), notice) },
	} {
		reader := &client.EventReader{Secrets: []client.Secret{client.Hide(shopSecret)}, Now: func() time.Time { return now }}
		if e, err := reader.Read(forge(post(t, shopSecret, "evt_1", now, notice))); !errors.Is(err, client.ErrForgedEvent) || e != (client.Event{}) {
			t.Errorf("%s: %+v, %v", name, e, err)
		}
	}
}

// An empty or short secret would let anybody sign.
func TestASecretThatIsNoneReadsNothing(t *testing.T) {
	t.Parallel()
	for name, secrets := range map[string][]client.Secret{
		"none": nil, "an empty one": {{}}, "a prefix alone": {client.Hide("whsec_")}, "a short one": {client.Hide(secretOf("canary"))},
		"no base64": {client.Hide("whsec_canary!")}, "one good, one empty": {client.Hide(shopSecret), {}},
	} {
		_, err := (&client.EventReader{Secrets: secrets}).Read(post(t, shopSecret, "evt_1", time.Now(), notice))
		if err == nil || errors.Is(err, client.ErrForgedEvent) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestALongNoticeIsNotReadToItsEnd(t *testing.T) {
	t.Parallel()
	long := post(t, shopSecret, "evt_1", time.Now(), strings.Repeat(" ", 65<<10)+notice)
	if _, err := (&client.EventReader{Secrets: []client.Secret{client.Hide(shopSecret)}}).Read(long); err == nil {
		t.Error("it was read")
	}
}

func TestAReaderPrintsNoSecret(t *testing.T) {
	t.Parallel()
	reader := client.EventReader{Secrets: []client.Secret{client.Hide(shopSecret)}}
	var b strings.Builder
	for _, v := range []any{reader, &reader} {
		_, _ = fmt.Fprintf(&b, "%v %+v %#v", v, v, v)
		slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "v", v)
	}
	if strings.Contains(b.String(), shopSecret[6:]) {
		t.Error(b.String())
	}
}

// The client's types are the worker's, and those that docs/events.md tells of.
func TestTheClientKnowsEveryTypeOfNotice(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("event.go")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../docs/events.md")
	if err != nil {
		t.Fatal(err)
	}
	same(t, "types", firsts(regexp.MustCompile(`EventType = "([a-z._]+)"`), source), notify.Types())
	same(t, "types on the page", firsts(regexp.MustCompile("(?m)^\\| `([a-z]+\\.[a-z_]+)`"), page), notify.Types())
}

func firsts(of *regexp.Regexp, text []byte) (all []string) {
	for _, m := range of.FindAllSubmatch(text, -1) {
		all = append(all, string(m[1]))
	}
	return all
}

// What a backend does with the notices that otpipe posts to it.
func ExampleEventReader() {
	reader := &client.EventReader{Secrets: []client.Secret{client.Hide(os.Getenv("EVENTS_SECRET"))}}
	http.HandleFunc("POST /otpipe", func(w http.ResponseWriter, r *http.Request) {
		event, err := reader.Read(r)
		switch {
		case errors.Is(err, client.ErrForgedEvent):
			w.WriteHeader(http.StatusForbidden)
		case err != nil:
			slog.Error("a notice was not read", "error", err)
			w.WriteHeader(http.StatusInternalServerError) // it comes again
		default:
			slog.Info("told", "event", event.ID, "type", event.Type, "verification", event.Data.VerificationID)
			w.WriteHeader(http.StatusNoContent)
		}
	})
}
