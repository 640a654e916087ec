package httpapi_test

import (
	"bytes"
	"context"
	"encoding/base32"
	"encoding/base64"
	"image/png"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"github.com/otpipe/otpipe/internal/browsertest"
	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/sqlstore"
	"github.com/otpipe/otpipe/internal/totp"
	"github.com/otpipe/otpipe/internal/verify"
)

const (
	factors    = "/v1/factors"
	someFactor = "FA000123456789abcdef0123456789abcd"
	whose      = "?namespace=phone-auth&subject=user-1"
)

var toEnrol = fields{"namespace": "phone-auth", "subject": "user-1", "issuer": "Example", "account": "ada"}

// newFactors is the service over a database of its own.
func (r *rig) newFactors(namespaces map[otp.Namespace]otp.Policy) *totp.Service {
	r.t.Helper()
	path := filepath.Join(r.t.TempDir(), "factors.db")
	db := sqlstore.Factors{DB: &sqlstore.Lazy{Open: func(ctx context.Context) (*sqlstore.DB, error) { return sqlstore.OpenSQLite(ctx, path) }}}
	if _, err := db.DB.DB(r.t.Context()); err != nil { // to make its tables takes longer than a request may
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = db.DB.Close() })
	return &totp.Service{
		Factors: db, Guesses: db, Sessions: r.store, Records: r.store, Repeats: verify.Repeater{Repeats: r.store, Keys: r.keys}, Signer: signer(r.keys), Namespaces: namespaces, Keys: r.keys, Partitions: 16,
		Now: func() time.Time { return time.Now().Add(time.Duration(r.ahead.Load())) },
	}
}

func (r *rig) loseDatabase() {
	r.t.Helper()
	if db, ok := r.factors.Factors.(sqlstore.Factors); ok {
		_ = db.DB.Close()
	}
}

// enrolment is a factor in the hands of its subject.
type enrolment struct {
	r      *rig
	id     string
	secret otp.FactorSecret
}

func (r *rig) enrol() enrolment { return r.enrolFor("user-1") }

func (r *rig) enrolFor(subject string) enrolment {
	r.t.Helper()
	a := r.do(request{path: factors, body: toEnrol.with(fields{"subject": subject})}).want(http.StatusCreated, "")
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(a.text("secret"))
	if err != nil {
		r.t.Fatal(err)
	}
	if got := a.header.Get("Location"); got != factors+"/"+a.text("id") {
		r.t.Errorf("Location %q", got)
	}
	r.hide(a.text("secret"))
	return enrolment{r, a.text("id"), otp.FactorSecretOf(secret)}
}

// code is what the app shows, and wrong what it does not.
func (f enrolment) code() string {
	c := otp.DefaultClockwork()
	return totp.CodeAt(f.secret, c, c.Step(f.r.factors.Now()))
}

func (f enrolment) wrong() string { return wrong(f.code()) }

// confirm makes a factor good for checks, and waits for the next code.
func (r *rig) confirm(f enrolment) (recovery []string) {
	r.t.Helper()
	a := r.do(request{path: factors + "/" + f.id + "/confirm", body: fields{"code": f.code()}}).ok()
	codes, _ := a.body["recovery_codes"].([]any)
	for _, c := range codes {
		text, _ := c.(string)
		recovery = append(recovery, text)
		r.hide(text)
	}
	r.pass(30 * time.Second)
	return recovery
}

func (f enrolment) check(body fields) answer {
	f.r.t.Helper()
	return f.r.do(request{path: factors + "/" + f.id + "/check", body: body})
}

func TestAFactorFromItsEnrolmentToItsEnd(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	f := r.enrol()
	if a := r.do(request{path: factors + "/" + f.id + "/confirm", body: fields{"code": f.wrong()}}).ok(); a.body["valid"] != false || a.body["checks_left"] != 4.0 || a.text("status") != "unconfirmed" {
		t.Errorf("a wrong first code: %s", a.raw)
	}
	recovery := r.confirm(f)
	right := f.check(fields{"code": f.code()}).ok()
	if right.body["valid"] != true || right.body["recovery_codes_left"] != 10.0 || right.text("status") != "confirmed" {
		t.Errorf("%s", right.raw)
	}
	if a := f.check(fields{"code": f.code()}).ok(); a.text("reason") != "already_used" || a.body["session"] != nil || a.text("public_reason") != "invalid_or_expired" {
		t.Errorf("again: %s", a.raw)
	}
	if a := f.check(fields{"recovery_code": strings.ToUpper(recovery[0])}).ok(); a.body["valid"] != true || a.body["recovery_codes_left"] != 9.0 {
		t.Errorf("a recovery code: %s", a.raw)
	}
	if a := r.do(request{path: factors + "/" + f.id + "/recovery-codes"}).ok(); len(a.body["recovery_codes"].([]any)) != 10 {
		t.Errorf("new recovery codes: %s", a.raw)
	}
	one := r.do(request{method: "GET", path: factors + "/" + f.id}).ok()
	if one.text("status") != "confirmed" || one.text("subject") != "user-1" || one.body["recovery_codes_left"] != 10.0 || one.body["expires_at"] != nil {
		t.Errorf("%s", one.raw)
	}
	if a := r.do(request{method: "GET", path: factors + whose}).ok(); len(a.body["items"].([]any)) != 1 {
		t.Errorf("%s", a.raw)
	}
	r.do(request{method: "DELETE", path: factors + "/" + f.id}).ok()
	f.check(fields{"code": f.code()}).want(http.StatusNotFound, "factor_not_found")
	if a := r.do(request{method: "GET", path: factors + whose}).ok(); len(a.body["items"].([]any)) != 0 {
		t.Errorf("%s", a.raw)
	}
}

func TestALostAnswerToAFactorsCheckIsAskedForAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	f := r.enrol()
	recovery := r.confirm(f)
	for name, body := range map[string]fields{"code": {"code": f.code()}, "recovery code": {"recovery_code": recovery[0]}, "wrong": {"code": f.wrong()}} {
		q := again(request{path: factors + "/" + f.id + "/check", body: body}, name)
		first := r.do(q).ok()
		second := r.do(q).ok()
		if first.raw != second.raw || first.header.Get("Idempotency-Replayed") != "" || second.header.Get("Idempotency-Replayed") != "true" {
			t.Errorf("%s: %s, and then %s", name, first.raw, second.raw)
		}
	}
	if got := r.do(request{method: "GET", path: factors + "/" + f.id}).ok(); got.body["recovery_codes_left"] != 9.0 {
		t.Errorf("a repetition used another recovery code: %s", got.raw)
	}
}

func TestASessionOfAFactorIsProvedForItsSubjectAlone(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	f := r.enrol()
	r.confirm(f)
	token := f.check(fields{"code": f.code()}).ok().token()
	good := fields{"token": token, "namespace": "phone-auth", "subject": "user-1"}
	for name, body := range map[string]fields{
		"another subject":   good.with(fields{"subject": "user-2"}),
		"another namespace": good.with(fields{"namespace": "add-phone"}),
		"a recipient":       {"token": token, "namespace": "phone-auth", "to": phone},
	} {
		if a := r.session("consume", body).ok(); a.body["active"] != false {
			t.Errorf("%s: %s", name, a.raw)
		}
	}
	r.session("introspect", good.with(fields{"to": phone})).want(http.StatusBadRequest, "invalid_request")
	r.session("introspect", fields{"token": token, "namespace": "phone-auth"}).want(http.StatusBadRequest, "invalid_request")
	if a := r.session("introspect", good).ok(); a.body["active"] != true || a.text("factor_id") != f.id || a.body["verification_id"] != nil {
		t.Errorf("%s", a.raw)
	}
	if a := r.session("consume", good).ok(); a.body["active"] != true {
		t.Errorf("%s", a.raw)
	}
	if a := r.session("consume", good).ok(); a.body["active"] != false {
		t.Errorf("twice: %s", a.raw)
	}
}

func TestASignedSessionOfAFactorIsProvedToo(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.do(request{path: factors, body: toEnrol.with(fields{"namespace": "signed"})}).want(http.StatusCreated, "")
	secret, _ := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(a.text("secret"))
	f := enrolment{r, a.text("id"), otp.FactorSecretOf(secret)}
	r.confirm(f)
	next := f.code()
	r.pass(-30 * time.Second) // the signer's clock is not moved
	token := f.check(fields{"code": next}).ok().token()
	if a := r.session("introspect", fields{"token": token, "namespace": "signed", "subject": "user-1"}).ok(); a.body["active"] != true || a.text("factor_id") != f.id {
		t.Errorf("%s", a.raw)
	}
	if a := r.session("introspect", fields{"token": token, "namespace": "signed", "subject": "user-2"}).ok(); a.body["active"] != false {
		t.Errorf("%s", a.raw)
	}
}

func TestAFactorOfAForeignNamespaceIsUnknown(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.do(request{path: factors, body: toEnrol.with(fields{"namespace": "add-phone"})}).want(http.StatusCreated, "")
	for _, id := range []string{a.text("id"), someFactor, "FA12", someID} {
		for _, q := range []request{
			{method: "GET", path: factors + "/" + id},
			{method: "DELETE", path: factors + "/" + id},
			{path: factors + "/" + id + "/confirm", body: fields{"code": "739182"}},
			{path: factors + "/" + id + "/check", body: fields{"code": "739182"}},
			{path: factors + "/" + id + "/check", body: fields{"recovery_code": "00000-00000"}},
			{path: factors + "/" + id + "/recovery-codes"},
		} {
			q.key = keyPhone
			r.do(q).want(http.StatusNotFound, "factor_not_found")
		}
	}
}

func TestACheckHasOneOfTwoCodes(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	f := r.enrol()
	r.confirm(f)
	for _, body := range []fields{{}, {"code": "123456", "recovery_code": "00000-00000"}, {"code": ""}} {
		f.check(body).want(http.StatusBadRequest, "invalid_request")
	}
	f.check(fields{"code": "12345"}).want(http.StatusBadRequest, "invalid_code_format")
	f.check(fields{"recovery_code": "12345"}).want(http.StatusBadRequest, "invalid_code_format")
}

func TestWhatAppsDoNotAllKnowIsThereForThoseThatDo(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.do(request{path: factors, body: toEnrol.with(fields{"algorithm": "SHA512", "digits": 8, "period": 60, "skew": 0})}).want(http.StatusCreated, "")
	if a.text("algorithm") != "SHA512" || a.body["digits"] != 8.0 || a.body["period"] != 60.0 || a.body["skew"] != 0.0 || len(a.text("secret")) != 103 {
		t.Errorf("%s, %v digits, %v s, skew %v, %d characters", a.text("algorithm"), a.body["digits"], a.body["period"], a.body["skew"], len(a.text("secret")))
	}
	for field, v := range map[string]any{"algorithm": "MD5", "digits": 9, "period": 10, "skew": 3, "issuer": "a:b", "subject": ""} {
		r.do(request{path: factors, body: toEnrol.with(fields{field: v})}).want(http.StatusBadRequest, "invalid_request")
	}
}

// Another library reads both pictures, the SVG as a browser draws it.
func TestBothPicturesOfAFactorAreReadByAPhone(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.do(request{path: factors, body: toEnrol.with(fields{"issuer": "Müller & Söhne", "account": strings.Repeat("é", 60), "algorithm": "SHA512"})}).want(http.StatusCreated, "")
	picture, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(a.text("qr_png"), "data:image/png;base64,"))
	if err != nil {
		t.Fatal(err)
	}
	size, err := png.DecodeConfig(bytes.NewReader(picture))
	if err != nil {
		t.Fatal(err)
	}
	drawn := browsertest.Drawing(t, a.text("qr_svg"), int64(size.Width))
	for what, text := range map[string][]byte{"PNG": picture, "SVG": drawn} {
		img, err := png.Decode(bytes.NewReader(text))
		if err != nil {
			t.Fatal(what, err)
		}
		bits, err := gozxing.NewBinaryBitmapFromImage(img)
		if err != nil {
			t.Fatal(what, err)
		}
		read, err := qrcode.NewQRCodeReader().Decode(bits, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_PURE_BARCODE: true})
		if err != nil || read.GetText() != a.text("uri") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestAnAuditOfAFactorIsFoundByItsID(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	f := r.enrol()
	r.confirm(f)
	f.check(fields{"code": f.code()}).ok()
	f.check(fields{"code": f.wrong()}).ok()
	a := r.do(request{path: "/v1/audit/search", body: fields{"id": f.id}}).ok()
	var kinds []string
	for _, item := range a.body["items"].([]any) {
		if kind, _ := item.(map[string]any)["kind"].(string); kind != "audit.searched" {
			kinds = append(kinds, kind)
		}
	}
	if got := strings.Join(kinds, " "); got != "factor.check_failed factor.approved factor.confirmed factor.enrolled" {
		t.Errorf("%s", got)
	}
}

func TestNothingOfAFactorsSecretsIsLoggedOrLiesInRedis(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	f := r.enrol()
	recovery := r.confirm(f)
	code := f.code()
	token := f.check(fields{"code": code}).ok().token()
	kept := again(request{path: factors + "/" + f.id + "/check", body: fields{"recovery_code": recovery[0]}}, "kept")
	other := r.do(kept).ok().token()
	if r.do(kept).ok().token() != other {
		t.Error("a repetition has another token")
	}
	r.loseDatabase()
	f.check(fields{"code": f.code()}).want(http.StatusServiceUnavailable, "store_unavailable")
	for _, secret := range append(recovery, f.secret.Base32(), token, other) {
		if strings.Contains(r.log.String(), secret) {
			t.Error("the log tells a secret")
		}
		for key, value := range r.contents() {
			if strings.Contains(key+value, secret) {
				t.Errorf("%s tells a secret", key)
			}
		}
	}
}
