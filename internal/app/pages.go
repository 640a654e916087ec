package app

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/otpipe/otpipe/internal/address"
	"github.com/otpipe/otpipe/internal/config"
	"github.com/otpipe/otpipe/internal/login"
	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/redisstore"
	"github.com/otpipe/otpipe/internal/sqlstore"
	"github.com/otpipe/otpipe/internal/support"
	"github.com/otpipe/otpipe/internal/supportui"
	"github.com/otpipe/otpipe/internal/vendorhttp"
	"github.com/otpipe/otpipe/internal/verify"
)

// idpConnections are kept to the identity provider: people sign in seldom.
const idpConnections = 4

// pages are the support pages and what they need beside a listener.
type pages struct {
	handler http.Handler
	voucher *login.OIDC // nil: nobody is vouched for
}

// newPages makes the support pages. Their streams end when ctx does. What the
// staff start is counted as what products start is.
func newPages(ctx context.Context, c config.Config, keys otp.Keys, a *api, started verify.Verifications) (pages, error) {
	in := a.in
	proxies, err := c.Support.Networks()
	if err != nil {
		return pages{}, err
	}
	var p pages
	door := &supportui.Door{
		Visits: in.store, Tries: in.store, Referrals: in.store, KnockOf: keys.KnockOf,
		Idle: time.Duration(c.Support.Idle), Longest: time.Duration(c.Support.Absolute),
		Secure: strings.HasPrefix(c.Support.URL(), "https:"), Proxies: proxies, Log: in.log,
	}
	if len(c.Support.Users) > 0 {
		if door.Users, err = users(c.Support.Users); err != nil {
			return pages{}, err
		}
	}
	if c.Support.OIDC.On() {
		p.voucher = voucher(c)
		door.Voucher = p.voucher
	}
	var factors support.Factors
	if a.database != nil {
		factors = sqlstore.Factors{DB: a.database}
	}
	ui := &supportui.UI{
		Door: door,
		Support: &support.Service{
			Journal: in.store, Factors: factors, Acts: staffActs{in.store, started}, Ringer: a.ringer,
			Addresses: func(text string) (otp.Recipient, error) { return address.Typed(text, c.Support.Country) },
			Explainer: Explainer(), Namespaces: c.Policies(), Keys: keys, Partitions: c.Store.Partitions, Now: time.Now,
		},
		Overview: &support.Overview{
			Tallies: in.store, Standings: in.store, Queues: a.gauge, Accounts: staffAccounts(c), Partitions: c.Store.Partitions, Now: time.Now,
		},
		Log: in.log, Stopping: ctx.Done(),
	}
	p.handler = in.gate(ui.Handler(), http.HandlerFunc(notYet))
	return p, nil
}

// warm looks for the identity provider while nobody waits for it.
func (p pages) warm(ctx context.Context, log *slog.Logger) {
	if p.voucher != nil {
		p.voucher.Warm(ctx, log)
	}
}

// notYet answers while the process has not reached its store.
func notYet(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Retry-After", "5")
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = io.WriteString(w, "otpipe has not reached its Redis yet. Try again in a few seconds.\n")
}

// staffActs is the store, but for starts.
type staffActs struct {
	*redisstore.Store
	started verify.Verifications
}

func (a staffActs) Start(ctx context.Context, o otp.Opening) (otp.Opened, error) {
	return a.started.Start(ctx, o)
}

func staffAccounts(c config.Config) (all []support.Account) {
	for _, a := range accounts(c) {
		all = append(all, support.Account{Name: a.Name, Driver: a.Driver, Channels: a.Channels})
	}
	return all
}

func users(listed []config.User) (*login.Users, error) {
	all := make([]login.User, 0, len(listed))
	for _, u := range listed {
		hash, err := otp.ParsePasswordHash(u.PasswordHash.Reveal())
		if err != nil {
			return nil, err
		}
		who := otp.Staff{Name: u.Name, Role: otp.Role(u.Role)}
		for _, ns := range u.Namespaces {
			who.Namespaces = append(who.Namespaces, otp.Namespace(ns))
		}
		all = append(all, login.User{Staff: who, Hash: hash})
	}
	return login.NewUsers(all...), nil
}

func voucher(c config.Config) *login.OIDC {
	o, home := c.Support.OIDC, c.Support.URL()
	grants := login.Grants{Claim: o.Claim, Roles: map[string]otp.Role{}, NamespacesClaim: o.NamespacesClaim}
	for value, role := range o.Roles {
		grants.Roles[value] = otp.Role(role)
	}
	for ns := range c.Policies() {
		grants.Namespaces = append(grants.Namespaces, ns)
	}
	return &login.OIDC{
		Issuer: o.Issuer, ClientID: o.ClientID, ClientSecret: o.ClientSecret.Reveal(),
		Redirect: home + "/login/oidc/callback", Home: home + "/login",
		Scopes: o.Scopes, Grants: grants, HTTP: vendorhttp.NewClient(idpConnections), Now: time.Now,
	}
}
