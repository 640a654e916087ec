package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/verify"
)

// Delivery is how the newest send stands.
type Delivery struct {
	Status   string `json:"status" enum:"queued,sending,accepted,sent,unknown,undelivered,failed,delivered,expired,canceled,superseded,suppressed" doc:"delivered is said by a receipt alone; accepted and sent are what a provider says of itself."`
	Provider string `json:"provider,omitempty" example:"twilio" doc:"Its name in the configuration."`
	ToMasked string `json:"to_masked,omitempty" doc:"Where it goes, if that is another address than the verification's."`
}

// Verification is one try to prove control of a recipient.
type Verification struct {
	ID        string   `json:"id" example:"VE0a1b2c3d4e5f60718293a4b5c6d7e8f9" doc:"Of the verification; VE and 32 hex digits."`
	Namespace string   `json:"namespace" example:"phone-auth" doc:"What the proof is for."`
	Channel   string   `json:"channel" enum:"sms,email" doc:"Of the newest send."`
	ToMasked  string   `json:"to_masked" example:"+49•••••••89" doc:"The recipient, as far as it may be shown."`
	Status    string   `json:"status" enum:"pending,approved,expired,canceled,locked" doc:"pending waits for the code; the others are final."`
	Send      int      `json:"send" doc:"Number of the newest send."`
	SendsLeft int      `json:"sends_left" doc:"How many more this verification may have."`
	ExpiresAt Instant  `json:"expires_at" doc:"The code is right until then."`
	ResendAt  Instant  `json:"resend_at" doc:"The next send not before, by the namespace's cooldown."`
	Delivery  Delivery `json:"delivery" doc:"How the newest send stands."`
}

// Started is a verification and whether this request sent its code again.
type Started struct {
	Verification
	Resent bool   `json:"resent" doc:"This request sent the code of a verification that was alive already."`
	Ticket string `json:"ticket,omitempty" doc:"To be brought back with the code, in namespaces that keep it with you; the newest one counts."`
}

// Checks counts the guesses.
type Checks struct {
	Made int `json:"made" doc:"Guesses so far, resends included."`
	Max  int `json:"max" doc:"No more are compared."`
}

// Step is one line of a verification's life.
type Step struct {
	At       Instant `json:"at" doc:"When it happened."`
	Send     int     `json:"send" doc:"0: the verification itself."`
	Attempt  int     `json:"attempt" doc:"0: the send itself."`
	State    string  `json:"state" example:"accepted" doc:"What became of it then."`
	Provider string  `json:"provider,omitempty" doc:"Whose attempt it was."`
	Ref      string  `json:"ref,omitempty" doc:"The provider's own name for the message."`
	Reason   string  `json:"reason,omitempty" doc:"Why, as far as it is known: a channel, a vendor's error, an operator's words."`
}

// Record is a verification as it is found afterwards.
type Record struct {
	Verification
	CreatedAt   Instant  `json:"created_at" doc:"When the code was first asked for."`
	LockedUntil *Instant `json:"locked_until,omitempty" doc:"The recipient is locked in this namespace until then."`
	Checks      Checks   `json:"checks" doc:"The guesses that were compared."`
}

// Explanation says what happened and what to do next.
type Explanation struct {
	What string `json:"what" doc:"What happened." example:"Handed to the carrier 40 s ago, not yet confirmed."`
	Next string `json:"next" doc:"What to do about it." example:"Ask the person to wait two minutes."`
}

// Told is a verification with its life.
type Told struct {
	Record
	Explanation Explanation `json:"explanation" doc:"In plain English, for support staff; not for the recipient."`
	Timeline    []Step      `json:"timeline" nullable:"false" doc:"All that happened, the oldest first."`
}

// StartBody asks for a code.
type StartBody struct {
	Namespace string            `json:"namespace" maxLength:"32" example:"phone-auth" doc:"What the proof is for."`
	To        string            `json:"to" maxLength:"320" doc:"A phone number in international form, or an e-mail address." example:"+4915123456789"`
	Channel   string            `json:"channel,omitempty" enum:"sms,email" doc:"Left out: email if to has an @, else sms."`
	Locale    string            `json:"locale,omitempty" maxLength:"35" doc:"Of the message, as a BCP 47 tag." example:"en"`
	Params    map[string]string `json:"params,omitempty" doc:"What the message's template declares beyond the code."`
	Binding   string            `json:"binding,omitempty" maxLength:"256" doc:"What only the one who asks can repeat, such as a session id of yours: nobody else can then use up or lock this code."`
	Limits    *LimitsBody       `json:"limits,omitempty" doc:"What you know of the person who asks, for the rate limits that count by it. It is kept as a keyed hash."`
	Decoy     bool              `json:"decoy,omitempty" doc:"Nothing is sent; everything else is as for another code, and no answer but the time line tells. For a form that must not say whether there is an account: ask for a decoy where there is none."`
	Fallback  []FallbackBody    `json:"fallback,omitempty" maxItems:"2" nullable:"false" doc:"Other addresses of the same person, for the same code: used in turn when the one before does not get it, or no receipt says so in time. Not for namespaces that prove control of an address (verify-… and add-…)."`
}

// LimitsBody is what the caller knows of the person who asks.
type LimitsBody struct {
	IP      string `json:"ip,omitempty" maxLength:"45" example:"192.0.2.1" doc:"Their IP address. Of an IPv6 address the first 64 bits count."`
	Device  string `json:"device,omitempty" maxLength:"128" doc:"Any string that is the same for one device."`
	Account string `json:"account,omitempty" maxLength:"128" doc:"Any string that is the same for one account."`
}

// FallbackBody is another address.
type FallbackBody struct {
	Channel string `json:"channel,omitempty" enum:"sms,email" doc:"Left out: email if to has an @, else sms."`
	To      string `json:"to" maxLength:"320" example:"kim@example.com" doc:"A phone number in international form, or an e-mail address."`
}

type startInput struct {
	IdempotencyKey string `header:"Idempotency-Key" doc:"The same key gets the same answer for a day; a repeated request sends nothing again."`
	Body           StartBody
}

type startOutput struct {
	Location        string `header:"Location"`
	RateLimitPolicy string `header:"RateLimit-Policy"`
	RateLimit       string `header:"RateLimit"`
	Replayed        string `header:"Idempotency-Replayed" doc:"true if this answer was given before."`
	Body            Started
}

type idInput struct {
	ID string `path:"id" doc:"Of the verification."`
}

type toldOutput struct {
	Body Told
}

func (a *API) verifications(api huma.API) {
	tags := []string{"verifications"}
	add(a, api, described(huma.Operation{
		OperationID: "start", Method: http.MethodPost, Path: "/v1/verifications", DefaultStatus: http.StatusAccepted,
		Summary: "Send a code", Security: needs(otp.ScopeSend), Tags: tags,
		Description: "Opens a verification, or sends the code of the one that is alive again. The answer comes as soon as the send is staged; workers deliver it.",
	}, startExamples, "invalid_recipient", "channel_not_allowed", "idempotency_key_invalid", "namespace_not_allowed", "namespace_not_found",
		"destination_not_allowed", "idempotency_in_flight", "idempotency_key_reused",
		"cooldown_active", "send_limit_reached", "daily_quota_exceeded", "rate_limited", "recipient_locked"), a.start)
	add(a, api, described(huma.Operation{
		OperationID: "check", Method: http.MethodPost, Path: "/v1/verifications/check",
		Summary: "Check a code", Security: needs(otp.ScopeCheck), Tags: tags,
		Description: "Counts the guess, then compares it. A wrong code is a normal answer; a right one is accepted once and opens a session. A code that has not the form of one is refused and not counted.",
	}, checkExamples, "invalid_recipient", "invalid_code_format", "idempotency_key_invalid", "namespace_not_allowed", "namespace_not_found",
		"idempotency_in_flight", "idempotency_key_reused", "recipient_locked"), a.check)
	add(a, api, described(huma.Operation{
		OperationID: "search", Method: http.MethodPost, Path: "/v1/verifications/search",
		Summary: "List a recipient's verifications", Security: needs(otp.ScopeRead), Tags: tags,
		Description: "The newest first, in all namespaces that the key may work in, as long as they are kept: three days unless configured otherwise.",
	}, searchExamples, "invalid_recipient", "namespace_not_allowed", "namespace_not_found"), a.search)
	add(a, api, described(huma.Operation{
		OperationID: "get", Method: http.MethodGet, Path: "/v1/verifications/{id}",
		Summary: "Tell what happened", Security: needs(otp.ScopeRead), Tags: tags,
		Description: "The verification and its life: every send, every attempt at a provider, receipts and checks, with a sentence that sums them up. Never the code.",
	}, getExamples, "verification_not_found"), a.get)
	add(a, api, described(huma.Operation{
		OperationID: "cancel", Method: http.MethodPost, Path: "/v1/verifications/{id}/cancel",
		Summary: "Make a code useless", Security: needs(otp.ScopeSend), Tags: tags,
		Description: "What is not sent yet stays unsent. To cancel again is no error.",
	}, cancelExamples, "verification_not_found", "already_finished"), a.cancel)
}

func (a *API) start(ctx context.Context, who otp.Caller, in *startInput) (*startOutput, error) {
	b := in.Body
	n, err := nonce(who, "start", in.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	s, err := a.Verifier.Start(ctx, who, verify.StartRequest{
		Namespace: otp.Namespace(b.Namespace), To: b.To, Channel: otp.Channel(b.Channel), Locale: b.Locale,
		Params: b.Params, Binding: b.Binding, Fallbacks: fallbacks(b.Fallback), Limits: known(b.Limits), Decoy: b.Decoy, Nonce: n,
	})
	if err != nil {
		return nil, err
	}
	out := &startOutput{
		Location: "/v1/verifications/" + string(s.Order.ID), Replayed: replayed(s.Replayed),
		Body: Started{Resent: s.Resent, Ticket: string(s.Ticket), Verification: Verification{
			ID: string(s.Order.ID), Namespace: string(s.Namespace), Channel: string(s.Channel), ToMasked: s.Masked,
			Status: string(otp.Pending), Send: s.Order.Send, SendsLeft: s.SendsLeft,
			ExpiresAt: Instant(s.ExpiresAt), ResendAt: Instant(s.ResendAt), Delivery: Delivery{Status: string(s.State)},
		}},
	}
	if !s.Replayed { // what was left then is not what is left now
		out.RateLimitPolicy = rateLimitPolicy(s.Policy)
		out.RateLimit = rateLimit("cooldown", 0, s.ResendAt.Sub(s.Now)) + ", " + rateLimit("daily", s.DailyLeft, s.DailyReset)
	}
	return out, nil
}

func fallbacks(bodies []FallbackBody) (all []verify.Fallback) {
	for _, b := range bodies {
		all = append(all, verify.Fallback{Channel: otp.Channel(b.Channel), To: b.To})
	}
	return all
}

// known is what the caller knows of the person who asks.
func known(b *LimitsBody) verify.Limits {
	if b == nil {
		return verify.Limits{}
	}
	return verify.Limits{IP: b.IP, Device: b.Device, Account: b.Account}
}

// replayed is the header that says so; "" leaves it out.
func replayed(again bool) string {
	if again {
		return "true"
	}
	return ""
}

// maxIdempotencyKey is in bytes.
const maxIdempotencyKey = 255

// nonce names a request that its caller may repeat; "" is one that is not repeated.
func nonce(who otp.Caller, endpoint, key string) (otp.Nonce, error) {
	switch {
	case key == "":
		return "", nil
	case len(key) > maxIdempotencyKey:
		return "", newProblem("idempotency_key_invalid", "an Idempotency-Key is at most 255 bytes long")
	}
	return otp.NonceOf(who.Name, endpoint, key), nil
}

// rateLimitPolicy and rateLimit are the structured fields of the IETF's draft
// on RateLimit headers: q a quota, w a window, r what remains, t when it is reset.
func rateLimitPolicy(p otp.Policy) string {
	return fmt.Sprintf(`"cooldown";q=1;w=%d, "daily";q=%d;w=86400`, seconds(p.Cooldown), p.Daily)
}

func rateLimit(name string, left int, reset time.Duration) string {
	return fmt.Sprintf(`"%s";r=%d;t=%d`, name, left, seconds(reset))
}

func instant(t time.Time) *Instant {
	i := Instant(t)
	return &i
}

func (a *API) get(ctx context.Context, who otp.Caller, in *idInput) (*toldOutput, error) {
	id, err := otp.ParseID(in.ID)
	if err != nil {
		return nil, err
	}
	h, p, err := a.Verifier.Get(ctx, who, id)
	return a.told(h, p), err
}

func (a *API) cancel(ctx context.Context, who otp.Caller, in *idInput) (*toldOutput, error) {
	id, err := otp.ParseID(in.ID)
	if err != nil {
		return nil, err
	}
	h, p, err := a.Verifier.Cancel(ctx, who, id)
	return a.told(h, p), err
}

func (a *API) told(h otp.History, p otp.Policy) *toldOutput {
	x := a.Explainer.Explain(h, h.Now)
	t := Told{Record: record(h, p), Explanation: Explanation{What: x.What, Next: x.Next}, Timeline: make([]Step, 0, len(h.Steps))}
	for _, s := range h.Steps {
		t.Timeline = append(t.Timeline, Step{
			At: Instant(s.At), Send: s.Send, Attempt: s.Attempt, State: s.State,
			Provider: s.Provider, Ref: s.Ref, Reason: s.Reason,
		})
	}
	return &toldOutput{t}
}

func record(h otp.History, p otp.Policy) Record {
	newest := h.Newest()
	r := Record{
		Verification: Verification{
			ID: string(h.ID), Namespace: string(h.Namespace), Channel: string(h.Channel), ToMasked: h.Masked,
			Status: string(h.Status), Send: len(h.Sends), SendsLeft: h.SendsLeft(),
			ExpiresAt: Instant(h.ExpiresAt), ResendAt: Instant(h.ResendAt(p)),
			Delivery: Delivery{Status: string(newest.Status()), Provider: newest.Provider(), ToMasked: newest.Masked},
		},
		CreatedAt: Instant(h.CreatedAt),
		Checks:    Checks{Made: h.Checks, Max: h.MaxChecks},
	}
	if !h.LockedTill.IsZero() {
		r.LockedUntil = instant(h.LockedTill)
	}
	return r
}
