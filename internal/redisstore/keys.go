package redisstore

import (
	"strconv"

	"github.com/otpipe/otpipe/internal/otp"
)

// Every key name, for Go and for the scripts. The braces put what one script
// may touch into one cluster slot: all state of a recipient lies in its
// partition's. Who is a fingerprint, with ":" and the binding's where there is one.
//
//	<ns>:otp:{p}<who>       id, digest key, digest, sealed code      until it expires
//	<ns>:lock:{p}<who>      until, strikes                           until strikes are forgotten
//	<ns>:fails:{p}<who>     when the last guesses failed             24 h
//	<ns>:cooldown:{p}<fp>   until, by which send                     its length; <ns> may be "all"
//	<ns>:daily:{p}<fp>      start, used, refunded                    24 h from the first; likewise
//	all:suppress:{p}<fp>:<channel>   until                           30 days
//	<ns>:session:{p}<hash>  id (of a factor too), anchor, channel, expiry   the session's life
//	v:{p}<id>               a verification: see lua/record.lua
//	recent:{p}<fp>          "id ns binding" of the newest ones       as long as the newest of them
//	repeat:<nonce>          a request its caller may repeat          24 h
//	bucket:<name>:<hash>    what there was, see lua/bucket.lua       its interval; never in a cluster
//	toll:<range>            its texts and their use, see lua/toll.lua twice the window; never in a cluster
//	pace:{00}<provider>     when its next hand-over may begin        seconds
//	staff:visit:{00}<hash of a pass>      who is signed in           until then they had to click
//	staff:referral:{00}<hash of a pass>   on the way to the identity provider   10 min
//	staff:tries:<of>:{00}<keyed hash>     of a place, a name, a pair: see lua/tries.lua
//	staff:told:{00}<place>  that it tried too often was told         as long as it has to wait
//	tally:{p}<hour>         counts of an hour (since 1970), see lua/tally.lua   8 days
//
// Without a TTL, for they name nobody:
//
//	due:{p}                 when to look at which send; entries go when it ends
//	events:{p}              stream of all transitions, trimmed to a length
//	provider:{00}<name>     drain, pause and breakers' advice, see lua/standing.lua
//	heard:{p}<group>        how many events of the stream a group took, or missed
//	audit:{p}               who exports, the last record's number and sum: see lua/audit.lua
//	otpipe:store            partitions and marks of the keys, see guard.go
func stateKey(ns otp.Namespace, kind string, p otp.Partition, who string) string {
	return string(ns) + ":" + kind + ":{" + p.String() + "}" + who
}

func verificationKey(id otp.ID) string { return "v:{" + id.Partition().String() + "}" + string(id) }

func dueKey(p otp.Partition) string { return "due:{" + p.String() + "}" }

func eventsKey(p otp.Partition) string { return "events:{" + p.String() + "}" }

func recentKey(p otp.Partition, fp otp.Fingerprint) string {
	return "recent:{" + p.String() + "}" + string(fp)
}

// repeatKey needs no slot of its own: the request may be about any recipient.
func repeatKey(n otp.Nonce) string { return "repeat:" + string(n) }

// providerKey lies in the partition whose stream has the events that are about
// no recipient.
func providerKey(name string) string { return "provider:{00}" + name }

func paceKey(provider string) string { return "pace:{00}" + provider }

// staffKey lies there too, for what the staff does is told there.
func staffKey(kind, mark string) string { return "staff:" + kind + ":{00}" + mark }

// suppressKey is of a partition as scripts name it.
func suppressKey(partition, fp string, ch otp.Channel) string {
	return "all:suppress:{" + partition + "}" + fp + ":" + string(ch)
}

func tallyKey(p otp.Partition, hour int64) string {
	return "tally:{" + p.String() + "}" + strconv.FormatInt(hour, 10)
}

func auditKey(p otp.Partition) string { return "audit:{" + p.String() + "}" }

const storeKey = "otpipe:store"

// keysLua says the same to the scripts. They are given one key and make the
// others of its slot from what they read.
const keysLua = `
local function state_key(ns, kind, p, who) return ns .. ':' .. kind .. ':{' .. p .. '}' .. who end
local function verification_key(p, id) return 'v:{' .. p .. '}' .. id end
local function recent_key(p, fp) return 'recent:{' .. p .. '}' .. fp end
local function staff_key(kind, mark) return 'staff:' .. kind .. ':{00}' .. mark end
local function due_key(p) return 'due:{' .. p .. '}' end
local function heard_key(p, group) return 'heard:{' .. p .. '}' .. group end
local function toll_key(name) return 'toll:' .. name end
local function audit_key(p) return 'audit:{' .. p .. '}' end
local function tally_key(p, hour) return 'tally:{' .. p .. '}' .. hour end
local function events_key(p) return 'events:{' .. p .. '}' end
`

// who names an owner in the keys that belong to the exact recipient.
func who(o otp.Owner) string {
	if o.Binding == "" {
		return string(o.Identity[0])
	}
	return string(o.Identity[0]) + ":" + string(o.Binding)
}
