package verify

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/otpipe/otpipe/internal/otp"
)

// elsewhere reads the other addresses that the code of a request may go to. A
// code that proves control of an address goes nowhere else: sent to B it must
// not prove A.
func (s *Service) elsewhere(r StartRequest, p otp.Policy, to otp.Recipient) ([]otp.Recipient, error) {
	switch {
	case len(r.Fallbacks) == 0:
		return nil, nil
	case r.Namespace.ProvesAddress():
		return nil, &otp.InputError{Field: "fallback", Detail: "this namespace proves control of the address in to: its codes go nowhere else", Err: otp.ErrInvalid}
	case len(r.Fallbacks) > MaxFallbacks:
		return nil, &otp.InputError{Field: "fallback", Detail: fmt.Sprintf("want at most %d other addresses", MaxFallbacks), Err: otp.ErrInvalid}
	}
	all := []otp.Recipient{to}
	for i, f := range r.Fallbacks {
		other, err := s.other(r.Namespace, f, p, "fallback/"+strconv.Itoa(i))
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(all, other.Equal) {
			return nil, &otp.InputError{Field: "fallback/" + strconv.Itoa(i) + "/to", Detail: "want an address that is not named already", Err: otp.ErrInvalid}
		}
		all = append(all, other)
	}
	return all[1:], nil
}

// other reads one of them; field is its place in the request.
func (s *Service) other(ns otp.Namespace, f Fallback, p otp.Policy, field string) (otp.Recipient, error) {
	if f.Channel == "" {
		f.Channel = channelOf(f.To)
	}
	if !p.Allows(f.Channel) {
		return otp.Recipient{}, &otp.InputError{Field: field + "/channel", Detail: fmt.Sprintf("this namespace sends by %v only", p.Channels), Err: otp.ErrChannelNotAllowed}
	}
	to, err := s.Addresses(f.Channel, f.To)
	if ie, bad := errors.AsType[*otp.InputError](err); bad {
		return to, &otp.InputError{Field: field + "/" + ie.Field, Detail: ie.Detail, Err: ie.Err}
	}
	if err != nil {
		return to, err
	}
	return to, destination(ns, p, to, s.Place(to), field+"/to")
}

// sealFallbacks writes their letters. What only the first channel's message has
// is left out.
func (s *Service) sealFallbacks(r StartRequest, owner otp.Owner, elsewhere []otp.Recipient) (all []otp.Fallback, err error) {
	for _, to := range elsewhere {
		declared := s.Templates.Declares(r.Namespace, to.Channel())
		params := maps.Clone(r.Params)
		maps.DeleteFunc(params, func(name, _ string) bool { return !slices.Contains(declared, name) })
		letter, err := s.Keys.SealLetter(owner, otp.Letter{To: to, Locale: r.Locale, Params: params, Decoy: r.Decoy})
		if err != nil {
			return nil, err
		}
		all = append(all, otp.Fallback{Channel: to.Channel(), Masked: to.Masked(), Letter: letter})
	}
	return all, nil
}
