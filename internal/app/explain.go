package app

import (
	"context"
	"errors"
	"fmt"

	"thimble"
	"thimble/internal/decision"
	"thimble/internal/decision/decisiondb"
	"thimble/internal/decision/decisionweb"
	"thimble/internal/gate"
	"thimble/internal/ledger"
)

// PeekDecision opens a decision for somebody of the staff, recorded like a read in the
// console, without believing what it says.
func (a *App) PeekDecision(ctx context.Context, staff string, d decisiondb.Sealed) (decision.Record, ledger.Opening, error) {
	if d.Subject.IsZero() {
		return decision.Record{}, ledger.Opening{}, fmt.Errorf("app: the decision concerns nobody, and no gate opens it yet; explain it from its receipt: %w", thimble.ErrInvalid)
	}
	g, err := a.Gate.Open(ctx, gate.Request{Actor: gate.Actor{Kind: gate.Staff, Name: staff}, Subject: d.Subject,
		Purpose: thimble.SupportOperations, Categories: []thimble.Category{thimble.AutomatedDecision}})
	if err != nil {
		return decision.Record{}, ledger.Opening{}, err
	}
	return decisiondb.Peek(ctx, g, d)
}

// DecisionWords are the words for what a record names.
func (a *App) DecisionWords(ctx context.Context, r decision.Record) (decision.Words, error) {
	return decisionweb.WordsOf(ctx, a.Catalog, r)
}

// CompareWithModel asks the model that decided for the same again, when it is still
// there. It returns "equal", or what differs, or that the model is gone.
func (a *App) CompareWithModel(ctx context.Context, r decision.Record) (string, error) {
	if _, ok := a.Shop.Version(); !ok {
		if err := a.Shop.Load(ctx); errors.Is(err, thimble.ErrNotFound) {
			return "gone: no model serves", nil
		} else if err != nil {
			return "", err
		}
	}
	same, known := a.Shop.Compare(r)
	switch {
	case !known:
		return fmt.Sprintf("gone: version %d of %s serves no more", r.Model.Version, r.Model.Name), nil
	case !same:
		return "differs: the model gives another score or other terms", nil
	}
	return "equal", nil
}
