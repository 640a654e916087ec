package support

import "github.com/otpipe/otpipe/internal/otp"

// allowed is the explanation, with what stands against its advice by now: a
// recipient's limits outlive the verification, and others have had a part in them.
func (f File) allowed() Explanation {
	x := f.Explanation
	if f.Status == otp.Locked && x.Mood == Bad || x.Mood == Good || x.Mood == Wait {
		return x // nothing is to be asked for
	}
	s := f.Newest()
	_, silenced := f.Allowance.Silenced[s.Channel]
	unsent := s.Status() == otp.SendSuppressed && f.Status != otp.Canceled && f.Status != otp.Locked
	if unsent && !silenced && !lifted(f.History) {
		x.What, x.Next = x.What+liftedSince, sentence(again(f.History))
	}
	if _, silenced := f.Allowance.Silenced[f.Own()]; silenced && !unsent {
		x.Next += " No " + messages(f.Own()) + " go there before the suppression is cleared."
	}
	x.Next += f.bar()
	return x
}

// bar is what keeps the recipient from another code now, "" if nothing does for
// longer than a person waits anyhow.
func (f File) bar() string {
	const until = " But they have had all of their codes for today and get another after "
	switch a := f.Allowance; {
	case !a.LockedUntil.IsZero():
		return " But they are locked until " + clock(a.LockedUntil) + " and get no code before, unless an operator unlocks."
	case f.Policy.Daily == 0: // the namespace is gone from the configuration
		return ""
	case a.Daily.Used >= f.Policy.Daily:
		return until + clock(a.Daily.ResetAt) + "."
	case a.AllDaily.Used >= f.Policy.AllDaily:
		return until + clock(a.AllDaily.ResetAt) + "."
	}
	return ""
}

const liftedSince = " Its suppression has been cleared since."

// lifted tells whether somebody has cleared the suppression that kept a send back,
// as far as its own journal knows.
func lifted(h otp.History) bool {
	newest := last(h, func(s otp.Step) bool {
		return s.Send == 0 && s.State == "unsuppressed" || s.Send == len(h.Sends) && s.State == "suppressed"
	})
	return newest.State == "unsuppressed"
}
