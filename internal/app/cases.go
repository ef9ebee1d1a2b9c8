package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"thimble"
	"thimble/internal/decision"
	"thimble/internal/policy"
	"thimble/internal/policy/calendar"
	"thimble/internal/rights"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/casesdb"
	"thimble/internal/rights/lettersdb"
	"thimble/internal/sqldb"
	"thimble/internal/subject"
)

// generalLaw is the pack whose month counts where no other law sets a date.
const generalLaw = "eu.gdpr"

// openCases opens what keeps requests as people see them.
func (a *App) openCases(now func() time.Time) {
	a.Letters = lettersdb.New(a.Core, now, a.lastLetter)
	a.Cases = casesdb.New(a.Core, casesdb.Parts{Ledger: a.Ledger, Vault: a.Vault, Subjects: a.Subjects, Requests: a.Requests, Systems: a.Systems, Letters: a.Letters}, casesdb.Config{
		Now: now, Dates: a.caseDates, Confirms: a.caseReceipt, Proves: a.provesCase,
		Mailed: func(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID) (time.Time, error) {
			return a.Subjects.AddedTx(ctx, tx, who, subject.Email)
		},
	})
	a.Systems.Report(a.Cases)
}

// caseDates are the dates by the law of somebody at an instant; of nobody, by the strict
// one, for which nothing is looked up.
func (a *App) caseDates(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID, at time.Time) (cases.Dates, error) {
	law, err := a.lawAt(ctx, tx, who, at)
	if err != nil {
		return nil, err
	}
	general, err := a.Laws.Regime().Library().Pack(generalLaw)
	if err != nil {
		return nil, fmt.Errorf("app: the dates of a request: %w", err)
	}
	return cases.Deadlines(law, policy.LawOf(calendar.On(at, time.UTC), general)), nil
}

// lawAt is the law of somebody at an instant; of nobody, the strict one.
func (a *App) lawAt(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID, at time.Time) (*policy.Law, error) {
	where := laws{regime: a.Laws.Regime(), people: a.Subjects, vault: a.Vault}
	if who.IsZero() {
		return where.regime.Law(policy.Question{At: at})
	}
	return where.inTx(ctx, tx, who, at)
}

// caseReceipt says by when somebody is to be told that a request came.
func (a *App) caseReceipt(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID, k cases.Kind, at time.Time) (cases.Receipt, error) {
	law, err := a.lawAt(ctx, tx, who, at)
	if err != nil {
		return cases.Receipt{}, err
	}
	return cases.Confirms(law, k, at)
}

// provesCase holds a review or a decision that is said to fulfil a case against its
// record.
func (a *App) provesCase(ctx context.Context, verb cases.Verb, members []thimble.SubjectID, ref string) error {
	wrong := fmt.Errorf("app: that is no answered review and no decision about the person: %w", thimble.ErrInvalid)
	if verb == cases.Reviewed {
		id, err := thimble.ParseID(decision.ContestPrefix, ref)
		if err != nil {
			return wrong
		}
		c, err := a.Decisions.ReviewOf(ctx, id)
		if errors.Is(err, thimble.ErrNotFound) || err == nil && (c.State != decision.Answered || !slices.Contains(members, c.Subject)) {
			return wrong
		}
		return err
	}
	id, err := thimble.ParseID(decision.TokenPrefix, ref)
	if err != nil {
		return wrong
	}
	d, err := a.Decisions.Get(ctx, id)
	if errors.Is(err, thimble.ErrNotFound) || err == nil && !slices.Contains(members, d.Subject) {
		return wrong
	}
	return err
}

// beginCase begins what a case asks for, has the desk do it at once, and closes the case
// when that is done.
func (a *App) beginCase(ctx context.Context, id thimble.ID, by, staff string) (cases.Case, error) {
	c, err := a.Cases.Accept(ctx, id, by, staff)
	if err != nil {
		return c, err
	}
	return a.takeCase(ctx, c)
}

// takeCase has the desk do at once what a case has begun, if anything, and closes the case
// when that is done.
func (a *App) takeCase(ctx context.Context, c cases.Case) (cases.Case, error) {
	if len(c.Work) == 0 {
		return c, nil
	}
	ids := make([]thimble.ID, 0, len(c.Work))
	for _, w := range c.Work {
		id, err := thimble.ParseID(rights.TokenPrefix, w.Ref)
		if err != nil {
			return c, err
		}
		ids = append(ids, id)
	}
	ctx = context.WithoutCancel(ctx) // a closed window does not stop it half-way
	if err := a.Desk.Take(ctx, ids...); err != nil {
		return c, err
	}
	return a.Cases.Finish(ctx, c)
}

// serveCases begins what waits, has the desk do what is open, and closes what is done.
func (a *App) serveCases(ctx context.Context) error {
	_, err := a.Cases.Settle(ctx)
	_, begunErr := a.Verbs.Begin(ctx)
	_, deskErr := a.Desk.Retry(ctx)
	_, again := a.Cases.Settle(ctx)
	_, followErr := a.OpenDSR.Follow(ctx)
	return errors.Join(err, begunErr, deskErr, again, followErr, a.LimitCases(ctx), a.TellAgents(ctx), a.WriteLetters(ctx))
}
