package login_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/otpipe/otpipe/internal/idptest"
	"github.com/otpipe/otpipe/internal/login"
	"github.com/otpipe/otpipe/internal/otp"
)

const redirect = "http://127.0.0.1:8081/login/oidc/callback"

func person(more map[string]any) map[string]any {
	p := map[string]any{"sub": "7f3a", "email": "ada@example.com", "email_verified": true, "roles": []string{"otp-operators"}}
	for name, value := range more {
		if p[name] = value; value == nil {
			delete(p, name)
		}
	}
	return p
}

func idpOf(t *testing.T) *idptest.Provider {
	i := idptest.Start(t)
	i.Redirect, i.Person = redirect, person(nil)
	return i
}

func clientOf(i *idptest.Provider) *login.OIDC {
	return &login.OIDC{
		Issuer: i.URL, ClientID: idptest.ClientID, ClientSecret: idptest.ClientSecret, Redirect: redirect, Home: "http://127.0.0.1:8081/login",
		Scopes: []string{"openid", "email"}, HTTP: &http.Client{Timeout: 5 * time.Second}, Now: time.Now,
		Grants: login.Grants{Claim: "roles", Roles: map[string]otp.Role{"otp-support": otp.Viewer, "otp-operators": otp.Operator, "otp-admins": otp.Admin}, Namespaces: []otp.Namespace{otp.PhoneAuth, otp.AddEmail}},
	}
}

// browse follows a referral as a browser would, up to where it leads back.
func browse(t *testing.T, to string) url.Values {
	t.Helper()
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := browser.Get(to)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	back, err := res.Location()
	if err != nil || !strings.HasPrefix(back.String(), redirect+"?") {
		t.Fatalf("%s leads to %v: %v", to, back, err)
	}
	return back.Query()
}

// begin refers a browser and follows it.
func begin(t *testing.T, o *login.OIDC) (ref otp.Referral, code string) {
	t.Helper()
	ref = otp.NewReferral("/")
	to, err := o.Refer(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	q := browse(t, to)
	if q.Get("state") != ref.State {
		t.Fatalf("the state comes back as %q", q.Get("state"))
	}
	return ref, q.Get("code")
}

func signIn(t *testing.T, o *login.OIDC) (otp.Visit, error) {
	t.Helper()
	ref, code := begin(t, o)
	return o.SignIn(t.Context(), ref, code)
}

func TestAPersonIsWhoTheIdentityProviderSays(t *testing.T) {
	t.Parallel()
	v, err := signIn(t, clientOf(idpOf(t)))
	if err != nil {
		t.Fatal(err)
	}
	v.Mark = ""
	if d := cmp.Diff(otp.Visit{Who: otp.Staff{Name: "ada@example.com", Role: otp.Operator}, Way: otp.ByOIDC}, v); d != "" {
		t.Error(d)
	}
}

func TestWhatClaimsMean(t *testing.T) {
	t.Parallel()
	deep := func(roles any) map[string]any { return map[string]any{"realm_access": map[string]any{"roles": roles}} }
	for name, c := range map[string]struct {
		claim, namespaces string
		said              map[string]any
		want              otp.Staff // without a role: refused
	}{
		"a text":                        {"roles", "", map[string]any{"roles": "otp-support"}, otp.Staff{Role: otp.Viewer}},
		"the highest of several":        {"roles", "", map[string]any{"roles": []string{"otp-support", "otp-admins", "otp-operators"}}, otp.Staff{Role: otp.Admin}},
		"one that means nothing beside": {"roles", "", map[string]any{"roles": []any{"offline_access", 7, nil, "otp-support"}}, otp.Staff{Role: otp.Viewer}},
		"deeper":                        {"realm_access.roles", "", deep([]string{"otp-support"}), otp.Staff{Role: otp.Viewer}},
		"under a URL":                   {"https://example.com/roles", "", map[string]any{"https://example.com/roles": []string{"otp-support"}}, otp.Staff{Role: otp.Viewer}},
		"no claim":                      {"groups", "", nil, otp.Staff{}},
		"a claim that is not so deep":   {"roles.of.mine", "", nil, otp.Staff{}},
		"a claim of another kind":       {"roles", "", map[string]any{"roles": map[string]any{"otp-admins": true}}, otp.Staff{}},
		"an empty list":                 {"roles", "", map[string]any{"roles": []string{}}, otp.Staff{}},
		"a role that has no meaning":    {"roles", "", map[string]any{"roles": []string{"admin", "viewer", "OTP-ADMINS", ""}}, otp.Staff{}},
		"one namespace":                 {"roles", "otp_ns", map[string]any{"otp_ns": "phone-auth"}, otp.Staff{Role: otp.Operator, Namespaces: []otp.Namespace{otp.PhoneAuth}}},
		"some namespaces":               {"roles", "otp_ns", map[string]any{"otp_ns": []string{"add-email", "phone-auth", "of-others"}}, otp.Staff{Role: otp.Operator, Namespaces: []otp.Namespace{otp.PhoneAuth, otp.AddEmail}}},
		"all namespaces":                {"roles", "otp_ns", map[string]any{"otp_ns": []string{"*"}}, otp.Staff{Role: otp.Operator}},
		"no namespaces":                 {"roles", "otp_ns", nil, otp.Staff{}},
		"namespaces of others":          {"roles", "otp_ns", map[string]any{"otp_ns": []string{"of-others"}}, otp.Staff{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := idpOf(t)
			i.Person = person(c.said)
			o := clientOf(i)
			o.Grants.Claim, o.Grants.NamespacesClaim = c.claim, c.namespaces
			c.want.Name = "ada@example.com"
			v, err := signIn(t, o)
			if c.want.Role == "" != errors.Is(err, otp.ErrNoRole) || c.want.Role != "" && err != nil {
				t.Fatalf("%v", err)
			}
			if d := cmp.Diff(c.want, v.Who); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestAPersonIsCalledByWhatIsKnownOfThem(t *testing.T) {
	t.Parallel()
	for want, said := range map[string]map[string]any{
		"ada@example.com": nil,
		"ada":             {"email": nil, "preferred_username": "ada"},
		"7f3a":            {"email": nil},
		"lovelace":        {"email_verified": false, "preferred_username": "lovelace"},
		"countess":        {"email_verified": "false", "preferred_username": "countess"},
		"Ada_of_Lovelace": {"email": nil, "preferred_username": "Ada\u2028of\tLovelace"},
	} {
		i := idpOf(t)
		i.Person = person(said)
		if v, err := signIn(t, clientOf(i)); err != nil || v.Who.Name != want {
			t.Errorf("%q, want %q: %v", v.Who.Name, want, err)
		}
	}
}

func TestWhatIsNotInTheTokenIsAskedFor(t *testing.T) {
	t.Parallel()
	i := idpOf(t)
	i.Thin = true
	v, err := signIn(t, clientOf(i))
	if err != nil || v.Who.Role != otp.Operator || v.Who.Name != "ada@example.com" {
		t.Fatalf("%+v, %v", v, err)
	}
	i.Vouch = func(claims map[string]any) { claims["sub"] = "somebody else" }
	if _, err := signIn(t, clientOf(i)); !errors.Is(err, otp.ErrNotVouched) {
		t.Errorf("what is said of somebody else is believed: %v", err)
	}
}

func claim(name string, value any) func(*idptest.Provider) {
	return func(i *idptest.Provider) { i.Lie = func(claims map[string]any) { claims[name] = value } }
}

func signed(sign func(i *idptest.Provider, claims []byte) string) func(*idptest.Provider) {
	return func(i *idptest.Provider) { i.Sign = sign }
}

func TestATokenThatIsNotForUsAndForThisSignInIsRefused(t *testing.T) {
	t.Parallel()
	for name, attack := range map[string]func(i *idptest.Provider){
		"a token of another sign-in": claim("nonce", "another"),
		"a token without a nonce":    claim("nonce", ""),
		"a nonce of another kind":    claim("nonce", 7),
		"a token of another client":  claim("aud", "another"),
		"a token of no client":       claim("aud", []string{}),
		"a token of another party": func(i *idptest.Provider) {
			i.Lie = func(c map[string]any) { c["aud"], c["azp"] = []string{"another", idptest.ClientID}, "another" }
		},
		"a token of another issuer":      claim("iss", "https://login.example.com"),
		"an issuer with a slash":         func(i *idptest.Provider) { i.Lie = func(c map[string]any) { c["iss"] = i.URL + "/" } },
		"a token of yesterday":           claim("exp", time.Now().Add(-24*time.Hour).Unix()),
		"a token just beyond the leeway": claim("exp", time.Now().Add(-90*time.Second).Unix()),
		"a token that does not expire":   claim("exp", 0),
		"a token of tomorrow":            claim("nbf", time.Now().Add(24*time.Hour).Unix()),
		"no token":                       signed(func(*idptest.Provider, []byte) string { return "" }),
		"an unsigned token":              signed(func(_ *idptest.Provider, c []byte) string { return b64(`{"alg":"none"}`) + "." + b64(string(c)) + "." }),
		"unsigned in capitals": signed(func(_ *idptest.Provider, c []byte) string {
			return b64(`{"alg":"None","kid":"k1"}`) + "." + b64(string(c)) + "."
		}),
		"signed with the client's secret": signed(func(_ *idptest.Provider, c []byte) string {
			return idptest.SignWith(t, jose.HS256, pad(idptest.ClientSecret), c)
		}),
		"signed with the public key":      signed(func(i *idptest.Provider, c []byte) string { return idptest.SignWith(t, jose.HS256, inDER(t, i), c) }),
		"signed with somebody else's key": signed(func(_ *idptest.Provider, c []byte) string { return idptest.SignWith(t, jose.ES256, anyKey(t), c) }),
		"another token's signature":       signed(func(_ *idptest.Provider, c []byte) string { return graft(t, c) }),
		"a token that is none":            signed(func(*idptest.Provider, []byte) string { return "a.b.c" }),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := idpOf(t)
			o := clientOf(i)
			if _, err := signIn(t, o); err != nil {
				t.Fatalf("without the attack: %v", err)
			}
			attack(i)
			v, err := signIn(t, o)
			if !errors.Is(err, otp.ErrNotVouched) || v.Who.Role != "" {
				t.Errorf("%+v is in: %v", v.Who, err)
			}
		})
	}
}

func b64(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// pad makes a key as long as the algorithm asks for.
func pad(secret string) []byte {
	return []byte((secret + strings.Repeat("\x00", 32))[:max(32, len(secret))])
}

func inDER(t *testing.T, i *idptest.Provider) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(i.PublicKey())
	if err != nil {
		t.Error(err)
	}
	return der
}

func anyKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Error(err)
	}
	return key
}

// graft puts a signature of something else under claims.
func graft(t *testing.T, claims []byte) string {
	t.Helper()
	parts := strings.Split(idptest.SignWith(t, jose.ES256, anyKey(t), []byte("{}")), ".")
	return parts[0] + "." + b64(string(claims)) + "." + parts[2]
}

func TestAClockThatIsALittleBehindIsForgiven(t *testing.T) {
	t.Parallel()
	i := idpOf(t)
	claim("exp", time.Now().Add(-30*time.Second).Unix())(i)
	if _, err := signIn(t, clientOf(i)); err != nil {
		t.Error(err)
	}
}

func TestACodeIsGoodOnceAndForTheReferralItWasMadeFor(t *testing.T) {
	t.Parallel()
	i := idpOf(t)
	o := clientOf(i)
	ref, code := begin(t, o)
	if _, err := o.SignIn(t.Context(), ref, code); err != nil {
		t.Fatal(err)
	}
	if _, err := o.SignIn(t.Context(), ref, code); !errors.Is(err, otp.ErrNotVouched) {
		t.Errorf("the same code again: %v", err)
	}
	// A code that was stolen on its way is of no use to another browser: its
	// verifier is not the one (PKCE).
	stolen, code := begin(t, o)
	other := otp.NewReferral("/")
	other.Nonce = stolen.Nonce
	if _, err := o.SignIn(t.Context(), other, code); !errors.Is(err, otp.ErrNotVouched) {
		t.Errorf("a stolen code: %v", err)
	}
	if _, err := o.SignIn(t.Context(), otp.NewReferral("/"), "guessed"); !errors.Is(err, otp.ErrNotVouched) {
		t.Errorf("a guessed code: %v", err)
	}
}

func TestAReferralWithoutANonceIsNoOne(t *testing.T) {
	t.Parallel()
	i := idpOf(t)
	o := clientOf(i)
	i.Lie = func(c map[string]any) { c["nonce"] = "" }
	ref, code := begin(t, o)
	ref.Nonce = ""
	if _, err := o.SignIn(t.Context(), ref, code); !errors.Is(err, otp.ErrNotVouched) {
		t.Error(err)
	}
}

func TestAProviderThatCallsItselfOtherwiseIsNotTheOne(t *testing.T) {
	t.Parallel()
	i := idpOf(t)
	i.Name = "https://login.example.com"
	if _, err := clientOf(i).Refer(t.Context(), otp.NewReferral("/")); !errors.Is(err, otp.ErrVoucherAway) {
		t.Error(err)
	}
}

// The api starts although the identity provider is down, and needs no restart
// when it is there.
func TestAProviderMayComeLater(t *testing.T) {
	t.Parallel()
	i := idpOf(t)
	place, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := place.Addr().String()
	_ = place.Close()
	i.URL = "http://" + address
	o := clientOf(i)
	var log strings.Builder
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	o.Warm(ended, slog.New(slog.NewTextHandler(&log, nil)))
	if _, err := o.Refer(t.Context(), otp.NewReferral("/")); !errors.Is(err, otp.ErrVoucherAway) {
		t.Fatalf("while it is down: %v", err)
	}
	if o.Logout() != "" {
		t.Error("it leads to the logout of a provider that was not found")
	}
	if place, err = net.Listen("tcp", address); err != nil {
		t.Skip("somebody else took the port")
	}
	late := &httptest.Server{Listener: place, Config: &http.Server{Handler: i.Handler()}}
	late.Start()
	t.Cleanup(late.Close)
	if _, err := signIn(t, o); err != nil {
		t.Errorf("now that it is up: %v", err)
	}
	want := i.URL + "/logout?client_id=otpipe&post_logout_redirect_uri=http%3A%2F%2F127.0.0.1%3A8081%2Flogin"
	if got := o.Logout(); got != want {
		t.Errorf("logout at %s", got)
	}
}

func TestAProviderThatHangsIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	hang := make(chan struct{})
	mute := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1); <-hang }))
	t.Cleanup(func() { close(hang); mute.Close() })
	o := &login.OIDC{Issuer: mute.URL, ClientID: "otpipe", HTTP: mute.Client(), Now: time.Now}
	answers := make(chan error, 20)
	for range cap(answers) {
		go func() {
			_, err := o.Refer(t.Context(), otp.NewReferral("/"))
			answers <- err
		}()
	}
	for range cap(answers) {
		if err := <-answers; !errors.Is(err, otp.ErrVoucherAway) {
			t.Error(err)
		}
	}
	if n := asked.Load(); n > 5 {
		t.Errorf("it was asked %d times at once", n)
	}
}

func TestWhoWasVouchedForUnderOtherSettingsIsNotIn(t *testing.T) {
	t.Parallel()
	i := idpOf(t)
	v, err := signIn(t, clientOf(i))
	if err != nil {
		t.Fatal(err)
	}
	if who, still := clientOf(i).Still(v); !still || who.Role != otp.Operator {
		t.Errorf("with the same settings: %+v, %t", who, still)
	}
	for what, change := range map[string]func(*login.OIDC){
		"another provider": func(o *login.OIDC) { o.Issuer += "/x" }, "another client": func(o *login.OIDC) { o.ClientID = "x" },
		"another meaning": func(o *login.OIDC) { o.Grants.Roles["otp-operators"] = otp.Viewer }, "a meaning less": func(o *login.OIDC) { delete(o.Grants.Roles, "otp-operators") },
		"another claim": func(o *login.OIDC) { o.Grants.Claim = "groups" }, "a namespaces claim": func(o *login.OIDC) { o.Grants.NamespacesClaim = "ns" },
	} {
		o := clientOf(i)
		change(o)
		if _, still := o.Still(v); still {
			t.Errorf("%s, and the visit goes on", what)
		}
	}
}

func TestTheClientsSecretIsNotPrinted(t *testing.T) {
	t.Parallel()
	o := &login.OIDC{Issuer: "https://login.example.com", ClientSecret: "canary"}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(verb, o); got != "https://login.example.com" {
			t.Errorf("%s: %s", verb, got)
		}
	}
}
