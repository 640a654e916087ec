package twilio

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/twilio/twilio-go/client"

	"github.com/otpipe/otpipe/internal/otp"
)

// maxReceipt is how many bytes of a status callback are read. Twilio's have
// less than one thousand.
const maxReceipt = 64 << 10

var messageSID = regexp.MustCompile(`^(SM|MM)[0-9a-fA-F]{32}$`)

// Receipts reads the status callbacks of one account. It may be used by many
// goroutines at once. It prints its name only.
type Receipts struct {
	AccountName string   // as the Provider's
	AccountSID  string   // AC…
	Tokens      []string // auth tokens; two while one replaces the other. An API key's secret signs nothing.
	// PublicURL is scheme, host and base path under which Twilio sees this
	// process. A proxy changes what the request says of them, and anybody else
	// may forge it.
	PublicURL string
}

// Parse reads a status callback once its signature has been found good. Its
// errors are otp.ErrForged, otp.ErrForeign, or what reading the body said, such as
// *http.MaxBytesError.
//
// A request may be sent again by whoever has seen it once: it proves only that
// Twilio once said so.
func (rc Receipts) Parse(r *http.Request) (otp.Receipt, error) {
	form, err := rc.open(r)
	if err != nil {
		return otp.Receipt{}, err
	}
	order, attempt, ok := addressee(r.URL.Query())
	state := states[form["MessageStatus"]]
	if !ok || state == "" || form["AccountSid"] != rc.AccountSID || !messageSID.MatchString(form["MessageSid"]) {
		return otp.Receipt{}, otp.ErrForeign
	}
	code, _ := strconv.Atoi(form["ErrorCode"])
	out := report(form["MessageStatus"], code)
	out.Order, out.Attempt, out.Provider, out.Ref = order, attempt, rc.AccountName, form["MessageSid"]
	return out, nil
}

// open reads the form and checks its signature. Only the first value of a key
// is signed, so no other is handed on.
func (rc Receipts) open(r *http.Request) (map[string]string, error) {
	if r.Method != http.MethodPost {
		return nil, otp.ErrForged
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxReceipt))
	if err != nil {
		return nil, fmt.Errorf("read status callback: %w", err)
	}
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, otp.ErrForged
	}
	form := make(map[string]string, len(values))
	for key, v := range values {
		form[key] = v[0]
	}
	if !rc.signed(r, form) {
		return nil, otp.ErrForged
	}
	return form, nil
}

// signed tells whether one of the tokens has signed the form. An empty token
// would let anybody sign.
func (rc Receipts) signed(r *http.Request, form map[string]string) bool {
	target := strings.TrimRight(rc.PublicURL, "/") + r.URL.RequestURI()
	for _, token := range rc.Tokens {
		v := client.NewRequestValidator(token)
		if token != "" && v.Validate(target, form, r.Header.Get("X-Twilio-Signature")) {
			return true
		}
	}
	return false
}

// addressee reads which attempt the callback is about from the query that
// Provider wrote.
func addressee(q url.Values) (otp.Order, int, bool) {
	id, err := otp.ParseID(q.Get("id"))
	send, sendErr := strconv.ParseUint(q.Get("send"), 10, 16)
	attempt, attemptErr := strconv.ParseUint(q.Get("attempt"), 10, 16)
	ok := cmp.Or(err, sendErr, attemptErr) == nil && send > 0 && attempt > 0
	return otp.Order{ID: id, Send: int(send)}, int(attempt), ok
}

// Format prints the name whatever the verb, so that %+v cannot tell the tokens.
func (rc Receipts) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "twilio receipts "+rc.AccountName)
}

// LogValue logs the name.
func (rc Receipts) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(rc)) }

// MarshalJSON refuses.
func (rc Receipts) MarshalJSON() ([]byte, error) {
	return nil, errors.New("twilio: receipts are never marshalled")
}
