package config

import (
	"encoding/base64"
	"net"
	"net/url"
	"strings"
)

// Webhook is what the driver webhook needs, which posts signed JSON: see
// docs/webhook.md.
type Webhook struct {
	URL     Secret   `toml:"url"`     // where messages are posted; what it holds is kept secret
	Secrets []Secret `toml:"secrets"` // sign the messages, and receipts; two while one replaces the other
	From    string   `toml:"from"`    // the sender, handed on as it is
}

func (w Webhook) check(cs *complaints, where string) {
	cs.want(postable(w.URL), where+".url", "want https://host/path, to which messages are posted")
	checkSigning(cs, where+".secrets", w.Secrets)
}

// postable tells whether a POST can go to a URL.
func postable(s Secret) bool {
	u, err := url.Parse(s.Reveal())
	return err == nil && u.Hostname() != "" && (u.Scheme == "https" || u.Scheme == "http") && u.Fragment == ""
}

// insecure tells a URL without TLS to another machine.
func insecure(s Secret) bool {
	u, err := url.Parse(s.Reveal())
	if err != nil || u.Scheme != "http" {
		return false
	}
	return u.Hostname() != "localhost" && !net.ParseIP(u.Hostname()).IsLoopback()
}

// privateHost tells what is plainly no place on the Internet. All else shows when
// it is dialled.
func privateHost(s Secret) bool {
	u, err := url.Parse(s.Reveal())
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast() || ip.IsUnspecified() && ip != nil
}

// newSigning is how to make a secret of Standard Webhooks.
const newSigning = `echo whsec_$(openssl rand -base64 32)`

// checkSigning holds to what Standard Webhooks says of secrets.
func checkSigning(cs *complaints, setting string, all []Secret) {
	cs.want(len(all) > 0, setting, "want a secret to sign with: %s", newSigning)
	for _, s := range all {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(s.Reveal(), "whsec_"))
		switch {
		case err != nil || len(key) < 24 || len(key) > 64:
			cs.add(setting, "want whsec_ and 24 to 64 random bytes in base64: %s", newSigning)
		case variety(key) < leastVariety:
			cs.add(setting, "this is a pattern that can be guessed: %s", newSigning)
		}
	}
}
