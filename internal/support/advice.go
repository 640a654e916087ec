package support

import "github.com/otpipe/otpipe/internal/otp"

const requestNew = "Ask the person to request a new code."

// cure is what helps where a send came to nothing, by whose fault it was.
func (e Explainer) cure(h otp.History, s otp.SendRecord, f otp.Step) string {
	switch e.blame(f) {
	case otp.FaultUs:
		return "Tell an operator: the fault is on our side. Offer another way until it is mended."
	case otp.FaultProvider, otp.FaultThrottled, otp.FaultUnknown:
		if s.Status() == otp.Failed {
			return "Tell an operator: the overview shows the providers. Then " + again(h) + "."
		}
		return look(s.Channel) + ", then " + again(h) + ". If that fails too, offer " + other(s.Channel) + "."
	}
	return offer(s.Channel)
}

// blame says at whose door a fault lies.
func (e Explainer) blame(f otp.Step) otp.Class {
	switch {
	case f.Provider == "":
		return otp.FaultUs
	case e.Blame == nil:
		return ""
	}
	return e.Blame(f.Reason)
}

// again is how the person gets another message.
func again(h otp.History) string {
	switch {
	case h.Status != otp.Pending:
		return "ask the person to request a new code"
	case h.SendsLeft() == 0:
		return "ask the person to request a new code after " + clock(h.ExpiresAt) + ", as this one has had all of its sends"
	}
	return "send again"
}

// offer is what helps when a channel does not.
func offer(ch otp.Channel) string {
	if ch == otp.SMS {
		return "Check the number with the person; if it is right, offer " + other(ch) + "."
	}
	return "Check the address with the person; if it is right, offer " + other(ch) + "."
}

func other(ch otp.Channel) string {
	if ch == otp.SMS {
		return "e-mail or another number"
	}
	return "another address or a text"
}

// look is what the person may find out.
func look(ch otp.Channel) string {
	if ch == otp.SMS {
		return "Ask whether the phone has signal and the number is right"
	}
	return "Ask whether the address is right and the spam folder was looked into"
}
