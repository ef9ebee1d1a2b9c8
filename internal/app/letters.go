package app

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"thimble"
	"thimble/internal/disclose"
	"thimble/internal/gate"
	"thimble/internal/portal"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/letters"
	"thimble/internal/rights/lettersdb"
	"thimble/internal/sqldb"
	"thimble/internal/subject"
	"thimble/internal/subject/subjectdb"
)

// WriteLetters writes the letters about requests that are owed, and notes what became of
// those that were.
func (a *App) WriteLetters(ctx context.Context) error {
	return lettersdb.Runner{Store: a.Letters, Cases: a.Cases, Outbox: a.Disclose, Addresses: a.addresses, Members: a.Subjects.Members, Facts: a.letterFacts(),
		Guardians: a.guardians}.Run(ctx)
}

// letterFacts are what letters say of the shop.
func (a *App) letterFacts() letters.Facts {
	return letters.Facts{Shop: cmp.Or(a.Config.ControllerName, "The shop"), Contact: a.Config.ControllerContact, Centre: a.Config.BaseURL() + portal.Root}
}

// guardians are those who answer for somebody now: nobody does for whoever is known to be
// grown up.
func (a *App) guardians(ctx context.Context, child thimble.SubjectID) (all []thimble.SubjectID, err error) {
	err = a.Core.Read(ctx, func(tx *sqldb.Tx) error {
		all, err = a.guardiansTx(ctx, tx, child)
		return err
	})
	return all, err
}

func (a *App) guardiansTx(ctx context.Context, tx *sqldb.Tx, child thimble.SubjectID) ([]thimble.SubjectID, error) {
	person, err := a.Subjects.PersonTx(ctx, tx, child)
	if errors.Is(err, thimble.ErrNotFound) {
		return nil, nil // erased
	}
	if err != nil {
		return nil, err
	}
	age, err := a.age(ctx, tx, child)
	if err != nil || age.Adult {
		return nil, err
	}
	return a.Subjects.GuardiansTx(ctx, tx, person.IDs()...)
}

// addresses opens the e-mail addresses of a person through the gate, the oldest first, to
// write to them about a request.
func (a *App) addresses(ctx context.Context, who thimble.SubjectID) (thimble.Grant, []thimble.Personal[string], error) {
	g, err := a.Gate.Open(ctx, gate.Request{
		Actor: gate.Actor{Kind: gate.Machine, Name: "letters"}, Subject: who, Purpose: thimble.LegalObligation,
		Categories: []thimble.Category{subject.Email.Category(), thimble.PrivacyPreferences},
	})
	if err != nil {
		return nil, nil, err
	}
	var held []subjectdb.SealedIdentifier
	for _, m := range g.Members() {
		all, err := a.Subjects.Identifiers(ctx, m)
		if err != nil {
			return nil, nil, err
		}
		held = append(held, all...)
	}
	held = slices.DeleteFunc(held, func(i subjectdb.SealedIdentifier) bool { return i.Kind != subject.Email })
	slices.SortStableFunc(held, func(a, b subjectdb.SealedIdentifier) int { return a.CreatedAt.Compare(b.CreatedAt) })
	var all []thimble.Personal[string]
	for _, i := range held {
		plain, err := g.Open(ctx, i.Cell, i.Sealed)
		if err != nil {
			return nil, nil, err
		}
		all = append(all, thimble.Hide(string(plain)))
	}
	return g, all, nil
}

// lastLetter writes to somebody in the transaction that begins to erase them, and to who
// answers for them.
func (a *App) lastLetter(ctx context.Context, tx *sqldb.Tx, c cases.Case, e cases.Event) (queued []thimble.ID, why letters.Why, err error) {
	person, err := a.Subjects.PersonTx(ctx, tx, c.Subject)
	if err != nil {
		return nil, "", err
	}
	answer, err := a.guardiansTx(ctx, tx, c.Subject)
	if err != nil {
		return nil, "", err
	}
	f := a.letterFacts()
	f.Case, f.Step, f.Guarded = c, cases.StepOf(c, e), len(answer) > 0
	readers := [][]thimble.SubjectID{person.IDs()}
	for _, g := range answer {
		who, err := a.Subjects.PersonTx(ctx, tx, g)
		if errors.Is(err, thimble.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, "", err
		}
		readers = append(readers, who.IDs())
	}
	for i, ids := range readers {
		f.Guardian = i > 0
		some, why, err := a.lastLetterTo(ctx, tx, letters.Write(letters.Farewell, f), ids)
		queued = append(queued, some...)
		switch {
		case f.Guardian && (errors.Is(err, thimble.ErrNotFound) || errors.Is(err, thimble.ErrDenied)):
			continue // who is gone keeps nobody from being forgotten
		case err != nil:
			return nil, "", err
		case why != "" && why != letters.NoAddress && len(queued) == 0:
			return nil, why, nil
		}
	}
	if len(queued) == 0 {
		return nil, letters.NoAddress, nil
	}
	return queued, "", nil
}

func (a *App) lastLetterTo(ctx context.Context, tx *sqldb.Tx, text letters.Text, ids []thimble.SubjectID) (queued []thimble.ID, why letters.Why, err error) {
	held, err := a.Subjects.IdentifiersTx(ctx, tx, ids...)
	if err != nil {
		return nil, "", err
	}
	held = slices.DeleteFunc(held, func(i subject.Identifier) bool { return i.Kind != subject.Email })
	if len(held) == 0 {
		return nil, letters.NoAddress, nil
	}
	for _, i := range held[:min(len(held), letters.MostAddresses)] {
		id, err := a.Disclose.LastLetterTx(ctx, tx, disclose.Letter{Address: i.Value, Subject: text.Subject, Text: text.Body})
		if why := noLetter(err); why != "" {
			return queued, why, nil // nobody waits for a letter to be forgotten
		}
		if err != nil {
			return nil, "", err
		}
		queued = append(queued, id)
	}
	return queued, "", nil
}

// noLetter says why no letter can be written, when that is no failure: there is no mail
// server, or nothing is agreed with it.
func noLetter(err error) letters.Why {
	refused, ok := errors.AsType[*disclose.Refused](err)
	switch {
	case ok:
		return letters.Why(strings.ReplaceAll(string(refused.Why), " ", "-"))
	case errors.Is(err, thimble.ErrUnavailable):
		return letters.NoServer
	}
	return ""
}
