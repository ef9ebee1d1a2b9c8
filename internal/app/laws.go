package app

import (
	"context"
	"time"

	"thimble"
	"thimble/internal/gate"
	"thimble/internal/policy"
	"thimble/internal/subject"
	"thimble/internal/subject/subjectdb"
	"thimble/internal/vault"
)

// laws choose the law of each person by evidenced residence. It is the gate's own
// look at where somebody lives, without which no verdict can be given.
type laws struct {
	regime *policy.Regime
	people *subjectdb.Store
	vault  *vault.Vault
}

var _ gate.Laws = laws{}

// Of implements gate.Laws. A person of several subjects is protected by the law of
// each of them.
func (l laws) Of(ctx context.Context, p subject.Person, at time.Time) (gate.Law, time.Time, error) {
	var lives []policy.Residence
	for _, m := range p.Members {
		home, err := l.home(ctx, m.ID)
		if err != nil {
			return nil, time.Time{}, err
		}
		if home.Place != "" {
			lives = append(lives, home)
		}
	}
	law, err := l.regime.Law(policy.Question{At: at, Residences: lives})
	if err != nil {
		return nil, time.Time{}, err
	}
	return law, l.regime.Library().Until(at), nil
}

// home is where a subject lives, by evidence; the zero value when that is not known.
func (l laws) home(ctx context.Context, who thimble.SubjectID) (policy.Residence, error) {
	sealed, err := l.people.Residence(ctx, who)
	if err != nil || sealed == nil {
		return policy.Residence{}, err
	}
	plain, err := l.vault.Open(ctx, subject.ResidenceCell(who), sealed)
	if err != nil {
		return policy.Residence{}, err
	}
	home, err := subject.ParseResidence(plain)
	if evidence := evidenceOf(home.Evidence); err == nil && evidence != "" && subject.IsCountry(home.Country) {
		return policy.Residence{Place: home.Country, Evidence: evidence}, nil
	}
	return policy.Residence{}, err
}

// evidenceOf says what kind of evidence a subject's residence has; "" for one that
// is none, with which the residence is unknown.
func evidenceOf(word string) policy.Evidence {
	switch word {
	case "order":
		return policy.Delivery
	case string(policy.Declared), string(policy.Delivery), string(policy.Store), string(policy.Payment):
		return policy.Evidence(word)
	}
	return ""
}
