package httpapi

import (
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// example is one request and its answer. The ids, tokens and codes of an
// example stand for those of an earlier answer.
type example struct {
	name, summary   string
	request, answer any
}

func requests(all []example) map[string]*huma.Example {
	m := map[string]*huma.Example{}
	for _, e := range all {
		m[e.name] = &huma.Example{Summary: e.summary, Value: e.request}
	}
	return m
}

func answers(all []example) map[string]*huma.Example {
	m := map[string]*huma.Example{}
	for _, e := range all {
		m[e.name] = &huma.Example{Summary: e.summary, Value: e.answer}
	}
	return m
}

const (
	exampleID     = "VE0a1b2c3d4e5f60718293a4b5c6d7e8f9"
	exampleFactor = "FA0a1b2c3d4e5f60718293a4b5c6d7e8f9"
	exampleToken  = "ots_0aQW4gZXhhbXBsZSB0b2tlbiBwcm92ZXMgbm90aGluZyE" //nolint:gosec // opens nothing
	examplePhone  = "+4915123456789"
	exampleMail   = "kim@example.com"
)

var (
	exampleStart = time.Date(2026, 5, 4, 15, 4, 5, 0, time.UTC)
	phoneSent    = Verification{
		ID: exampleID, Namespace: "phone-auth", Channel: "sms", ToMasked: "+49•••••••••89", Status: "pending",
		Send: 1, SendsLeft: 4, ExpiresAt: exampleIn(5 * time.Minute), ResendAt: exampleIn(time.Minute), Delivery: Delivery{Status: "queued"},
	}
	mailSent = Verification{
		ID: exampleID, Namespace: "verify-email", Channel: "email", ToMasked: "k•••@e•••.com", Status: "pending",
		Send: 1, SendsLeft: 4, ExpiresAt: exampleIn(5 * time.Minute), ResendAt: exampleIn(time.Minute), Delivery: Delivery{Status: "queued"},
	}
	phoneFound = Record{Verification: phoneSent, CreatedAt: exampleIn(0), Checks: Checks{Max: 5}}
)

func exampleIn(d time.Duration) Instant { return Instant(exampleStart.Add(d)) }

var startExamples = []example{
	{
		"sms", "By SMS", StartBody{Namespace: "phone-auth", To: examplePhone, Locale: "en"}, Started{Verification: phoneSent},
	},
	{
		"email", "By e-mail, bound to the browser session that asks",
		StartBody{Namespace: "verify-email", To: exampleMail, Binding: "session-7f3a"},
		Started{Verification: mailSent},
	},
	{
		"fallback", "By e-mail, and by SMS if the mail does not get there",
		StartBody{Namespace: "forgot-password", To: exampleMail, Fallback: []FallbackBody{{Channel: "sms", To: examplePhone}}},
		Started{Verification: forgotten(mailSent)},
	},
}

func forgotten(v Verification) Verification {
	v.Namespace = "forgot-password"
	return v
}

var checkExamples = []example{
	{
		"right", "The right code",
		CheckBody{Namespace: "phone-auth", To: examplePhone, Code: "123456"},
		Checked{ID: exampleID, Status: "approved", Valid: true, ChecksLeft: 4, Session: &SessionProof{Token: exampleToken, ExpiresAt: exampleIn(time.Hour)}},
	},
	{
		"wrong", "A wrong code, by the verification's id",
		CheckBody{ID: exampleID, Code: "654321"},
		Checked{ID: exampleID, Status: "pending", Reason: "code_mismatch", PublicReason: "invalid_or_expired", ChecksLeft: 4},
	},
}

var getExamples = []example{{name: "queued", summary: "On its way", answer: Told{
	Record: phoneFound, Explanation: Explanation{"Asked for a moment ago; a worker is about to send it.", "Wait a few seconds."},
	Timeline: []Step{{At: exampleIn(0), Send: 1, State: "queued", Reason: "sms"}},
}}}

var cancelExamples = []example{{name: "canceled", summary: "Canceled before it was sent", answer: Told{
	Record:      canceled(phoneFound),
	Explanation: Explanation{"Canceled by the product at 15:04 UTC.", "Ask the person to request a new code if they still need one."},
	Timeline: []Step{
		{At: exampleIn(0), Send: 1, State: "queued", Reason: "sms"},
		{At: exampleIn(2 * time.Second), State: "canceled"},
		{At: exampleIn(2 * time.Second), Send: 1, State: "canceled"},
	},
}}}

func canceled(r Record) Record {
	r.Status, r.Delivery.Status = "canceled", "canceled"
	return r
}

var searchExamples = []example{{
	"all", "The newest of a recipient", SearchBody{To: examplePhone, Limit: 20}, Found{Items: []Record{phoneFound}},
}}

var auditExamples = []example{{
	"approvals", "Who has proved that a number is theirs",
	AuditBody{To: examplePhone, Kinds: []string{"verification.approved"}},
	AuditFound{Items: []AuditRecord{{
		At: exampleIn(9 * time.Second), Kind: "verification.approved", Verification: exampleID, Namespace: "phone-auth", Actor: "shop",
		RequestID: exampleRequest, ToMasked: phoneSent.ToMasked, Client: "192.0.2.10", Partition: 10, Seq: 2, Sum: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
	}}},
}}

var sessionExamples = []example{{
	"good", "A session that proves this",
	SessionBody{Token: exampleToken, Namespace: "phone-auth", To: examplePhone},
	SessionState{Active: true, VerificationID: exampleID, Channel: "sms", ToMasked: phoneSent.ToMasked, ExpiresAt: instant(exampleStart.Add(time.Hour))},
}}

// The QR code of an example is shortened.
var enrolExamples = []example{{
	"app", "For the apps that everybody has",
	EnrolBody{Namespace: "phone-auth", Subject: "user-7f3a", Issuer: "Example", Account: "kim@example.com"},
	Enrolled{
		Factor: exampleUnconfirmed, Secret: exampleSecret,
		URI:   "otpauth://totp/Example:kim%40example.com?algorithm=SHA1&digits=6&issuer=Example&period=30&secret=" + exampleSecret,
		QRPNG: "data:image/png;base64,iVBORw0KGgo…", QRSVG: "<svg xmlns=\"http://www.w3.org/2000/svg\" …",
	},
}}

const exampleSecret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP" //nolint:gosec // of nobody

var (
	exampleUnconfirmed = Factor{
		ID: exampleFactor, Namespace: "phone-auth", Subject: "user-7f3a", Status: "unconfirmed", Algorithm: "SHA1", Digits: 6, Period: 30, Skew: 1,
		CreatedAt: exampleIn(0), ExpiresAt: instant(exampleStart.Add(15 * time.Minute)),
	}
	exampleConfirmed = Factor{
		ID: exampleFactor, Namespace: "phone-auth", Subject: "user-7f3a", Status: "confirmed", Algorithm: "SHA1", Digits: 6, Period: 30, Skew: 1,
		CreatedAt: exampleIn(0), ConfirmedAt: instant(exampleStart.Add(20 * time.Second)), UsedAt: instant(exampleStart.Add(20 * time.Second)), RecoveryCodes: 10,
	}
	exampleRecovery = []string{
		"7k2m9-x4qvt", "c0w3d-n8s5h", "pz6r1-29bfy", "t5e8j-kq0va", "3hxg7-m4c2w", "9nd5s-vb6k8", "f1yq4-7tjz0", "wr8a2-ch3pe", "m6v0k-5xgn9", "2bjt4-dy7sq",
	}
)

var confirmExamples = []example{
	{
		"right", "The right code",
		CodeBody{"123456"},
		FactorConfirmed{ID: exampleFactor, Status: "confirmed", Valid: true, ChecksLeft: 5, RecoveryCodes: exampleRecovery},
	},
	{
		"wrong", "A wrong one",
		CodeBody{"654321"},
		FactorConfirmed{ID: exampleFactor, Status: "unconfirmed", Reason: "code_mismatch", PublicReason: "invalid_or_expired", ChecksLeft: 4},
	},
}

var checkFactorExamples = []example{
	{
		"right", "The right code",
		FactorCheckBody{Code: "123456"},
		FactorChecked{
			ID: exampleFactor, Status: "confirmed", Valid: true, ChecksLeft: 5, RecoveryCodes: 10,
			Session: &SessionProof{Token: exampleToken, ExpiresAt: exampleIn(time.Hour)},
		},
	},
	{
		"wrong", "A wrong one",
		FactorCheckBody{Code: "654321"},
		FactorChecked{ID: exampleFactor, Status: "confirmed", Reason: "code_mismatch", PublicReason: "invalid_or_expired", ChecksLeft: 4},
	},
}

var (
	getFactorExamples    = []example{{name: "confirmed", summary: "Good for checks", answer: exampleConfirmed}}
	listFactorsExamples  = []example{{name: "one", summary: "One app", answer: FactorList{Items: []Factor{exampleConfirmed}}}}
	deleteFactorExamples = []example{{name: "deleted", summary: "What it was", answer: exampleConfirmed}}
	recoveryExamples     = []example{{name: "renewed", summary: "Ten new ones", answer: RecoveryCodes{exampleRecovery}}}
)

var unlockExamples = []example{{
	"unlock", "After a call to support", UnlockBody{Namespace: "phone-auth", To: examplePhone, Reason: "ticket 4711: caller proved who they are"}, Unlocked{Cleared: false},
}}

const exampleReason = "maintenance until 14:00"

var exampleTwilio = ProviderState{Name: "twilio", Driver: "twilio", Channels: []string{"sms"}, Status: "serving"}

var providersExamples = []example{{name: "all", summary: "All work", answer: ProviderStates{Items: []ProviderState{
	exampleTwilio, {Name: "smtp", Driver: "smtp", Channels: []string{"email"}, Status: "serving"},
}}}}

var drainExamples = []example{{"drained", "Before a maintenance", OrderBody{exampleReason}, drained(exampleTwilio)}}

var resumeExamples = []example{{"resumed", "After it", OrderBody{"maintenance is over"}, exampleTwilio}}

func drained(p ProviderState) ProviderState {
	p.Status, p.DrainedAt, p.DrainedBy, p.DrainedReason = "drained", instant(exampleStart), "all", exampleReason
	return p
}
