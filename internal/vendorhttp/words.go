package vendorhttp

import (
	"fmt"
	"strconv"
	"strings"
)

// Code names an answer by its status, for journals.
func Code(status int) string { return fmt.Sprintf("http_%d", status) }

// statuses are the answers that mean something of their own.
var statuses = map[int]string{
	401: "The provider does not accept our password",
	402: "Our account with the provider is out of credit",
	403: "Our account is not allowed to send this",
	404: "The provider does not know the address that we call it at",
	408: "The provider did not get our request in time",
	413: "The provider finds the message too long",
	422: "The provider understood the message and refused it",
	429: "The provider is getting too many messages from us at once",
	502: "A server on the way to the provider failed",
	503: "The provider is not available at the moment",
	504: "The provider was too slow to answer",
}

var hundreds = map[int]string{
	3: "The provider has moved to another address",
	4: "The provider did not accept the way we asked",
	5: "Something broke at the provider",
}

// causes are Silence's, and a request that could not be made.
var causes = map[string]string{
	"canceled":   "We stopped waiting for the provider's answer",
	"timeout":    "The provider did not answer in time",
	"connection": "The connection to the provider failed",
	"request":    "We could not write a request to the provider",
}

// Words are what a code of Code or Cause means to somebody who waits for a
// message, "" for any other code.
func Words(code string) string {
	text, http := strings.CutPrefix(code, "http_")
	if !http {
		return causes[code]
	}
	status, err := strconv.Atoi(text)
	if err != nil {
		return ""
	}
	if words := statuses[status]; words != "" {
		return words
	}
	return hundreds[status/100]
}
