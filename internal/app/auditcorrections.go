package app

import (
	"context"
	"errors"
	"slices"

	"thimble"
	"thimble/internal/decision"
	"thimble/internal/decision/decisiondb"
	"thimble/internal/ledger"
	"thimble/internal/ledger/ledgerdb"
	"thimble/internal/rights"
)

// What the audit says of decisions that do not stand as the corrections' reports say.
const (
	standsStill = "a decision that wrong data fed counts still, after a correction that ended it"
	endedOther  = "decisions count no more because of a correction whose report has others"
	endedByNone = "a decision counts no more because of a request that did not end it"
)

// auditCorrections holds the decisions that count no more against the reports of the
// corrections, which are leaves: what a correction ended is ended still, and nothing else
// is. Decisions that expired since, or were erased, are missing from neither.
func (a *App) auditCorrections(ctx context.Context, done *ledgerdb.Audit) error {
	found := map[string]int{}
	causes, err := a.Decisions.Causes(ctx)
	if err != nil {
		return err
	}
	for after, more := (thimble.ID{}), true; more; {
		page, err := a.Requests.Corrected(ctx, after, 200)
		if err != nil {
			return err
		}
		more = len(page) == 200
		for _, r := range page {
			after = r.ID
			if r.Report.Decisions == nil {
				continue
			}
			causes = slices.DeleteFunc(causes, func(c string) bool { return c == r.ID.Token(rights.TokenPrefix) })
			done.Compared++
			if err := a.auditCorrection(ctx, r, found); err != nil {
				return err
			}
		}
	}
	for _, c := range causes {
		if ended, err := a.endsStill(ctx, c); err != nil {
			return err
		} else if !ended {
			found[endedByNone]++
		}
	}
	for _, rule := range []string{standsStill, endedOther, endedByNone} {
		if found[rule] > 0 {
			done.Findings = append(done.Findings, ledger.Finding{Table: "decision_decisions", Rule: rule, Rows: found[rule]})
		}
	}
	return nil
}

// endsStill reports whether a request is a correction that is under way.
func (a *App) endsStill(ctx context.Context, token string) (bool, error) {
	id, err := thimble.ParseID(rights.TokenPrefix, token)
	if err != nil {
		return false, nil // it is no request's
	}
	r, err := a.Requests.Get(ctx, id)
	if errors.Is(err, thimble.ErrNotFound) {
		return false, nil
	}
	return r.Kind == rights.Rectify && r.State == rights.Executing, err
}

func (a *App) auditCorrection(ctx context.Context, r rights.Request, found map[string]int) error {
	cause := r.ID.Token(rights.TokenPrefix)
	ended, err := a.Decisions.Ended(ctx, cause)
	if err != nil {
		return err
	}
	tokens := make([]string, 0, len(ended))
	for _, id := range ended {
		tokens = append(tokens, id.Token(decision.TokenPrefix))
	}
	said := r.Report.Decisions
	if len(tokens) > said.Fed || len(tokens) == said.Fed && hashOfAll(tokens) != said.SHA256 {
		found[endedOther]++
	}
	if r.Subject.IsZero() || r.Report.Until.IsZero() {
		return nil // of whom it was is not known any more
	}
	fed, err := a.Decisions.Fed(ctx, []thimble.SubjectID{r.Subject}, r.Report.Category, r.Report.Since, r.Report.Until, cause)
	if errors.Is(err, thimble.ErrNotFound) || errors.Is(err, thimble.ErrDenied) {
		return nil // they are being erased
	}
	found[standsStill] += len(slices.DeleteFunc(fed, func(f decisiondb.Fed) bool { return f.Standing != decision.Stands }))
	return err
}
