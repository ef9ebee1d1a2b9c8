package app

import (
	"context"
	"time"

	"thimble"
	"thimble/internal/gate"
	"thimble/internal/policy"
	"thimble/internal/sqldb"
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
	sealed := make(map[thimble.SubjectID][]byte, len(p.Members))
	for _, m := range p.Members {
		var err error
		if sealed[m.ID], err = l.people.Residence(ctx, m.ID); err != nil {
			return nil, time.Time{}, err
		}
	}
	law, err := l.law(ctx, sealed, at)
	if err != nil {
		return nil, time.Time{}, err
	}
	return law, l.regime.Library().Until(at), nil
}

// law is the law of the places where a person's subjects live.
func (l laws) law(ctx context.Context, sealed map[thimble.SubjectID][]byte, at time.Time) (*policy.Law, error) {
	var lives []policy.Residence
	for who, s := range sealed {
		home, err := l.home(ctx, who, s)
		if err != nil {
			return nil, err
		}
		if home.Place != "" {
			lives = append(lives, home)
		}
	}
	return l.regime.Law(policy.Question{At: at, Residences: lives})
}

// inTx is the law of somebody who chooses, in the transaction of the choice.
func (l laws) inTx(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID, at time.Time) (*policy.Law, error) {
	sealed, err := l.people.ResidencesTx(ctx, tx, who)
	if err != nil {
		return nil, err
	}
	return l.law(ctx, sealed, at)
}

// home is where a subject lives, by evidence; the zero value when that is not known.
func (l laws) home(ctx context.Context, who thimble.SubjectID, sealed []byte) (policy.Residence, error) {
	if sealed == nil {
		return policy.Residence{}, nil
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
