package decisiondb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"thimble"
	"thimble/internal/decision"
	"thimble/internal/ledger"
	"thimble/internal/sqldb"
)

// Reviewing is what reviews need beside the store.
type Reviewing struct {
	// Due says when a review is to be answered, and by which rule.
	Due func(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID, appeal bool, at time.Time) (time.Time, string, error)
	Now func() time.Time
	// Effects are what capabilities do when a review changes what counts, in its
	// transaction.
	Effects map[string]Effect
}

// An Effect is told what a review made of a decision.
type Effect func(ctx context.Context, tx *sqldb.Tx, d Sealed, now decision.Standing) error

// Reviews lets decisions be contested. It is called before the first use.
func (s *Store) Reviews(r Reviewing) { s.reviewing = r }

// A Wish is what a person says who contests a decision.
type Wish struct {
	Reason string
	Text   thimble.Personal[string]
}

// Contest opens a review of a decision, or the second one when the first is answered. The
// error is of kind ErrConflict while one is open, and after the second.
func (s *Store) Contest(ctx context.Context, d Sealed, w Wish) (c decision.Contest, err error) {
	text := w.Text.Reveal() // to seal it
	if err := decision.CheckWish(w.Reason, text); err != nil {
		return c, err
	}
	if s.reviewing.Due == nil {
		return c, fmt.Errorf("decision: nobody reviews decisions here: %w", thimble.ErrUnavailable)
	}
	if d.Subject.IsZero() {
		return c, fmt.Errorf("decision: it concerns nobody who could contest it: %w", thimble.ErrInvalid)
	}
	id, err := thimble.NewID(nil)
	if err != nil {
		return c, err
	}
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		if _, err := s.people.Alive(ctx, tx, d.Subject); err != nil {
			return err
		}
		before, err := contests(ctx, tx, `where decision_id = $1 order by appeal`, d.ID)
		if err != nil {
			return err
		}
		if n := len(before); n > 1 || n == 1 && before[0].State != decision.Answered {
			return fmt.Errorf("a review of it was asked for already: %w", thimble.ErrConflict)
		}
		var there int
		if err := tx.QueryRow(ctx, `select count(*) from decision_decisions where id = $1`, d.ID).Scan(&there); err != nil || there == 0 {
			return errors.Join(err, thimble.ErrNotFound)
		}
		c = decision.Contest{ID: id, Decision: d.ID, Subject: d.Subject, Appeal: len(before) == 1, OpenedAt: s.now(), State: decision.Open}
		if c.DueAt, c.Rule, err = s.reviewing.Due(ctx, tx, d.Subject, c.Appeal, c.OpenedAt); err != nil {
			return err
		}
		c.DueAt = c.DueAt.UTC().Truncate(time.Microsecond)
		_, err = tx.Exec(ctx, `insert into decision_contests (id, decision_id, subject_id, appeal, opened_at, due_at, rule, state, outcome, reviewer)
			values ($1, $2, $3, $4, $5, $6, $7, $8, '', '')`, id, d.ID, d.Subject, flag(c.Appeal), c.OpenedAt.UnixMicro(), c.DueAt.UnixMicro(), c.Rule, c.State)
		if err != nil {
			return err
		}
		return s.step(ctx, tx, c, decision.Step{Kind: decision.StepContested, At: c.OpenedAt, By: decision.ThePerson, Appeal: c.Appeal, Reason: w.Reason, Text: text, Due: c.DueAt, Rule: c.Rule})
	})
	return c, wrapped("contesting", d.ID, err)
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

func wrapped(what string, id thimble.ID, err error) error {
	if err != nil {
		return fmt.Errorf("decision: %s %s: %w", what, id.Token(decision.TokenPrefix), err)
	}
	return nil
}

func (s *Store) now() time.Time {
	if s.reviewing.Now == nil {
		return time.Now().UTC().Truncate(time.Microsecond)
	}
	return s.reviewing.Now().UTC().Truncate(time.Microsecond)
}

// step keeps a step with its leaf.
func (s *Store) step(ctx context.Context, tx *sqldb.Tx, c decision.Contest, step decision.Step) error {
	id, err := thimble.NewID(nil)
	if err != nil {
		return err
	}
	step.V, step.Contest, step.Decision = 1, c.ID.Token(decision.ContestPrefix), c.Decision.Token(decision.TokenPrefix)
	record, err := step.Marshal()
	if err != nil {
		return err
	}
	opening, err := s.ledger.Queue(ctx, tx, ledger.Entry{Class: ledger.Decision, At: step.At, Record: record})
	if err != nil {
		return err
	}
	body, err := opening.Seal(ctx, s.vault, stepCell(c.Subject, id))
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `insert into decision_steps (id, contest_id, subject_id, kind, at, body) values ($1, $2, $3, $4, $5, $6)`,
		id, c.ID, c.Subject, step.Kind, step.At.UnixMicro(), body)
	return err
}

func stepCell(s thimble.SubjectID, id thimble.ID) thimble.Cell {
	return thimble.Cell{Owner: s, Table: "decision_steps", Column: "body", Row: id[:], Category: thimble.AutomatedDecision}
}

const selectContest = `select id, decision_id, subject_id, appeal, opened_at, due_at, rule, state, outcome, reviewer from decision_contests `

func contests(ctx context.Context, tx *sqldb.Tx, where string, args ...any) ([]decision.Contest, error) {
	rows, err := tx.Query(ctx, selectContest+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []decision.Contest
	for rows.Next() {
		c, err := scanContest(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, rows.Err()
}

func scanContest(rows *sql.Rows) (c decision.Contest, err error) {
	var appeal, opened, due int64
	err = rows.Scan(&c.ID, &c.Decision, &c.Subject, &appeal, &opened, &due, &c.Rule, &c.State, &c.Outcome, &c.Reviewer)
	c.Appeal, c.OpenedAt, c.DueAt = appeal == 1, time.UnixMicro(opened).UTC(), time.UnixMicro(due).UTC()
	return c, err
}

func (s *Store) contests(ctx context.Context, where string, args ...any) (all []decision.Contest, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		all, err = contests(ctx, tx, where, args...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("decision: reading reviews: %w", err)
	}
	return all, nil
}

// Queue returns the reviews that wait for an answer, the one due first before the others.
func (s *Store) Queue(ctx context.Context, limit int) ([]decision.Contest, error) {
	return s.contests(ctx, `where state <> 'answered' order by due_at, id limit $1`, limit)
}

// Closed returns the reviews that were answered, the newest first.
func (s *Store) Closed(ctx context.Context, limit int) ([]decision.Contest, error) {
	return s.contests(ctx, `where state = 'answered' order by opened_at desc, id limit $1`, limit)
}

// ContestsOf returns the reviews of a decision, the first before the second.
func (s *Store) ContestsOf(ctx context.Context, d thimble.ID) ([]decision.Contest, error) {
	return s.contests(ctx, `where decision_id = $1 order by appeal`, d)
}

// ReviewOf returns one review.
func (s *Store) ReviewOf(ctx context.Context, id thimble.ID) (decision.Contest, error) {
	all, err := s.contests(ctx, `where id = $1`, id)
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("decision: the review %s: %w", id.Token(decision.ContestPrefix), thimble.ErrNotFound)
	}
	if err != nil {
		return decision.Contest{}, err
	}
	return all[0], nil
}

// Claim gives a review to somebody of the staff, who has seen the record: see
// [decision.Contest.MayReview] for who may.
func (s *Store) Claim(ctx context.Context, id thimble.ID, by string, r decision.Record) error {
	return s.change(ctx, id, by, r, func(_ *sqldb.Tx, c *decision.Contest) (decision.Step, error) {
		if c.State == decision.Claimed {
			return decision.Step{}, fmt.Errorf("decision: you have this review: %w", thimble.ErrConflict)
		}
		c.State, c.Reviewer = decision.Claimed, by
		return decision.Step{Kind: decision.StepClaimed}, nil
	})
}

// Release puts a review back for others.
func (s *Store) Release(ctx context.Context, id thimble.ID, by string, r decision.Record) error {
	return s.change(ctx, id, by, r, func(_ *sqldb.Tx, c *decision.Contest) (decision.Step, error) {
		if c.State != decision.Claimed {
			return decision.Step{}, fmt.Errorf("decision: nobody has this review: %w", thimble.ErrConflict)
		}
		c.State, c.Reviewer = decision.Open, ""
		return decision.Step{Kind: decision.StepReleased}, nil
	})
}

// Answer answers a review. Unless the decision is upheld it no longer counts, and its
// capability is told so in the same transaction.
func (s *Store) Answer(ctx context.Context, id thimble.ID, by string, r decision.Record, outcome decision.Standing, text thimble.Personal[string]) error {
	words := text.Reveal() // to seal it
	return s.change(ctx, id, by, r, func(tx *sqldb.Tx, c *decision.Contest) (decision.Step, error) {
		if err := c.CheckAnswer(by, outcome, words); err != nil {
			return decision.Step{}, err
		}
		c.State, c.Outcome = decision.Answered, outcome
		stands := c.Standing(outcome)
		if _, err := tx.Exec(ctx, `update decision_decisions set standing = $1 where id = $2`, stands, c.Decision); err != nil {
			return decision.Step{}, err
		}
		if effect := s.reviewing.Effects[r.Capability]; effect != nil && outcome != decision.Upheld {
			if err := effect(ctx, tx, Sealed{ID: c.Decision, Subject: c.Subject, Capability: r.Capability, At: r.At}, stands); err != nil {
				return decision.Step{}, err
			}
		}
		return decision.Step{Kind: decision.StepAnswered, Outcome: outcome, Text: words}, nil
	})
}

func (s *Store) change(ctx context.Context, id thimble.ID, by string, r decision.Record, f func(*sqldb.Tx, *decision.Contest) (decision.Step, error)) error {
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		all, err := contests(ctx, tx, `where id = $1`, id)
		if err != nil || len(all) == 0 {
			return errors.Join(err, thimble.ErrNotFound)
		}
		c := all[0]
		if _, err := s.people.Alive(ctx, tx, c.Subject); err != nil {
			return err
		}
		firsts, err := contests(ctx, tx, `where decision_id = $1 and appeal = 0`, c.Decision)
		if err != nil {
			return err
		}
		var first *decision.Contest
		if len(firsts) > 0 {
			first = &firsts[0]
		}
		if err := c.MayReview(by, r, first); err != nil {
			return err
		}
		step, err := f(tx, &c)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `update decision_contests set state = $1, outcome = $2, reviewer = $3 where id = $4`, c.State, c.Outcome, c.Reviewer, c.ID); err != nil {
			return err
		}
		step.At, step.By, step.Appeal = s.now(), by, c.Appeal
		return s.step(ctx, tx, c, step)
	})
	if err != nil {
		return fmt.Errorf("decision: reviewing %s: %w", id.Token(decision.ContestPrefix), err)
	}
	return nil
}

// Overturned reports whether a review found a decision of this model about a person
// wrong.
func (s *Store) Overturned(ctx context.Context, who thimble.SubjectID, capability string, model []byte) (yes bool, err error) {
	err = s.db.Ask(ctx, func(rows sqldb.Row) error {
		var n int
		err := rows.Scan(&n)
		yes = n > 0
		return err
	}, `select count(*) from decision_decisions where subject_id = $1 and capability = $2 and standing = 'overturned' and model = $3`, who, capability, model)
	if err != nil {
		err = fmt.Errorf("decision: asking what was overturned: %w", err)
	}
	return yes, err
}
