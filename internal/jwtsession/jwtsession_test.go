package jwtsession_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/otpipe/otpipe/internal/jwtsession"
	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/storetest"
)

const issuer = "https://otp.example.com"

var issued = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func ring(t *testing.T, ids ...string) otp.Ring {
	t.Helper()
	return storetest.Keys(t, ids...).Sign
}

func signer(t *testing.T, ids ...string) jwtsession.Signer {
	t.Helper()
	return jwtsession.Signer{Ring: ring(t, ids...), Issuer: issuer, Now: func() time.Time { return issued.Add(time.Minute) }}
}

func claims() otp.Claims {
	return otp.Claims{Key: "k1", ID: "VE00000000000000000000000000000001", Namespace: "phone-auth", Channel: otp.SMS, To: "stand-in", IssuedAt: issued, ExpiresAt: issued.Add(time.Hour)}
}

func sign(t *testing.T, s jwtsession.Signer, c otp.Claims) string {
	t.Helper()
	token, err := s.Sign(c)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// published are the keys that a verifier has from the JWK Set, by their ids.
func published(t *testing.T, s jwtsession.Signer) map[string]ed25519.PublicKey {
	t.Helper()
	text, err := s.JWKS()
	if err != nil {
		t.Fatal(err)
	}
	var set struct {
		Keys []struct{ Kty, Crv, Kid, Alg, Use, X, D string }
	}
	if err := json.Unmarshal(text, &set); err != nil {
		t.Fatal(err)
	}
	all := map[string]ed25519.PublicKey{}
	for _, k := range set.Keys {
		x, err := base64.RawURLEncoding.DecodeString(k.X)
		if err != nil || k.Kty != "OKP" || k.Crv != "Ed25519" || k.Alg != "EdDSA" || k.Use != "sig" || k.D != "" {
			t.Fatalf("%+v, %v", k, err)
		}
		all[k.Kid] = x
	}
	return all
}

// TestAnotherLibraryVerifiesASessionByThePublishedKeys is what a product does, with
// a library that is not ours.
func TestAnotherLibraryVerifiesASessionByThePublishedKeys(t *testing.T) {
	t.Parallel()
	s := signer(t, "k1", "k2")
	keys := published(t, s)
	for _, c := range []struct {
		key, namespace, issuer string
		at                     time.Duration
		good                   bool
	}{
		{"k1", "phone-auth", issuer, time.Minute, true},
		{"k2", "phone-auth", issuer, time.Minute, true},
		{"k1", "verify-email", issuer, time.Minute, false},
		{"k1", "phone-auth", "https://other.example.com", time.Minute, false},
		{"k1", "phone-auth", issuer, time.Hour + time.Second, false},
	} {
		of := claims()
		of.Key = c.key
		parsed, err := jwt.Parse(sign(t, s, of), func(token *jwt.Token) (any, error) { return keys[token.Header["kid"].(string)], nil },
			jwt.WithValidMethods([]string{"EdDSA"}), jwt.WithAudience(c.namespace), jwt.WithIssuer(c.issuer), jwt.WithExpirationRequired(),
			jwt.WithTimeFunc(func() time.Time { return issued.Add(c.at) }))
		if (err == nil) != c.good {
			t.Errorf("%+v: %v", c, err)
			continue
		}
		if !c.good {
			continue
		}
		want := jwt.MapClaims{
			"iss": issuer, "sub": "VE00000000000000000000000000000001", "aud": "phone-auth", "iat": float64(issued.Unix()), "exp": float64(issued.Add(time.Hour).Unix()),
			"amr": []any{"otp", "sms"}, "otp_channel": "sms", "otp_to": "stand-in",
		}
		if d := cmp.Diff(want, parsed.Claims); d != "" {
			t.Error(d)
		}
	}
}

func TestTheSameClaimsMakeTheSameToken(t *testing.T) {
	t.Parallel()
	s := signer(t, "k1")
	first := sign(t, s, claims())
	if again := sign(t, s, claims()); again != first {
		t.Error("an answer that is given again has another token")
	}
}

func TestATokenIsReadWhileItsKeyIsInTheRing(t *testing.T) {
	t.Parallel()
	token := sign(t, signer(t, "k1"), claims())
	for _, ids := range [][]string{{"k1"}, {"k1", "k2"}, {"k2", "k1"}} {
		got, err := signer(t, ids...).Read(token, "phone-auth")
		if err != nil {
			t.Errorf("%v: %v", ids, err)
		}
		if d := cmp.Diff(claims(), got); d != "" {
			t.Error(d)
		}
	}
	if _, err := signer(t, "k2").Read(token, "phone-auth"); !errors.Is(err, otp.ErrNotFound) {
		t.Errorf("its key is gone: %v", err)
	}
}

// TestWhatIsNotOursOrNotGoodIsUnknown forges tokens in the ways that are known.
func TestWhatIsNotOursOrNotGoodIsUnknown(t *testing.T) {
	t.Parallel()
	s := signer(t, "k1")
	token := sign(t, s, claims())
	head, rest, _ := strings.Cut(token, ".")
	body, signature, _ := strings.Cut(rest, ".")
	encode := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	forged := func(method jwt.SigningMethod, key any, kid string, change func(jwt.MapClaims)) string {
		c := jwt.MapClaims{"iss": issuer, "sub": "VE00000000000000000000000000000001", "aud": "phone-auth", "exp": issued.Add(time.Hour).Unix(), "otp_to": "stand-in"}
		if change != nil {
			change(c)
		}
		unsigned := jwt.NewWithClaims(method, c)
		unsigned.Header["kid"] = kid
		text, err := unsigned.SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	ours := ring(t, "k1").Primary().Signing()
	if _, err := s.Read(forged(jwt.SigningMethodEdDSA, ours, "k1", nil), "phone-auth"); err != nil {
		t.Fatalf("the forger's work is no good: %v", err)
	}
	public, _ := ours.Public().(ed25519.PublicKey)
	for what, token := range map[string]string{
		"nothing":                      "",
		"an opaque token":              "ots_00" + strings.Repeat("A", 43),
		"another body":                 head + "." + encode(`{"iss":"`+issuer+`","aud":"phone-auth","exp":9999999999}`) + "." + signature,
		"no signature":                 head + "." + body + ".",
		"no algorithm":                 encode(`{"alg":"none","typ":"JWT"}`) + "." + body + ".",
		"the public key as a secret":   forged(jwt.SigningMethodHS256, []byte(public), "k1", nil),
		"another's key under our name": forged(jwt.SigningMethodEdDSA, ring(t, "k2").Primary().Signing(), "k1", nil),
		"no name":                      forged(jwt.SigningMethodEdDSA, ours, "", nil),
		"without an end":               forged(jwt.SigningMethodEdDSA, ours, "k1", func(c jwt.MapClaims) { delete(c, "exp") }),
		"of another issuer":            forged(jwt.SigningMethodEdDSA, ours, "k1", func(c jwt.MapClaims) { c["iss"] = "other" }),
		"for another namespace":        forged(jwt.SigningMethodEdDSA, ours, "k1", func(c jwt.MapClaims) { c["aud"] = "verify-email" }),
		"of the future":                forged(jwt.SigningMethodEdDSA, ours, "k1", func(c jwt.MapClaims) { c["nbf"] = issued.Add(2 * time.Minute).Unix() }),
		"expired":                      forged(jwt.SigningMethodEdDSA, ours, "k1", func(c jwt.MapClaims) { c["exp"] = issued.Unix() }),
	} {
		if c, err := s.Read(token, "phone-auth"); !errors.Is(err, otp.ErrNotFound) {
			t.Errorf("%s: %+v, %v", what, c, err)
		}
	}
}
