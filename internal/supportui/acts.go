package supportui

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/support"
)

var (
	actPage    = pageOf("act.html")
	revealPage = pageOf("reveal.html")
)

// action is something that may be done about a verification. It is asked for on
// a page of its own, which says what will happen and wants a reason.
type action struct {
	Path   string
	Name   string
	About  string
	Button string
	Danger bool
	Did    string
	least  otp.Role
	// may tells whether it is of use now; of is which channel or address it is about.
	may func(f support.File, of url.Values) bool
	do  func(ctx context.Context, s *support.Service, who otp.Staff, id otp.ID, of url.Values, reason string) error
}

// acts are all actions there are.
var acts = []action{
	{
		Path: "send", Name: "Send again", Button: "Send again", least: otp.Operator, Did: "The code is being sent again.",
		About: "The code goes to the same address once more. Cooldown and quotas hold as if the person had asked.",
		may: func(f support.File, _ url.Values) bool {
			_, silenced := f.Allowance.Silenced[f.Own()]
			return f.Sendable && !silenced
		},
		do: func(ctx context.Context, s *support.Service, who otp.Staff, id otp.ID, _ url.Values, reason string) error {
			return s.SendAgain(ctx, who, id, reason)
		},
	},
	{
		Path: "divert", Name: "Send to", Button: "Send there", least: otp.Operator, Did: "The code is being sent to the other address.",
		About: "The same code goes to another address that the product named when it asked for the code. That address's own limits hold.",
		may:   func(f support.File, of url.Values) bool { return named(f, of) },
		do: func(ctx context.Context, s *support.Service, who otp.Staff, id otp.ID, of url.Values, reason string) error {
			return s.Divert(ctx, who, id, otp.Channel(of.Get("channel")), of.Get("to"), reason)
		},
	},
	{
		Path: "unlock", Name: "Unlock", Button: "Unlock", least: otp.Operator, Did: "The lock, the wrong codes and the strikes are cleared.",
		About: "The person may try again in this namespace at once. Unlock only if you know who they are: a lock means that somebody guessed. Cooldown and quotas stay.",
		may:   func(f support.File, _ url.Values) bool { return !f.Allowance.LockedUntil.IsZero() },
		do: func(ctx context.Context, s *support.Service, who otp.Staff, id otp.ID, _ url.Values, reason string) error {
			_, err := s.Unlock(ctx, who, id, reason)
			return err
		},
	},
	{
		Path: "unsuppress", Name: "Clear suppression", Button: "Clear it", least: otp.Operator, Did: "Messages may go to this address again.",
		About: "A provider said that this address cannot be reached or opted out, so nothing is sent to it for 30 days. Clear this only if the person says that it is reachable again.",
		may: func(f support.File, of url.Values) bool {
			_, silenced := f.Allowance.Silenced[otp.Channel(of.Get("channel"))]
			return silenced
		},
		do: func(ctx context.Context, s *support.Service, who otp.Staff, id otp.ID, of url.Values, reason string) error {
			_, err := s.Unsuppress(ctx, who, id, otp.Channel(of.Get("channel")), reason)
			return err
		},
	},
	{
		Path: "cancel", Name: "Cancel", Button: "Make the code useless", Danger: true, least: otp.Operator, Did: "The code is useless now.",
		About: "The code can no longer be used, and what is not sent yet stays unsent.",
		may:   func(f support.File, _ url.Values) bool { return f.Status == otp.Pending },
		do: func(ctx context.Context, s *support.Service, who otp.Staff, id otp.ID, _ url.Values, reason string) error {
			return s.Cancel(ctx, who, id, reason)
		},
	},
	{
		Path: "reveal", Name: "Show address", Button: "Show it", least: otp.Admin,
		About: "Shows the address in full. That you saw it, and why, is kept.",
		may:   func(f support.File, _ url.Values) bool { return f.Whose != "" },
	},
}

func named(f support.File, of url.Values) bool {
	for _, to := range f.Elsewhere {
		if string(to.Channel) == of.Get("channel") && to.Masked == of.Get("to") {
			return true
		}
	}
	return false
}

// offer is an action that is of use now.
type offer struct {
	action
	Label string
	Of    url.Values // which channel or address it is about
}

// Href is the page that asks for it.
func (o offer) Href(id otp.ID) string {
	at := url.URL{Path: "/verifications/" + string(id) + "/" + o.Path, RawQuery: o.Of.Encode()}
	return at.String()
}

// offers are the actions that a person may take on a verification as it stands.
func offers(f support.File, who otp.Staff) (all []offer) {
	for _, a := range acts {
		if !who.Role.Includes(a.least) {
			continue
		}
		for _, o := range subjects(a, f) {
			if a.may(f, o.Of) {
				all = append(all, o)
			}
		}
	}
	return all
}

// subjects are the channels or addresses that an action can be about.
func subjects(a action, f support.File) (all []offer) {
	switch a.Path {
	case "divert":
		for _, to := range f.Elsewhere {
			all = append(all, offer{a, fmt.Sprintf("%s %s by %s", a.Name, to.Masked, channelText(to.Channel)), url.Values{"channel": {string(to.Channel)}, "to": {to.Masked}}})
		}
	case "unsuppress":
		for _, ch := range otp.Channels {
			all = append(all, offer{a, a.Name + " (" + channelText(ch) + ")", url.Values{"channel": {string(ch)}}})
		}
	default:
		all = append(all, offer{a, a.Name, nil})
	}
	return all
}

// asked is the page that asks for a reason.
type asked struct {
	offer
	File   support.File
	Reason string
	Wrong  string
}

func (u *UI) askToAct(a action) Page {
	return func(w http.ResponseWriter, r *http.Request, who otp.Staff) {
		u.showAct(w, r, who, a, http.StatusOK, "")
	}
}

// showAct asks for a reason, or says why it did not happen.
func (u *UI) showAct(w http.ResponseWriter, r *http.Request, who otp.Staff, a action, status int, wrong string) {
	f, ok := u.open(w, r, who)
	if !ok {
		return
	}
	of := about(r)
	for _, o := range offers(f.File, who) {
		if o.Path == a.Path && o.Of.Encode() == of.Encode() {
			u.show(w, r, status, actPage, View{Title: o.Label, Here: "search", Who: who, Page: asked{o, f.File, r.PostFormValue("reason"), wrong}})
			return
		}
	}
	if wrong == "" {
		wrong = "This is of no use any more: the verification has moved on."
	}
	u.refuse(w, r, who, http.StatusConflict, wrong)
}

// about is which channel or address a request is about.
func about(r *http.Request) url.Values {
	of := url.Values{}
	for _, name := range []string{"channel", "to"} {
		if v := r.URL.Query().Get(name); v != "" {
			of.Set(name, v)
		}
	}
	return of
}

// act does what was asked for and shows the verification again.
func (u *UI) act(a action) Page {
	return func(w http.ResponseWriter, r *http.Request, who otp.Staff) {
		id, err := otp.ParseID(r.PathValue("id"))
		if err != nil {
			u.fail(w, r, who, err)
			return
		}
		ctx, cancel := within(r)
		defer cancel()
		if a.Path == "reveal" {
			u.reveal(ctx, w, r, who, id)
			return
		}
		err = a.do(ctx, u.Support, who, id, about(r), r.PostFormValue("reason"))
		u.Log.InfoContext(ctx, "support act", "operation", a.Path, "outcome", outcome(err), "id", string(id), "actor", who.Name)
		if err != nil {
			u.actFailed(w, r, who, a, err)
			return
		}
		http.Redirect(w, r, "/verifications/"+string(id)+"?did="+a.Path, http.StatusSeeOther) //nolint:gosec // a page of ours: ParseID lets no other id through
	}
}

func (u *UI) reveal(ctx context.Context, w http.ResponseWriter, r *http.Request, who otp.Staff, id otp.ID) {
	address, err := u.Support.Reveal(ctx, who, id, r.PostFormValue("reason"))
	u.Log.InfoContext(ctx, "support act", "operation", "reveal", "outcome", outcome(err), "id", string(id), "actor", who.Name)
	if err != nil {
		u.actFailed(w, r, who, acts[len(acts)-1], err)
		return
	}
	u.show(w, r, http.StatusOK, revealPage, View{Title: "Address", Here: "search", Who: who, Page: struct {
		ID      otp.ID
		Address string
	}{id, address}})
}

// actFailed says why an action did not happen, on the page that asked for it.
func (u *UI) actFailed(w http.ResponseWriter, r *http.Request, who otp.Staff, a action, err error) {
	if wrong := refusalText(err); wrong != "" {
		u.showAct(w, r, who, a, http.StatusUnprocessableEntity, wrong)
		return
	}
	u.fail(w, r, who, err)
}

func refusalText(err error) string {
	if ie, bad := errors.AsType[*otp.InputError](err); bad {
		return "The reason: " + ie.Detail + "."
	}
	if le, limited := errors.AsType[*otp.LimitError](err); limited {
		return limitText(le)
	}
	switch {
	case errors.Is(err, otp.ErrFinished):
		return "Not done: the verification has ended in the meantime."
	case errors.Is(err, otp.ErrInFlight):
		return "Not done: the code is being handed to a provider at this moment. Try again in a few seconds."
	case errors.Is(err, support.ErrUnreachable):
		return "Not done: the address was sealed with a key that is no longer in the ring."
	}
	return ""
}

func limitText(e *otp.LimitError) string {
	wait := e.RetryAfter.Round(time.Second).String()
	switch e.Limit {
	case otp.LimitLock:
		return "Not sent: the recipient is locked for another " + wait + ". Unlock first."
	case otp.LimitCooldown:
		return "Not sent: the last code is too fresh. It may be sent again in " + wait + "."
	case otp.LimitRate:
		return "Not sent: there were too many of this kind (" + e.Bucket + "). It may be sent again in " + wait + "."
	case otp.LimitDaily:
		return "Not sent: this recipient has had all codes of the day. The quota is full again in " + wait + "."
	}
	return "Not sent: this verification has had all of its sends. Ask the person to request a new code."
}

func outcome(err error) string {
	switch {
	case err == nil:
		return "done"
	case refusalText(err) != "", errors.Is(err, otp.ErrNotFound), errors.Is(err, support.ErrRole):
		return "refused"
	}
	return "error"
}

// didText says what an action has done, after the redirect from it.
func didText(path string) string {
	for _, a := range acts {
		if a.Path == path {
			return a.Did
		}
	}
	return ""
}

func channelText(ch otp.Channel) string {
	if ch == otp.SMS {
		return "text"
	}
	return "e-mail"
}
