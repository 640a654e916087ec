package login

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/sync/singleflight"

	"github.com/otpipe/otpipe/internal/otp"
)

const (
	idpLimit = 5 * time.Second  // for each question to the identity provider
	leeway   = time.Minute      // that its clock may be behind ours
	warmUp   = 10 * time.Second // between two tries to find it, at the start
)

// OIDC has people vouched for by an identity provider (OpenID Connect,
// authorization code with PKCE). It may be used by many goroutines at once, and
// prints its issuer only.
type OIDC struct {
	Issuer       string
	ClientID     string
	ClientSecret string // "": a public client
	Redirect     string // where people come back to
	Home         string // where they may be sent after they have signed out there too
	Scopes       []string
	Grants       Grants
	HTTP         *http.Client
	Now          func() time.Time

	found   atomic.Pointer[provider]
	finding singleflight.Group
}

// provider is what the discovery told.
type provider struct {
	*oidc.Provider
	logout string // end_session_endpoint
}

// Format prints who vouches, whatever the verb.
func (o *OIDC) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, o.Issuer) }

// Warm looks for the identity provider until it answers or ctx ends. Nobody has
// to wait for it: a sign-in looks too.
func (o *OIDC) Warm(ctx context.Context, log *slog.Logger) {
	for said := false; ; {
		_, err := o.provider(ctx)
		if err == nil || ctx.Err() != nil {
			return
		}
		if !said {
			said = true
			log.Warn("identity provider not found, trying on", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(warmUp):
		}
	}
}

// provider asks for the discovery once for all who need it, until there is one.
func (o *OIDC) provider(ctx context.Context) (*provider, error) {
	if p := o.found.Load(); p != nil {
		return p, nil
	}
	got, err, _ := o.finding.Do("", func() (any, error) {
		once, cancel := context.WithTimeout(context.WithoutCancel(ctx), idpLimit)
		defer cancel()
		p, err := o.discover(once)
		if err != nil {
			return nil, fmt.Errorf("find the identity provider: %w: %w", otp.ErrVoucherAway, err)
		}
		o.found.Store(p)
		return p, nil
	})
	p, _ := got.(*provider)
	return p, err
}

func (o *OIDC) discover(ctx context.Context) (*provider, error) {
	found, err := oidc.NewProvider(o.client(ctx), o.Issuer)
	if err != nil {
		return nil, err
	}
	var more struct {
		Logout string `json:"end_session_endpoint"`
	}
	if err := found.Claims(&more); err != nil {
		return nil, err
	}
	return &provider{found, more.Logout}, nil
}

// client has go-oidc and oauth2 use ours.
func (o *OIDC) client(ctx context.Context) context.Context {
	return oidc.ClientContext(ctx, o.HTTP)
}

func (o *OIDC) oauth(p *provider) *oauth2.Config {
	return &oauth2.Config{ClientID: o.ClientID, ClientSecret: o.ClientSecret, RedirectURL: o.Redirect, Scopes: o.Scopes, Endpoint: p.Endpoint()}
}

// Refer is where a browser is sent to be vouched for. Its error is otp.ErrVoucherAway.
func (o *OIDC) Refer(ctx context.Context, r otp.Referral) (string, error) {
	p, err := o.provider(ctx)
	if err != nil {
		return "", err
	}
	return o.oauth(p).AuthCodeURL(r.State, oidc.Nonce(r.Nonce), oauth2.S256ChallengeOption(r.Verifier)), nil
}

// SignIn takes the code that a browser came back with. Its errors are
// otp.ErrNotVouched, otp.ErrVoucherAway and, with who it is, otp.ErrNoRole.
func (o *OIDC) SignIn(ctx context.Context, r otp.Referral, code string) (otp.Visit, error) {
	p, err := o.provider(ctx)
	if err != nil {
		return otp.Visit{}, err
	}
	limit, cancel := context.WithTimeout(ctx, idpLimit)
	defer cancel()
	answer, err := o.oauth(p).Exchange(o.client(limit), code, oauth2.VerifierOption(r.Verifier))
	if err != nil {
		return otp.Visit{}, fmt.Errorf("exchange the code: %w: %w", faultOf(err), err)
	}
	said, err := o.verify(limit, p, answer, r.Nonce)
	if err != nil {
		return otp.Visit{}, err
	}
	who, err := o.Grants.staff(said)
	return otp.Visit{Who: who, Way: otp.ByOIDC, Mark: o.mark()}, err
}

// faultOf tells a code that is refused from an identity provider that is not there.
func faultOf(err error) error {
	answered, ok := errors.AsType[*oauth2.RetrieveError](err)
	if ok && answered.Response.StatusCode < http.StatusInternalServerError {
		return otp.ErrNotVouched
	}
	return otp.ErrVoucherAway
}

// verify reads the claims of a token that was made for us and for this referral.
func (o *OIDC) verify(ctx context.Context, p *provider, answer *oauth2.Token, nonce string) (claims, error) {
	raw, _ := answer.Extra("id_token").(string)
	now := func() time.Time { return o.Now().Add(-leeway) }
	token, err := p.VerifierContext(o.client(ctx), &oidc.Config{ClientID: o.ClientID, Now: now}).Verify(o.client(ctx), raw)
	if err != nil {
		return nil, fmt.Errorf("verify the token: %w: %w", otp.ErrNotVouched, err)
	}
	if nonce == "" || subtle.ConstantTimeCompare([]byte(token.Nonce), []byte(nonce)) != 1 {
		return nil, fmt.Errorf("verify the token: %w: it is for another sign-in", otp.ErrNotVouched)
	}
	said := claims{}
	if err := token.Claims(&said); err != nil {
		return nil, fmt.Errorf("read the token: %w: %w", otp.ErrNotVouched, err)
	}
	if party := said.text("azp"); party != "" && party != o.ClientID {
		return nil, fmt.Errorf("verify the token: %w: it is for another client", otp.ErrNotVouched)
	}
	return o.complete(ctx, p, answer, said)
}

// complete asks the identity provider for what it did not put into the token:
// some put no more there than who it is.
func (o *OIDC) complete(ctx context.Context, p *provider, answer *oauth2.Token, said claims) (claims, error) {
	if p.UserInfoEndpoint() == "" || o.Grants.told(said) {
		return said, nil
	}
	info, err := p.UserInfo(o.client(ctx), oauth2.StaticTokenSource(answer))
	if err != nil {
		return nil, fmt.Errorf("ask who it is: %w: %w", otp.ErrVoucherAway, err)
	}
	if info.Subject != said.text("sub") {
		return nil, fmt.Errorf("ask who it is: %w: the answer is about somebody else", otp.ErrNotVouched)
	}
	more := claims{}
	if err := info.Claims(&more); err != nil {
		return nil, fmt.Errorf("read who it is: %w: %w", otp.ErrNotVouched, err)
	}
	for name, value := range more {
		if _, there := said[name]; !there {
			said[name] = value
		}
	}
	return said, nil
}

// Still tells who a visitor is: as they were vouched for, as long as the same
// identity provider is asked in the same way and its answers mean the same.
func (o *OIDC) Still(v otp.Visit) (otp.Staff, bool) {
	return v.Who, v.Mark == o.mark()
}

func (o *OIDC) mark() string { return mark("oidc", o.Issuer, o.ClientID, o.Grants.String()) }

// Logout is where a person may sign out of the identity provider too; "" if it
// has no such place, or has not been found.
func (o *OIDC) Logout() string {
	p := o.found.Load()
	if p == nil || p.logout == "" {
		return ""
	}
	u, err := url.Parse(p.logout)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	q := u.Query()
	q.Set("client_id", o.ClientID)
	q.Set("post_logout_redirect_uri", o.Home)
	u.RawQuery = q.Encode()
	return u.String()
}
