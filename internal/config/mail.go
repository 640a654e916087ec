package config

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/mail"
	"regexp"
	"strings"
)

var (
	domainForm   = regexp.MustCompile(`^([a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?\.)+[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$`)
	selectorForm = regexp.MustCompile(`^[a-zA-Z0-9]([a-zA-Z0-9.-]{0,61}[a-zA-Z0-9])?$`)
)

// maxSigner is the longest domain that a signature may name: a longer one is
// folded so that no verifier accepts it.
const maxSigner = 71

// maxBounce leaves room for a local part of 64 octets in the 254 of an address
// (RFC 5321 §4.5.3.1).
const maxBounce = 254 - 64 - 1

// minRSA is what RFC 8301 asks of those who sign, in bits.
const minRSA = 2048

// mailbox tells whether s is one address, with or without a name.
func mailbox(s string) bool {
	a, err := mail.ParseAddress(s)
	if err != nil {
		return false
	}
	_, domain, _ := strings.Cut(a.Address, "@")
	return domainForm.MatchString(domain)
}

func (d DKIM) check(cs *complaints, where string) {
	cs.want(selectorForm.MatchString(d.Selector), where+".selector", "want the name under which DNS has the key, such as otp1")
	cs.want(d.Domain == "" || domainForm.MatchString(d.Domain) && len(d.Domain) <= maxSigner, where+".domain", "want a domain of at most %d characters, or leave it out for that of from", maxSigner)
	if _, err := d.Signer(); err != nil {
		cs.add(where+".key", "%s", err)
	}
}

var errKey = errors.New("want a private key in PEM, such as file:/etc/otpipe/dkim.pem: openssl genrsa 2048, or openssl genpkey -algorithm ed25519")

// Signer is the private key.
func (d DKIM) Signer() (crypto.Signer, error) {
	block, _ := pem.Decode([]byte(d.Key.Reveal()))
	if block == nil {
		return nil, errKey
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return longEnough(key)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errKey // the parser's words would tell of the key
	}
	switch key := key.(type) {
	case *rsa.PrivateKey:
		return longEnough(key)
	case ed25519.PrivateKey:
		return key, nil
	default:
		return nil, errKey
	}
}

func longEnough(key *rsa.PrivateKey) (crypto.Signer, error) {
	if key.N.BitLen() < minRSA {
		return nil, errors.New("want an RSA key of 2048 bits or more: openssl genrsa 2048")
	}
	return key, nil
}
