package login_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/otpipe/otpipe/internal/login"
	"github.com/otpipe/otpipe/internal/otp"
)

// certifiedProvider is ZITADEL's, whose library the OpenID Foundation has
// certified. Its tokens have no more than who it is.
func certifiedProvider(t *testing.T) string {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	issuer := "http://" + server.Listener.Addr().String()
	clients := map[string]*storage.Client{"otpipe": storage.WebClient("otpipe", "secret of ours", redirect)}
	store := storage.NewStorageWithClients(storage.NewUserStore(issuer), clients)
	server.Config.Handler = exampleop.SetupServer(issuer, store, nil, false, op.WithAllowInsecure())
	server.Start()
	t.Cleanup(server.Close)
	return issuer
}

// signInAt fills in the provider's own form, and returns what the browser brings back.
func signInAt(t *testing.T, to, name, password string) url.Values {
	t.Helper()
	browser := &http.Client{CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), redirect) {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	form, err := browser.Get(to)
	if err != nil {
		t.Fatal(err)
	}
	defer form.Body.Close()
	res, err := browser.PostForm(form.Request.URL.String(), url.Values{"username": {name}, "password": {password}, "id": {form.Request.URL.Query().Get("authRequestID")}})
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	back, err := res.Location()
	if err != nil {
		t.Fatalf("%s: nobody is sent back: %v", res.Status, err)
	}
	return back.Query()
}

func TestACertifiedProviderIsUnderstood(t *testing.T) {
	t.Parallel()
	o := &login.OIDC{
		Issuer: certifiedProvider(t), ClientID: "otpipe", ClientSecret: "secret of ours", Redirect: redirect, Home: "http://127.0.0.1:8081/login",
		Scopes: []string{"openid", "profile", "email"}, HTTP: &http.Client{Timeout: 5 * time.Second}, Now: time.Now,
		Grants: login.Grants{Claim: "email", Roles: map[string]otp.Role{"test-user@zitadel.ch": otp.Admin}},
	}
	ask := func(name string) (otp.Visit, error) {
		ref := otp.NewReferral("/")
		to, err := o.Refer(t.Context(), ref)
		if err != nil {
			t.Fatal(err)
		}
		q := signInAt(t, to, name, "verysecure")
		if q.Get("state") != ref.State {
			t.Fatalf("the state comes back as %q", q.Get("state"))
		}
		v, err := o.SignIn(t.Context(), ref, q.Get("code"))
		if _, again := o.SignIn(t.Context(), ref, q.Get("code")); !errors.Is(again, otp.ErrNotVouched) {
			t.Errorf("the same code again: %v", again)
		}
		return v, err
	}
	v, err := ask("test-user@127.0.0.1")
	if err != nil || v.Who.Name != "test-user@zitadel.ch" || v.Who.Role != otp.Admin {
		t.Errorf("%+v, %v", v.Who, err)
	}
	if v, err := ask("test-user2"); !errors.Is(err, otp.ErrNoRole) || v.Who.Name != "test-user2@zitadel.ch" {
		t.Errorf("somebody without a role: %+v, %v", v.Who, err)
	}
	if to := o.Logout(); !strings.HasPrefix(to, o.Issuer+"/") {
		t.Errorf("logout at %q", to)
	}
}
