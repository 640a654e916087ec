package support

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/otpipe/otpipe/internal/otp"
)

// Place is what a search leads to: one verification, authenticator app or recipient. It holds
// no address, so it may stand in an URL.
type Place struct {
	ID     otp.ID
	Factor otp.FactorID
	Whose  Whose
}

// Whose names a recipient by fingerprints, under every live key.
type Whose string

var whoseForm = regexp.MustCompile(`^[0-9a-f]{2}(\.[A-Za-z0-9_-]{22}){1,16}$`)

// ParseWhose accepts what Search makes. The error is otp.ErrNotFound.
func ParseWhose(s string) (Whose, error) {
	if !whoseForm.MatchString(s) {
		return "", otp.ErrNotFound
	}
	return Whose(s), nil
}

func whoseOf(o otp.Owner) Whose {
	parts := []string{o.Partition.String()}
	for _, fp := range o.Identity {
		parts = append(parts, string(fp))
	}
	return Whose(strings.Join(parts, "."))
}

func (w Whose) owner() otp.Owner {
	parts := strings.Split(string(w), ".")
	p, _ := strconv.ParseUint(parts[0], 16, 8) // its form was looked at
	o := otp.Owner{Partition: otp.Partition(p)}
	for _, fp := range parts[1:] {
		o.Identity = append(o.Identity, otp.Fingerprint(fp))
	}
	return o
}

// Search finds the place of what somebody typed: the id of a verification or an app,
// a phone number or an e-mail address; of the last two it is written down who searches for whom.
// Its error is an *otp.InputError that says what to write instead, or the store's.
func (s *Service) Search(ctx context.Context, who otp.Staff, text string) (Place, error) {
	text = strings.TrimSpace(text)
	if id, err := otp.ParseID(text); err == nil {
		return Place{ID: id}, nil
	}
	if id, err := otp.ParseFactorID(text); err == nil {
		return Place{Factor: id}, nil
	}
	to, err := s.Addresses(text)
	if err != nil {
		return Place{}, err
	}
	owner := s.Keys.Owner("", to, "", s.Partitions)
	if err := s.Acts.Tell(ctx, owner.Partition, "type", "staff.searched", "actor", who.Name, "an", string(owner.Anchor), "to", to.Masked()); err != nil {
		return Place{}, fmt.Errorf("write down who searches: %w", err)
	}
	return Place{Whose: whoseOf(owner)}, nil
}

// Found is a verification in a list.
type Found struct {
	otp.History
	Explanation Explanation
}

// Recent are a recipient's verifications that the person may know of, the newest
// first, at most 50.
func (s *Service) Recent(ctx context.Context, who otp.Staff, w Whose) (all []Found, err error) {
	mentioned, err := s.Journal.Recent(ctx, w.owner())
	if err != nil {
		return nil, fmt.Errorf("find verifications: %w", err)
	}
	var ids []otp.ID
	for _, m := range mentioned {
		if who.May(m.Namespace) {
			ids = append(ids, m.ID)
		}
	}
	kept, err := s.Journal.Histories(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("find verifications: %w", err)
	}
	for _, h := range kept {
		all = append(all, Found{h, s.Explainer.Explain(h, h.Now)})
	}
	return all, nil
}
