// Package idptest is an identity provider on loopback that a test may have lie:
// discovery, authorization with PKCE, tokens, keys and userinfo, over real HTTP.
// It is imported by tests alone.
package idptest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// What the provider knows its one client by.
const (
	ClientID     = "otpipe"
	ClientSecret = "canary-of-the-client"
	keyID        = "k1"
)

// Provider signs in, without asking anything, whoever its Person is. Its fields may
// be changed between two sign-ins.
type Provider struct {
	URL      string
	Redirect string         // the one place that browsers are sent back to
	Person   map[string]any // claims
	Thin     bool           // the token has no more than who it is; the rest is at /userinfo
	// Lie changes the claims of a token before it is signed, and Sign signs it in
	// another way than with the provider's key.
	Lie  func(claims map[string]any)
	Sign func(i *Provider, claims []byte) string
	// Vouch changes what is at /userinfo.
	Vouch func(claims map[string]any)
	// Name is what the discovery calls the issuer, if not by its URL.
	Name string

	t     testing.TB
	key   *ecdsa.PrivateKey
	mu    sync.Mutex
	codes map[string]url.Values // what each was asked for with
	spent int
}

// Start starts one. It stops with the test.
func Start(t testing.TB) *Provider {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	i := &Provider{t: t, key: key, codes: map[string]url.Values{}}
	server := httptest.NewServer(i.Handler())
	t.Cleanup(server.Close)
	i.URL = server.URL
	return i
}

// Handler serves all of it.
func (i *Provider) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", i.discovery)
	mux.HandleFunc("GET /authorize", i.authorize)
	mux.HandleFunc("POST /token", i.token)
	mux.HandleFunc("GET /keys", i.keys)
	mux.HandleFunc("GET /userinfo", i.userinfo)
	mux.HandleFunc("GET /logout", func(http.ResponseWriter, *http.Request) {})
	return mux
}

func (i *Provider) discovery(w http.ResponseWriter, _ *http.Request) {
	name := i.URL
	if i.Name != "" {
		name = i.Name
	}
	answer(w, map[string]any{
		"issuer": name, "authorization_endpoint": i.URL + "/authorize", "token_endpoint": i.URL + "/token", "jwks_uri": i.URL + "/keys",
		"userinfo_endpoint": i.URL + "/userinfo", "end_session_endpoint": i.URL + "/logout",
		"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
		"id_token_signing_alg_values_supported": []string{"ES256", "HS256", "none"}, "code_challenge_methods_supported": []string{"S256"},
	})
}

// authorize signs the Person in and sends the browser back.
func (i *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	asked := q.Get("client_id") == ClientID && q.Get("redirect_uri") == i.Redirect && q.Get("response_type") == "code" &&
		strings.Contains(" "+q.Get("scope")+" ", " openid ")
	safe := q.Get("code_challenge_method") == "S256" && len(q.Get("code_challenge")) == 43 && len(q.Get("state")) >= 22 && len(q.Get("nonce")) >= 22
	if !asked || !safe {
		http.Error(w, "not the client that is registered, or no PKCE, state or nonce: "+q.Encode(), http.StatusBadRequest)
		return
	}
	code := rand.Text()
	i.mu.Lock()
	i.codes[code] = q
	i.mu.Unlock()
	http.Redirect(w, r, i.Redirect+"?"+url.Values{"code": {code}, "state": {q.Get("state")}}.Encode(), http.StatusFound)
}

// token changes a code, once, for the client that asked, if it proves by its
// verifier that it did.
func (i *Provider) token(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	code := r.FormValue("code")
	asked, known := i.codes[code]
	delete(i.codes, code)
	i.mu.Unlock()
	id, secret, _ := r.BasicAuth()
	sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	switch {
	case id != ClientID || secret != ClientSecret:
		refuse(w, "invalid_client")
	case !known || asked.Get("redirect_uri") != r.FormValue("redirect_uri") || asked.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(sum[:]):
		refuse(w, "invalid_grant")
	default:
		i.mu.Lock()
		i.spent++
		i.mu.Unlock()
		answer(w, map[string]any{"access_token": "access", "token_type": "Bearer", "expires_in": 60, "id_token": i.idToken(asked.Get("nonce"))})
	}
}

// Spent is how many codes were changed for a token.
func (i *Provider) Spent() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.spent
}

func (i *Provider) idToken(nonce string) string {
	now := time.Now()
	claims := map[string]any{}
	if !i.Thin {
		maps.Copy(claims, i.Person)
	}
	maps.Copy(claims, map[string]any{
		"iss": i.URL, "sub": i.Person["sub"], "aud": ClientID, "nonce": nonce, "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(),
	})
	if i.Lie != nil {
		i.Lie(claims)
	}
	text, err := json.Marshal(claims)
	if err != nil {
		i.t.Error(err)
	}
	if i.Sign != nil {
		return i.Sign(i, text)
	}
	return SignWith(i.t, jose.ES256, i.key, text)
}

// SignWith signs claims with a key that may be anybody's.
func SignWith(t testing.TB, alg jose.SignatureAlgorithm, key any, claims []byte) string {
	t.Helper()
	options := (&jose.SignerOptions{}).WithHeader("kid", keyID).WithType("JWT")
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, options)
	if err != nil {
		t.Error(err)
		return ""
	}
	signed, err := signer.Sign(claims)
	if err != nil {
		t.Error(err)
		return ""
	}
	text, _ := signed.CompactSerialize()
	return text
}

// PublicKey is what everybody may have, as the attack needs it that signs with it.
func (i *Provider) PublicKey() *ecdsa.PublicKey { return &i.key.PublicKey }

func (i *Provider) keys(w http.ResponseWriter, _ *http.Request) {
	answer(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &i.key.PublicKey, KeyID: keyID, Algorithm: "ES256", Use: "sig"}}})
}

func (i *Provider) userinfo(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer access" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	claims := maps.Clone(i.Person)
	if i.Vouch != nil {
		i.Vouch(claims)
	}
	answer(w, claims)
}

func answer(w http.ResponseWriter, what any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(what)
}

func refuse(w http.ResponseWriter, code string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusBadRequest)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": code})
}
