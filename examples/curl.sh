#!/bin/sh
# A login by curl, against dev mode: go run ./cmd/dev
set -eu
api=${OTPIPE_URL:-http://127.0.0.1:8080}
key=${OTPIPE_KEY:-dev}
inbox=${OTPIPE_INBOX:-http://127.0.0.1:8025}
to=${1:-+4915123456789}

# call PATH JSON: what the API answers; what it refuses ends the script.
call() {
	curl --silent --show-error --fail-with-body --max-time 10 "$api$1" -H "Authorization: Bearer $key" -H 'Content-Type: application/json' --data "$2"
}

# field NAME: the value of a field with a text in it.
field() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }

echo "ask for a code for $to"
call /v1/verifications "{\"namespace\":\"phone-auth\",\"to\":\"$to\"}"
echo

# Dev mode shows what the handset would show. A person reads it there.
code= waited=0
while [ -z "$code" ]; do
	[ "$waited" -lt 100 ] || { echo "no message came within ten seconds" >&2; exit 1; }
	waited=$((waited + 1))
	code=$(curl --silent --get "$inbox/api/messages" --data-urlencode "to=$to" | field code)
	sleep 0.1
done
echo "the handset shows $code"

echo "check it"
answer=$(call /v1/verifications/check "{\"namespace\":\"phone-auth\",\"to\":\"$to\",\"code\":\"$code\"}")
echo "$answer"

echo "use the session that proves it"
call /v1/sessions/consume "{\"namespace\":\"phone-auth\",\"to\":\"$to\",\"token\":\"$(echo "$answer" | field token)\"}"
echo
