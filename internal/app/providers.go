package app

import (
	"io"
	"strings"
	"time"

	"github.com/otpipe/otpipe/internal/config"
	"github.com/otpipe/otpipe/internal/deliver"
	"github.com/otpipe/otpipe/internal/httpapi"
	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/smtpmail"
	"github.com/otpipe/otpipe/internal/twilio"
	"github.com/otpipe/otpipe/internal/vendorhttp"
	"github.com/otpipe/otpipe/internal/webhook"
)

// openProviders makes a provider of every configured account, watched.
func openProviders(c config.Config, keys otp.Keys, watched func(otp.Provider) otp.Provider) providers {
	all := providers{byName: map[string]otp.Provider{}, inquirers: map[string]otp.Inquirer{}, confirmers: map[string]otp.Confirmer{}}
	for _, p := range c.Providers {
		made := newProvider(c, keys, p)
		if closer, ok := made.(io.Closer); ok {
			all.closers = append(all.closers, closer)
		}
		if asked, ok := made.(otp.Inquirer); ok {
			all.inquirers[p.Name] = asked
		}
		if told, ok := made.(otp.Confirmer); ok && p.Twilio.ProvideFeedback {
			all.confirmers[p.Name] = told
		}
		all.byName[p.Name] = watched(made)
	}
	return all
}

type providers struct {
	byName     map[string]otp.Provider
	inquirers  map[string]otp.Inquirer  // those that can be asked
	confirmers map[string]otp.Confirmer // those that want to hear what was used
	closers    []io.Closer
}

// newProvider is the one place that knows all drivers.
func newProvider(c config.Config, keys otp.Keys, p config.Provider) otp.Provider {
	switch p.Driver {
	case "smtp":
		return newRelay(c, keys, p)
	case "webhook":
		return newWebhook(c, p)
	}
	t := p.Twilio
	user := t.Username
	if user == "" {
		user = t.AccountSID
	}
	return twilio.Provider{
		AccountName: p.Name, AccountSID: t.AccountSID, Username: user, Password: t.Password.Reveal(),
		From: t.From, MessagingServiceSID: t.MessagingServiceSID,
		Edge: t.Edge, Region: t.Region, BaseURL: t.BaseURL, CallbackURL: callbackURL(c, p.Name),
		Terms: twilio.Terms{
			RiskCheck: t.RiskCheck, ContentRetention: t.ContentRetention, AddressRetention: t.AddressRetention, ProvideFeedback: t.ProvideFeedback,
		},
		HTTP: vendorhttp.NewClient(c.Worker.SMSConcurrency),
	}
}

func newWebhook(c config.Config, p config.Provider) webhook.Provider {
	return webhook.Provider{
		AccountName: p.Name, URL: p.Webhook.URL.Reveal(), Secrets: signing(p.Webhook.Secrets), From: p.Webhook.From, ReceiptURL: callbackURL(c, p.Name),
		HTTP: vendorhttp.NewClient(c.Worker.SMSConcurrency + c.Worker.EmailConcurrency), Now: time.Now,
	}
}

// signing are the secrets that the check of the settings has read once.
func signing(secrets []config.Secret) webhook.Secrets {
	s, _ := webhook.NewSecrets(revealed(secrets)...)
	return s
}

func revealed(secrets []config.Secret) (all []string) {
	for _, s := range secrets {
		all = append(all, s.Reveal())
	}
	return all
}

func newRelay(c config.Config, keys otp.Keys, p config.Provider) *smtpmail.Provider {
	s := p.SMTP
	if s.Connections == 0 {
		s.Connections = c.Worker.EmailConcurrency // a hand-over without a connection would wait for another's
	}
	r := &smtpmail.Provider{
		AccountName: p.Name, Host: s.Host, Port: s.Port, TLS: smtpmail.TLSPolicy(s.TLS),
		Username: s.Username, Password: s.Password.Reveal(), From: s.From, HELO: s.HELO, Connections: s.Connections,
		ReturnPath: returnPath(keys, p),
	}
	for _, d := range s.DKIM {
		key, _ := d.Signer() // the check of the settings has read it once
		r.DKIM = append(r.DKIM, smtpmail.DKIM{Domain: d.Domain, Selector: d.Selector, Key: key})
	}
	return r
}

// callbackURL is where a provider reports; "" if nobody outside reaches the api.
func callbackURL(c config.Config, provider string) string {
	if c.API.PublicURL == "" {
		return ""
	}
	return strings.TrimRight(c.API.PublicURL, "/") + "/v1/receipts/" + provider
}

// accounts are the providers as operators see them.
func accounts(c config.Config) (all []deliver.Account) {
	for _, p := range c.Providers {
		all = append(all, deliver.Account{Name: p.Name, Driver: p.Driver, Channels: c.Routes.ChannelsOf(p.Name)})
	}
	return all
}

// Close closes the connections that are kept open.
func (p providers) Close() {
	for _, c := range p.closers {
		_ = c.Close()
	}
}

// receiptReaders are the accounts that report over HTTP, by name.
func receiptReaders(c config.Config) map[string]httpapi.ReceiptReader {
	all := map[string]httpapi.ReceiptReader{}
	if c.API.PublicURL == "" {
		return all
	}
	for _, p := range c.Providers {
		switch p.Driver {
		case "twilio":
			all[p.Name] = twilio.Receipts{AccountName: p.Name, AccountSID: p.Twilio.AccountSID, Tokens: revealed(p.Twilio.AuthTokens), PublicURL: c.API.PublicURL}
		case "webhook":
			all[p.Name] = webhook.Receipts{AccountName: p.Name, Secrets: signing(p.Webhook.Secrets), Now: time.Now}
		}
	}
	return all
}
