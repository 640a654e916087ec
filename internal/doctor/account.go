package doctor

import (
	"context"

	"github.com/otpipe/otpipe/internal/otp"
)

// Account greets a provider: it tells whether our credentials are good, and sends
// nothing. secrets names the settings that hold them.
func Account(p otp.Provider, settings string) Check {
	return Check{About: "provider " + p.Name(), Look: func(ctx context.Context) []Finding {
		greeter, ok := p.(otp.Greeter)
		if !ok {
			return nil
		}
		note, err := greeter.Greet(ctx)
		switch {
		case err != nil:
			return []Finding{refused(otp.AsFault(p.Name(), err), settings)}
		case note != "":
			return []Finding{{Grade: Warn, Says: note}}
		}
		return []Finding{{Grade: OK, Says: "lets us in"}}
	}}
}

// refused is what to do about a fault.
func refused(f *otp.Fault, settings string) Finding {
	out := Finding{Grade: Fail, Says: "does not let us in: " + f.Code, Do: "see that " + settings + " are right, and what the vendor says of the account"}
	switch f.Class {
	case otp.FaultProvider, otp.FaultUnknown:
		out.Says, out.Do = "does not answer: "+f.Code, "see whether it can be reached from this host, and what the vendor's status page says"
	case otp.FaultThrottled:
		out.Grade, out.Says, out.Do = Warn, "is busy: "+f.Code, "try again in a minute"
	case otp.FaultUs, otp.FaultRecipient:
	}
	return out
}
