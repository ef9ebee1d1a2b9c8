package decisiondb

import (
	"context"
	"fmt"
	"iter"
	"time"

	"thimble"
	"thimble/internal/decision"
	"thimble/internal/ledger"
	"thimble/internal/sqldb"
)

// A SealedStep says what is known of a step without a grant.
type SealedStep struct {
	ID      thimble.ID
	Contest thimble.ID
	Subject thimble.SubjectID
	Kind    string
	At      time.Time

	body []byte
}

// Steps returns the steps of a review, the first before the others.
func (s *Store) Steps(ctx context.Context, contest thimble.ID) ([]SealedStep, error) {
	return s.steps(ctx, `where contest_id = $1 order by at, id`, contest)
}

// StepsOf returns the newest steps of a person's reviews.
func (s *Store) StepsOf(ctx context.Context, who thimble.SubjectID, limit int) ([]SealedStep, error) {
	return s.steps(ctx, `where subject_id = $1 order by at desc, id limit $2`, who, limit)
}

// StepOf returns one step.
func (s *Store) StepOf(ctx context.Context, id thimble.ID) (SealedStep, error) {
	all, err := s.steps(ctx, `where id = $1`, id)
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("decision: the step %s: %w", id.Token(decision.StepPrefix), thimble.ErrNotFound)
	}
	if err != nil {
		return SealedStep{}, err
	}
	return all[0], nil
}

func (s *Store) steps(ctx context.Context, where string, args ...any) (all []SealedStep, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, `select id, contest_id, subject_id, kind, at, body from decision_steps `+where, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var step SealedStep
			var at int64
			if err := rows.Scan(&step.ID, &step.Contest, &step.Subject, &step.Kind, &at, &step.body); err != nil {
				return err
			}
			step.At = time.UnixMicro(at).UTC()
			all = append(all, step)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("decision: reading steps: %w", err)
	}
	return all, nil
}

// OpenStep opens a step with what opens its leaf.
func OpenStep(ctx context.Context, g thimble.Grant, s SealedStep) (decision.Step, ledger.Opening, error) {
	return openStep(ctx, g, s)
}

func openStep(ctx context.Context, o ledger.Opener, s SealedStep) (decision.Step, ledger.Opening, error) {
	opening, err := ledger.Unseal(ctx, o, stepCell(s.Subject, s.ID), s.body)
	if err != nil {
		return decision.Step{}, ledger.Opening{}, fmt.Errorf("decision: opening the step %s: %w", s.ID.Token(decision.StepPrefix), err)
	}
	step, err := decision.UnmarshalStep(opening.Record)
	return step, opening, err
}

// exportSteps yields a person's steps.
func (s *Store) exportSteps(ctx context.Context, who thimble.SubjectID) iter.Seq2[thimble.Datum, error] {
	return func(yield func(thimble.Datum, error) bool) {
		all, err := s.steps(ctx, `where subject_id = $1 order by at, id`, who)
		for _, sealed := range all {
			step, _, openErr := openStep(ctx, s.vault, sealed)
			if openErr != nil {
				err = openErr
				break
			}
			if !yield(thimble.Datum{Holder: s.HolderName(), Category: thimble.AutomatedDecision, Name: sealed.ID.Token(decision.StepPrefix), Value: step, At: sealed.At}, nil) {
				return
			}
		}
		if err != nil {
			yield(thimble.Datum{}, fmt.Errorf("decision: exporting a person: %w", err))
		}
	}
}

// stepClaims holds each step against its leaf, and what the tables say of the review
// against the steps.
func (s *Store) stepClaims(ctx context.Context, yield func(ledger.Claim, error) bool) bool {
	after := thimble.ID{}
	for {
		page, err := s.steps(ctx, `where id > $1 order by id limit $2`, after[:], claimsPage)
		if err != nil {
			return yield(ledger.Claim{}, err)
		}
		for _, sealed := range page {
			after = sealed.ID
			c, err := s.stepClaim(ctx, sealed)
			if !yield(c, err) {
				return false
			}
		}
		if len(page) < claimsPage {
			return true
		}
	}
}

func (s *Store) stepClaim(ctx context.Context, sealed SealedStep) (ledger.Claim, error) {
	claim := ledger.Claim{Table: "decision_steps", Class: ledger.Decision, Subject: sealed.Subject}
	step, opening, err := openStep(ctx, s.vault, sealed)
	claim.Opening, claim.Err = opening, err
	if err != nil {
		return claim, nil
	}
	all, err := s.contests(ctx, `where id = $1`, sealed.Contest)
	if err != nil {
		return claim, err
	}
	agree := len(all) == 1 && all[0].ID.Token(decision.ContestPrefix) == step.Contest && all[0].Decision.Token(decision.TokenPrefix) == step.Decision &&
		all[0].Subject == sealed.Subject && step.Kind == sealed.Kind && step.At.Equal(sealed.At) && all[0].Appeal == step.Appeal
	switch {
	case agree && step.Kind == decision.StepContested:
		agree = step.Due.Equal(all[0].DueAt) && step.Rule == all[0].Rule && step.At.Equal(all[0].OpenedAt)
	case agree && step.Kind == decision.StepAnswered:
		agree = all[0].State == decision.Answered && all[0].Outcome == step.Outcome && all[0].Reviewer == step.By
	}
	claim.Rule = ledger.RuleIf(agree)
	return claim, nil
}
