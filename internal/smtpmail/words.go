package smtpmail

import (
	"strings"

	"github.com/otpipe/otpipe/internal/otp"
)

// replyWords say what mail servers' answers mean, and what came of a step without
// one, to somebody who waits for a mail. A reply code alone says little: the
// same 550 is for a mailbox that is not there and for a sender who is not wanted.
var replyWords = map[string]string{
	"421": "The mail server is closing or has too much to do",
	"432": "The mail server wants our password to be renewed",
	"450": "The mail server cannot reach the mailbox now and asks us to come again later",
	"451": "The mail server has a problem of its own and asks us to come again later",
	"452": "The mail server has no room left at the moment",
	"454": "The mail server cannot let us in at the moment",
	"455": "The mail server cannot do what we asked at the moment",
	"4xx": "The mail server asks us to come again later",
	"500": "The mail server did not understand us",
	"501": "The mail server does not accept the form of the address, or of what we asked",
	"502": "The mail server did not understand us",
	"503": "The mail server did not understand us",
	"504": "The mail server did not understand us",
	"521": "This mail server takes no mail at all",
	"523": "The mail server wants a safer connection",
	"530": "The mail server wants us to sign in first",
	"534": "The mail server wants a safer way of signing in",
	"535": "The mail server does not accept our password",
	"538": "The mail server wants a safer way of signing in",
	"550": "The mail server takes no mail for this mailbox, or none from us",
	"551": "The mailbox is not at this mail server",
	"552": "The mailbox is full, or the mail is too big for it",
	"553": "The mail server does not accept this address",
	"554": "The mail server refused the mail",
	"555": "The mail server did not understand us",
	"556": "The domain of this address takes no mail",
	"5xx": "The mail server refused the mail",

	busy:                   "All our connections to the mail server were in use",
	late:                   "The mail server did not answer in time",
	canceled:               "We stopped waiting for the mail server's answer",
	lost:                   "The connection to the mail server failed",
	odd:                    "The mail server answered in a way that nobody understands",
	"utf8":                 "The mail server takes no address with letters such as ä or é",
	string(sending):        "Our own sender address is not valid",
	string(addressing):     "This is not an address that mail can be sent to",
	string(securing):       "The mail server offers no safe connection that we trust",
	string(authenticating): "The mail server offers no safe way of signing in",
}

// statusWords say the same of enhanced status codes (RFC 3463, and the register of
// RFC 5248). One that means another thing if it is said
// for a while only has a line with its class.
var statusWords = map[string]string{
	"0.0": "The mail was refused without a reason",

	"1.0":  "Something is wrong with the address",
	"1.1":  "This mailbox does not exist",
	"1.2":  "The domain of this address does not exist or takes no mail",
	"1.3":  "This is not an address that mail can be sent to",
	"1.4":  "The address fits more than one mailbox",
	"1.6":  "The mailbox has moved and left no new address",
	"1.7":  "The mail server does not accept our sender address",
	"1.8":  "The mail server does not find the domain that we send from",
	"1.9":  "The mail went on to a system that cannot say what became of it",
	"1.10": "The domain of this address takes no mail",

	"2.0": "Something is wrong with the mailbox",
	"2.1": "The mailbox is switched off and takes no mail",
	"2.2": "The mailbox is full",
	"2.3": "The mail is too big for this mailbox",
	"2.4": "The address is a mailing list that does not work",

	"3.0": "The mail server has a problem of its own",
	"3.1": "The mail server has no room left",
	"3.2": "The mail server takes no mail at the moment",
	"3.3": "The mail server cannot do what this mail needs",
	"3.4": "The mail is too big for the mail server",
	"3.5": "The mail server is set up wrongly",

	"4.0": "There is trouble on the way to the person's mail server",
	"4.1": "The person's mail server does not answer",
	"4.2": "The connection to the person's mail server broke",
	"4.3": "The mail server could not look up where the mail has to go",
	"4.4": "No way was found to the person's mail server",
	"4.5": "The mail server has too much to do",
	"4.6": "The mail went round in circles",
	"4.7": "The mail could not be delivered for so long that it was given up",

	"5.0": "The mail servers did not understand each other",
	"5.1": "The mail servers did not understand each other",
	"5.2": "The mail servers did not understand each other",
	"5.3": "The mail server takes no more recipients now",
	"5.4": "The mail servers did not understand each other",
	"5.5": "The mail servers did not understand each other",
	"5.6": "The mail servers did not understand each other",

	"6.0":  "The mail server does not accept the content of the mail",
	"6.1":  "The mail server does not accept the content of the mail",
	"6.2":  "The mail server does not accept the content of the mail",
	"6.3":  "The mail server does not accept the content of the mail",
	"6.4":  "The mail server does not accept the content of the mail",
	"6.5":  "The mail server does not accept the content of the mail",
	"6.6":  "The mail server does not accept the content of the mail",
	"6.7":  "The mail server takes no address with letters such as ä or é",
	"6.8":  "The mail server takes no address with letters such as ä or é",
	"6.9":  "The mail server takes no address with letters such as ä or é",
	"6.10": "The mail server takes no address with letters such as ä or é",

	"7.0":   "The rules of the mail server do not let our mail in",
	"7.1":   "The rules of the mail server do not let our mail in",
	"7.2":   "The address is a mailing list to which we may not write",
	"7.3":   "The rules of the mail server do not let our mail in",
	"7.4":   "The mail server wants a safer connection",
	"7.5":   "The mail server wants a safer connection",
	"7.6":   "The mail server wants a safer connection",
	"7.7":   "The mail was changed on the way",
	"7.8":   "The mail server does not accept our password",
	"7.9":   "The mail server wants a safer way of signing in",
	"7.10":  "The mail server wants a safer connection",
	"7.11":  "The mail server wants a safer connection",
	"7.12":  "The mail server wants our password to be renewed",
	"7.13":  "Our account with the mail server is switched off",
	"7.14":  "The mail server does not trust ours",
	"7.15":  "The mail server lets only urgent mail in at the moment",
	"7.16":  "The mail is too big for the mail server",
	"7.17":  "The mailbox belongs to somebody else by now",
	"7.18":  "The domain of this address belongs to somebody else by now",
	"7.19":  "The mail server could not tell whose the mailbox is by now",
	"7.20":  "Our mail lacks the signature that the mail server wants",
	"7.21":  "Our mail lacks a signature that the mail server accepts",
	"7.22":  "Our mail lacks the signature of the domain that it comes from",
	"7.23":  "Our domain does not allow mail from the server that sends ours",
	"7.24":  "The mail server could not look up whether our domain allows this mail",
	"7.25":  "The mail server does not trust the network address that our mail comes from",
	"7.26":  "The mail server could not make sure that the mail is really from us",
	"7.27":  "The domain that we send from takes no mail itself, so its mail is refused",
	"7.28":  "The mail server finds that too much mail comes at once",
	"7.29":  "The mail server could not make sure that the mail is really from us",
	"7.30":  "The mail server wants a safer connection",
	"7.509": "The mail server could not make sure that the mail is really from us",
	"7.511": "The mail server has blocked the sender of our mail",

	"4.2.0": "The mail server asks us to come again in some minutes",
	"4.2.1": "The mailbox takes no mail at the moment",
	"4.7.0": "The mail server does not trust us yet and asks us to come again later",
	"4.7.1": "The mail server does not know us yet and asks us to come again in some minutes",
}

// worded is an enhanced code of which the words are known. Another is taken for
// the "other" of its subject, so that nothing but a closed set gets into journals.
func worded(code string) string {
	class, of, found := strings.Cut(code, ".")
	if !found {
		return ""
	}
	subject, _, _ := strings.Cut(of, ".")
	for _, known := range []string{of, subject + ".0"} {
		if statusWords[known] != "" {
			return class + "." + known
		}
	}
	return ""
}

// Blame says at whose door a fault lies, "" if its code does not tell: what a reply
// without an enhanced code means depends on the step at which it came.
func Blame(reason string) otp.Class {
	if status, bounced := strings.CutPrefix(reason, "dsn_"); bounced {
		return Report{Status: status}.verdict().class
	}
	of, ours := strings.CutPrefix(reason, "smtp_")
	code, precise, _ := strings.Cut(of, "_")
	switch {
	case !ours:
		return ""
	case precise != "":
		return Report{Status: precise}.verdict().class
	}
	return plainBlames[code]
}

// plainBlames are of codes that tell enough.
var plainBlames = map[string]otp.Class{
	"530": otp.FaultUs, "534": otp.FaultUs, "535": otp.FaultUs, "538": otp.FaultUs,
	string(sending): otp.FaultUs, string(securing): otp.FaultUs, string(authenticating): otp.FaultUs,
	string(addressing): otp.FaultRecipient,
	"421":              otp.FaultProvider, busy: otp.FaultProvider, late: otp.FaultProvider, canceled: otp.FaultProvider, lost: otp.FaultProvider,
}

// Words are what a reason in a journal means to somebody who waits for a mail, ""
// if it is not one of this package's.
func Words(reason string) string {
	if of, bounced := strings.CutPrefix(reason, "dsn_"); bounced {
		if of == "failed" {
			return "The mail system gave the mail up and did not say why"
		}
		return ofStatus(worded(of))
	}
	of, ours := strings.CutPrefix(reason, "smtp_")
	if !ours {
		return ""
	}
	code, precise, _ := strings.Cut(of, "_")
	if text := ofStatus(worded(precise)); text != "" {
		return text
	}
	return replyWords[code]
}

func ofStatus(code string) string {
	if text := statusWords[code]; text != "" {
		return text
	}
	_, of, _ := strings.Cut(code, ".")
	return statusWords[of]
}
