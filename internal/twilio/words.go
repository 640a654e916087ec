package twilio

import (
	"strconv"
	"strings"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/vendorhttp"
)

// words say what Twilio's codes mean to somebody who waits for a text. They are
// for people who help others on the phone, and know neither Twilio nor carriers.
// The first part has the codes of the table that judges; the second has those that
// are judged by their status, and are common enough to be explained.
var words = map[int]string{
	10001: "Our account with the text provider is not active",
	14107: "This number got too many texts within a short time",
	20001: "We sent the text in a form that the provider does not know",
	20003: "The text provider does not accept our password",
	20005: "Our account with the text provider is suspended",
	20404: "The text provider does not know our account",
	20429: "The text provider is getting too many texts from us at once",
	21211: "This is not a phone number that exists",
	21212: "The number that we send texts from is not valid",
	21214: "This number cannot be reached",
	21217: "This does not look like a phone number that exists",
	21222: "Our user name at the text provider has letters that it cannot have",
	21224: "Our password at the text provider has letters that it cannot have",
	21265: "This is a short number of a service, which cannot receive our texts",
	21408: "We have not switched on texts to this country",
	21421: "This is not a phone number that exists",
	21602: "The text was empty",
	21603: "There is no number to send the text from",
	21605: "The text was too long",
	21606: "The number that we send from cannot send texts to this country",
	21608: "We have a trial account, which texts only the numbers that we entered ourselves",
	21609: "We gave the provider a wrong address for its reports",
	21610: "The person has replied STOP to our texts and must text START to get them again",
	21611: "Too many texts are already waiting to be sent from our number",
	21612: "Our number cannot send texts to the person's number",
	21614: "This is not a mobile number, so it cannot receive texts",
	21617: "The text was too long",
	21619: "The text was empty",
	21620: "The text came with a picture that cannot be sent",
	21621: "The text came with a picture that cannot be sent",
	21622: "The text came with a picture that cannot be sent",
	21623: "The text came with too many pictures",
	21635: "This number is a landline and cannot receive texts",
	21654: "The provider does not know the template of our text",
	21655: "The template of our text is not valid",
	21656: "The template of our text was filled in wrongly",
	21659: "The number that we send from does not belong to the text provider",
	21660: "The number that we send from does not belong to our account",
	21661: "The number that we send from cannot send texts",
	21703: "Our account has no number to send texts from",
	21704: "Our account has no number to send texts from",
	21730: "The text provider is under maintenance",
	30001: "Too many texts were waiting at the provider, and this one was dropped",
	30002: "Our account with the text provider was suspended before the text left",
	30003: "The phone is switched off or out of reach",
	30004: "The person or their carrier blocks our texts",
	30005: "Nobody has this number, or it is out of service",
	30006: "This number is a landline, or its carrier cannot be reached",
	30007: "A spam filter of the carrier or the provider stopped the text",
	30008: "The carrier gave the text up and did not say why",
	30019: "The text was too big for the carrier",
	30022: "We send more texts at a time than the carriers allow us",
	30023: "We have sent all the texts that the carrier allows us for today",
	30032: "The number that we send from is not yet cleared for texts",
	30034: "The number that we send from is not registered for texts to this country",
	30036: "The code would have been too old when the text could leave, so it was not sent",
	30410: "The carrier did not answer in time",
	30450: "A protection against fraud blocks texts to this number for half an hour",
	30453: "A protection against fraud blocked the text",
	30500: "Something broke at the text provider",
	63003: "Nobody can be reached by this kind of message at this number",
	63016: "The message is not written as this kind of message must be",
	63024: "The person cannot get this kind of message",
	90007: "We asked for a time to send the text in that the provider does not allow",

	21210: "The number that we send from is not cleared for use",
	21601: "The number that we send from cannot send texts",
	21604: "There was no number to send the text to",
	21607: "The number that we send from does not belong to our account",
	21705: "Our sender account at the text provider is not valid",
	30009: "A part of the text got lost on the way",
	30010: "The text would have cost more than we allow",
	30011: "This phone cannot receive messages with pictures",
	30012: "We gave the text too little time to arrive",
	30024: "The carrier does not know the number that we send from",
	30027: "We have sent all the texts that the carrier allows us for today",
	30033: "Our registration for texts to this country is suspended",
	30035: "The number that we send from is still being registered for texts",
	30454: "A protection against abuse blocked the text",
	63038: "We have sent all the messages that our account allows for today",
}

// ends are the ends of a message that come without a code.
var ends = map[string]string{
	"undelivered":         "The carrier could not deliver the text and did not say why",
	"partially_delivered": "Only a part of the text arrived",
	"failed":              "The text provider gave the text up and did not say why",
	"canceled":            "The text was canceled at the provider",
}

// Blame says at whose door one of Twilio's codes lies, "" where only the status of
// the answer told, or that is not known.
func Blame(reason string) otp.Class {
	of, ours := strings.CutPrefix(reason, "twilio_")
	code, err := strconv.Atoi(of)
	switch {
	case !ours:
		return ""
	case err != nil:
		return judgeLater(0).class
	}
	return codes[code].class
}

// Words are what a reason in a journal means to somebody who waits for a text. It
// is "" if that is not known.
func Words(reason string) string {
	if reason == "unreadable" {
		return "The provider took the text, and its answer could not be read"
	}
	of, ours := strings.CutPrefix(reason, "twilio_")
	if !ours {
		return vendorhttp.Words(reason)
	}
	if text := ends[of]; text != "" {
		return text
	}
	code, _ := strconv.Atoi(of)
	return words[code]
}
