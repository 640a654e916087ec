package httpapi

import (
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// problemKind is what there is to know of one code. A code is stable: callers
// branch on it.
type problemKind struct {
	code   string
	status int
	means  string
	do     string  // what the caller should
	like   Problem // an example, as far as the code does not say it
}

// catalogue has every code, in the order in which people read it.
var catalogue = []problemKind{
	{
		"invalid_request", http.StatusBadRequest,
		"The request is not what the operation takes: the body is no JSON, or a field is missing, unknown, there twice, or of another kind.",
		"Mend the request. `errors` names each field and what it wants. The same request again fails again.",
		Problem{Detail: details[http.StatusBadRequest], Errors: []FieldError{{"#", "expected required property namespace to be present"}, {"#", "expected required property to to be present"}}},
	},
	{
		"invalid_recipient", http.StatusBadRequest,
		"`to` is neither a phone number in international form nor an e-mail address that mail can reach.",
		"Show the person their address and ask them to correct it. Numbers start with + and the country code.",
		Problem{Detail: "not an address a code can be sent to", Errors: []FieldError{{"#/to", "not a phone number in international form; write + and the country code, then the number, in digits"}}},
	},
	{
		"invalid_code_format", http.StatusBadRequest,
		"What was typed cannot be a code: it has another length, or something in it is no digit. No guess was counted.",
		"Ask the person to type all digits. Better: check the length in the form, before you call.",
		Problem{Detail: "not the form of a code", Errors: []FieldError{{"#/code", "want 6 digits; this did not count as a check"}}},
	},
	{
		"channel_not_allowed", http.StatusBadRequest,
		"The namespace does not send by this channel, or the channel does not go to such an address.",
		"Leave `channel` out, or name one that the namespace has.",
		Problem{Detail: "the namespace does not send on this channel", Errors: []FieldError{{"#/channel", "phone-auth sends by [sms] only"}}},
	},
	{
		"idempotency_key_invalid", http.StatusBadRequest,
		"The `Idempotency-Key` is longer than 255 bytes.",
		"Send a shorter one; a random UUID will do.",
		Problem{Detail: "an Idempotency-Key is at most 255 bytes long"},
	},
	{
		"unauthenticated", http.StatusUnauthorized,
		"There is no API key with the request, or nobody knows the one that is.",
		"Send `Authorization: Bearer otk_…` with a key whose hash is in the configuration.",
		Problem{Detail: "send a known API key as Authorization: Bearer otk_…"},
	},
	{
		"insufficient_scope", http.StatusForbidden,
		"The key is known, and may do other things than this.",
		"Use a key that has the scope which the operation names, or have it added in the configuration.",
		Problem{Detail: "the key lacks the scope send"},
	},
	{
		"namespace_not_allowed", http.StatusForbidden,
		"The key works in other namespaces than this one. What it may not see is not told apart from what there is not.",
		"Use a key for this namespace. What concerns all of them, such as a provider, takes a key for all.",
		Problem{Detail: "the key is not for this namespace"},
	},
	{
		"destination_not_allowed", http.StatusForbidden,
		"Codes are not sent to this address: its country is not on the namespace's list, the number is of a kind or a range that is refused, or the mailbox's domain is one of throw-away addresses.",
		"Ask the person for another address. Operators: `countries`, `deny_prefixes`, `refuse_voip` and `destinations.disposable_domains` in the configuration.",
		Problem{Detail: "to: phone-auth sends no texts to the country of this number"},
	},
	{
		"signature_invalid", http.StatusForbidden,
		"A receipt was not signed by the provider that it names, or for another URL.",
		"For providers. Operators: compare `api.public_url` and the provider's secret with what the provider has.",
		Problem{Detail: "the signature is wrong"},
	},
	{
		"verification_not_found", http.StatusNotFound,
		"There is no verification with this id, it is older than what is kept, or it is in a namespace that is not the key's.",
		"Look it up by its recipient. If it is gone, ask for another code.",
		Problem{Detail: "not found"},
	},
	{
		"namespace_not_found", http.StatusNotFound,
		"No namespace of this name is configured.",
		"Mend the name, or have the namespace added to the configuration.",
		Problem{Detail: "no such namespace"},
	},
	{
		"provider_not_found", http.StatusNotFound,
		"No provider of this name is configured.",
		"Take a name from `GET /v1/providers`.",
		Problem{Detail: "no such provider"},
	},
	{
		"factor_not_found", http.StatusNotFound,
		"There is no factor with this id, it was not confirmed in time, or it is in a namespace that is not the key's.",
		"List the factors of the subject, or let the person enrol anew.",
		Problem{Detail: "no such factor"},
	},
	{
		"factors_not_kept", http.StatusNotFound,
		"There is no database that factors could be kept in.",
		"Operators: set `database.url`.",
		Problem{Detail: "no database is configured to keep factors in"},
	},
	{
		"audit_not_searchable", http.StatusNotFound,
		"There is no audit trail, or it is written to a stream that cannot be read.",
		"Operators: set `audit.sink` to a database or a directory, for the api too.",
		Problem{Detail: "there is no audit trail that can be searched"},
	},
	{
		"route_not_found", http.StatusNotFound,
		"There is no operation at this path; or, for a receipt, no provider of this name that reports.",
		"Mend the path. It is taken as it stands: no slash at its end, none twice.",
		Problem{Detail: "there is nothing at this path; /docs lists what there is"},
	},
	{
		"method_not_allowed", http.StatusMethodNotAllowed,
		"There is an operation at this path, of another method.",
		"Use the method that the header `Allow` names.",
		Problem{Detail: "this path takes POST"},
	},
	{
		"idempotency_in_flight", http.StatusConflict,
		"The first request with this `Idempotency-Key` is still being worked on.",
		"Wait for `retry_after` seconds and send the same again: it gets the first one's answer.",
		Problem{Detail: "the first request with this Idempotency-Key is still being worked on; try again", RetryAfter: 1},
	},
	{
		"already_finished", http.StatusConflict,
		"The verification was approved, expired or locked already: there is nothing to cancel any more.",
		"Nothing. Get the verification to see how it ended.",
		Problem{Detail: "the verification has already ended"},
	},
	{
		"factor_unconfirmed", http.StatusConflict,
		"The factor waits for its first code: until then it proves nothing and has no recovery codes.",
		"Let the person type the code that their app shows, and confirm the factor with it.",
		Problem{Detail: "the factor is not confirmed yet"},
	},
	{
		"factor_confirmed", http.StatusConflict,
		"The factor was confirmed before. Its recovery codes are not told again.",
		"Nothing. Where the answer with the recovery codes was lost, draw new ones.",
		Problem{Detail: "the factor is confirmed already"},
	},
	{
		"too_many_factors", http.StatusConflict,
		"The subject has ten factors in this namespace, those that wait for their first code included.",
		"Let the person give one up.",
		Problem{Detail: "the subject has as many factors as it may have"},
	},
	{
		"body_too_large", http.StatusRequestEntityTooLarge,
		"The body is longer than 16 KiB (a receipt: 64 KiB).",
		"Send less. Nothing that an operation takes is that long.",
		Problem{Detail: details[http.StatusRequestEntityTooLarge]},
	},
	{
		"unsupported_media_type", http.StatusUnsupportedMediaType,
		"The body is not said to be JSON.",
		"Send `Content-Type: application/json`.",
		Problem{Detail: details[http.StatusUnsupportedMediaType]},
	},
	{
		"idempotency_key_reused", http.StatusUnprocessableEntity,
		"This `Idempotency-Key` came with another request within the last day.",
		"Draw a new key for each thing that you want done, and keep it for repetitions of that alone.",
		Problem{Detail: "another request was made with this key"},
	},
	{
		"cooldown_active", http.StatusTooManyRequests,
		"A code was sent to this recipient a moment ago, in this namespace or in another. Nothing was sent now.",
		"Count `retry_after` down in the form, and let the person type the code that was sent: while `verification_id` is there, that code is good.",
		Problem{Detail: "a code was sent a moment ago: wait, or have the one that was sent typed in", RetryAfter: 60, VerificationID: exampleID, ExpiresAt: instant(exampleStart.Add(5 * time.Minute))},
	},
	{
		"send_limit_reached", http.StatusTooManyRequests,
		"This verification has had all its sends. Its code is still good until `expires_at`.",
		"Let the person type a code that has arrived, or offer another way to sign in. After `retry_after` a new verification begins.",
		Problem{Detail: "this verification has had all its sends: wait until it expires", RetryAfter: 295, VerificationID: exampleID, ExpiresAt: instant(exampleStart.Add(5 * time.Minute))},
	},
	{
		"daily_quota_exceeded", http.StatusTooManyRequests,
		"This recipient has had all the sends of a day, in this namespace or in all together.",
		"Offer another way to sign in, or let the person come back later. A `fallback` address has a quota of its own.",
		Problem{Detail: "this recipient has had all the day's sends", RetryAfter: 86395, VerificationID: exampleID, ExpiresAt: instant(exampleStart.Add(5 * time.Minute))},
	},
	{
		"rate_limited", http.StatusTooManyRequests,
		"One of the configured limits is used up: of this IP address, device or account, of your key, or of a country or range of numbers; `limit` names it. Nothing was counted and nothing sent.",
		"Let the person come back after `retry_after`. If many see this, somebody may be pumping texts: operators are told by the metric.",
		Problem{Detail: "there were too many starts of this kind: limit names the rule", RetryAfter: 540, Limit: "per-ip"},
	},
	{
		"recipient_locked", http.StatusTooManyRequests,
		"There were too many wrong codes. Until the lock ends no code is sent to this recipient in this namespace, and none is compared or counted.",
		"Tell the person when to try again: `retry_after`. An operator may unlock. A `binding` keeps strangers from locking your users.",
		Problem{Detail: "too many wrong codes: wait, or have an operator unlock the recipient", RetryAfter: 840},
	},
	{
		"factor_locked", http.StatusTooManyRequests,
		"There were too many wrong codes. Until the lock ends no code of this factor is compared or counted, and no recovery code.",
		"Tell the person when to try again: `retry_after`. Another factor of theirs is not locked.",
		Problem{Detail: "too many wrong codes: wait, or let the person use another factor", RetryAfter: 840},
	},
	{
		"internal_error", http.StatusInternalServerError,
		"This is a fault of otpipe.",
		"Report the `request_id`: the log has the reason under it. Trying again, with the same `Idempotency-Key`, may help.",
		Problem{Detail: "this is our fault; the request id finds it in our logs"},
	},
	{
		"store_unavailable", http.StatusServiceUnavailable,
		"otpipe cannot reach its Redis, or not all the replicas that it must, or its database. Whether a request took effect is not known.",
		"Wait for `retry_after` seconds and try again with the same `Idempotency-Key`: nothing happens twice.",
		Problem{Detail: "the store does not answer; try again", RetryAfter: 1},
	},
}

// kindOf finds a code. One that is not in the catalogue is a fault of ours.
func kindOf(code string) problemKind {
	for _, k := range catalogue {
		if k.code == code {
			return k
		}
	}
	panic("httpapi: no such problem: " + code)
}

// urn is the type of a problem with this code; /docs# and it lead to its text.
func urn(code string) string { return "urn:otpipe:problem:" + code }

const exampleRequest = "wnb3q5tq2i5ynfmpirdxytywio"

// example is a problem of this kind.
func (k problemKind) example() Problem {
	p := k.like
	p.Type, p.Title, p.Status, p.Code, p.RequestID = urn(k.code), http.StatusText(k.status), k.status, k.code, exampleRequest
	return p
}

// problemExamples are all problems, for the document.
func problemExamples() map[string]*huma.Example {
	all := map[string]*huma.Example{}
	for _, k := range catalogue {
		all[k.code] = &huma.Example{Summary: k.means, Description: k.do, Value: k.example()}
	}
	return all
}
