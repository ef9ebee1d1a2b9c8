package casesdb

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/rights/cases"
	"thimble/internal/sqldb"
)

func (s *Store) insert(ctx context.Context, tx *sqldb.Tx, c cases.Case) error {
	facts, err := json.Marshal(c.Facts)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `insert into cases_requests (id, subject_id, kind, state, via, at, due_at, closed_at, staff, refuser, steps, facts, ack_by, ack_at, ack_rule, limited)
		values ($1, $2, $3, $4, $5, $6, $7, null, '', '', $8, $9, $10, $11, $12, $13)`,
		c.ID, someone(c.Subject), string(c.Kind), string(c.State), string(c.Via), c.At.UnixMicro(), c.Due.UnixMicro(), c.Steps, string(facts),
		instant(c.Receipt.By), instant(c.Receipt.At), c.Receipt.Rule, int64(c.Limited))
	return err
}

// instant is one in a column that is null for none.
func instant(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

// Confirmed notes that who asked was told that their request came, unless that was noted
// before: the first time counts.
func (s *Store) Confirmed(ctx context.Context, id thimble.ID, at time.Time) error {
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error { return confirmed(ctx, tx, id, at) })
	if err != nil {
		return fmt.Errorf("cases: noting that %s was confirmed: %w", id.Token(cases.TokenPrefix), err)
	}
	return nil
}

func confirmed(ctx context.Context, tx *sqldb.Tx, id thimble.ID, at time.Time) error {
	_, err := tx.Exec(ctx, `update cases_requests set ack_at = $2 where id = $1 and ack_at is null`, id, at.UnixMicro())
	return err
}

// unconfirmed is what [cases.Case.Unconfirmed] says of an open case at an instant, $1.
const unconfirmed = `(ack_at is null and ack_by <= $1 and not (subject_id is null and via = 'system'))`

// Unconfirmed returns the open cases of which a law has somebody told by now that they came,
// and nobody has, the one that waits the longest first.
func (s *Store) Unconfirmed(ctx context.Context, limit int) ([]cases.Case, error) {
	return s.list(ctx, `where ack_by is not null and ack_at is null and closed_at is null and `+unconfirmed+` order by ack_by, id limit $2`, s.cfg.Now().UnixMicro(), limit)
}

// someone is a subject in a column that is null for nobody.
func someone(who thimble.SubjectID) any {
	if who.IsZero() {
		return nil
	}
	return who[:]
}

func (s *Store) update(ctx context.Context, tx *sqldb.Tx, c cases.Case) error {
	facts, err := json.Marshal(c.Facts)
	if err != nil {
		return err
	}
	var closed any
	if !c.Closed.IsZero() {
		closed = c.Closed.UnixMicro()
	}
	n, err := tx.Exec(ctx, `update cases_requests set state = $1, due_at = $2, closed_at = $3, staff = $4, refuser = $5, steps = $6, facts = $7
		where id = $8 and steps = $9`, string(c.State), c.Due.UnixMicro(), closed, c.Staff, c.Refuser, c.Steps, string(facts), c.ID, c.Steps-1)
	if err == nil && n == 0 {
		err = fmt.Errorf("something else happened to it meanwhile: %w", thimble.ErrConflict)
	}
	return err
}

const columns = `select id, subject_id, kind, state, via, at, due_at, coalesce(closed_at, 0), staff, refuser, steps, facts,
	coalesce(ack_by, 0), coalesce(ack_at, 0), ack_rule, limited from cases_requests `

func list(ctx context.Context, tx *sqldb.Tx, where string, args ...any) (all []cases.Case, err error) {
	rows, err := tx.Query(ctx, columns+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		c, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, rows.Err()
}

func scan(rows *sql.Rows) (c cases.Case, err error) {
	var at, due, closed, ackBy, ackAt int64
	var facts string
	if err = rows.Scan(&c.ID, &c.Subject, &c.Kind, &c.State, &c.Via, &at, &due, &closed, &c.Staff, &c.Refuser, &c.Steps, &facts, &ackBy, &ackAt, &c.Receipt.Rule, &c.Limited); err != nil {
		return c, err
	}
	if err = json.Unmarshal([]byte(facts), &c.Facts); err != nil {
		return c, fmt.Errorf("cases: reading the facts of %s: %w", c.ID.Token(cases.TokenPrefix), err)
	}
	c.At, c.Due = time.UnixMicro(at).UTC(), time.UnixMicro(due).UTC()
	if ackBy != 0 {
		c.Receipt.By = time.UnixMicro(ackBy).UTC()
	}
	if ackAt != 0 {
		c.Receipt.At = time.UnixMicro(ackAt).UTC()
	}
	if closed != 0 {
		c.Closed = time.UnixMicro(closed).UTC()
	}
	return c, nil
}

func (s *Store) list(ctx context.Context, where string, args ...any) (all []cases.Case, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all, err = list(ctx, tx, where, args...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("cases: reading: %w", err)
	}
	return all, nil
}

// Get returns one case.
func (s *Store) Get(ctx context.Context, id thimble.ID) (cases.Case, error) {
	all, err := s.list(ctx, `where id = $1`, id)
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("cases: %s: %w", id.Token(cases.TokenPrefix), thimble.ErrNotFound)
	}
	if err != nil {
		return cases.Case{}, err
	}
	return all[0], nil
}

// Of returns the newest cases of a subject.
func (s *Store) Of(ctx context.Context, who thimble.SubjectID, limit int) ([]cases.Case, error) {
	return s.list(ctx, `where subject_id = $1 order by at desc, id limit $2`, who, limit)
}

// OpenOf returns the cases of a person that are open, the newest first.
func (s *Store) OpenOf(ctx context.Context, who thimble.SubjectID, limit int) ([]cases.Case, error) {
	return s.list(ctx, `where subject_id = $1 and closed_at is null order by at desc, id limit $2`, who, limit)
}

// NewestTx returns the newest case of somebody that is of one of two kinds and was begun or
// fulfilled.
func (s *Store) NewestTx(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID, one, other cases.Kind) (c cases.Case, found bool, err error) {
	all, err := list(ctx, tx, `where subject_id = $1 and kind in ($2, $3) and state in ('executing', 'waiting_recipients', 'fulfilled') order by at desc, id desc limit 1`, who, string(one), string(other))
	if err != nil || len(all) == 0 {
		return c, false, err
	}
	return all[0], true, nil
}

// A Place is where a page of cases begins: after this one. The zero value is the start.
type Place struct {
	At time.Time
	ID thimble.ID
}

// Queue returns a page of the cases that are open, the one due first before the others,
// so that what is overdue comes first.
func (s *Store) Queue(ctx context.Context, after Place, limit int) ([]cases.Case, error) {
	if after.At.IsZero() {
		return s.list(ctx, `where closed_at is null order by due_at, id limit $1`, limit)
	}
	return s.list(ctx, `where closed_at is null and (due_at, id) > ($1, $2) order by due_at, id limit $3`, after.At.UnixMicro(), after.ID, limit)
}

// Closed returns a page of those that are closed, the newest first.
func (s *Store) Closed(ctx context.Context, after Place, limit int) ([]cases.Case, error) {
	if after.At.IsZero() {
		return s.list(ctx, `where closed_at is not null order by closed_at desc, id desc limit $1`, limit)
	}
	return s.list(ctx, `where closed_at is not null and (closed_at, id) < ($1, $2) order by closed_at desc, id desc limit $3`, after.At.UnixMicro(), after.ID, limit)
}

// MostCounted is how far [Store.Counts] counts: of more, a desk needs no number.
const MostCounted = 10_000

// Counts returns how many cases are open, and how many of those are past their date, or
// past that by which who asked is to be told that it came, each up to one more than [MostCounted].
func (s *Store) Counts(ctx context.Context) (open, overdue int, err error) {
	now := s.cfg.Now().UnixMicro()
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(ctx, `select count(*), coalesce(sum(late), 0) from (
			select case when due_at <= $1 or `+unconfirmed+` then 1 else 0 end as late from cases_requests where closed_at is null order by due_at, id limit $2) as first`,
			now, MostCounted+1).Scan(&open, &overdue)
	})
	if err != nil {
		err = fmt.Errorf("cases: counting: %w", err)
	}
	return open, overdue, err
}

// A Kept is a step as it is kept.
type Kept struct {
	cases.Step
	Staff   string // who of the staff did it
	Opening ledger.Opening
	Subject thimble.SubjectID // of the case
	Case    thimble.ID

	words []byte
}

// Wrote reports whether something was written at the step, and is still there.
func (k Kept) Wrote() bool { return k.words != nil }

// Steps returns the steps of a case, the first before the others.
func (s *Store) Steps(ctx context.Context, id thimble.ID) (all []Kept, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all, err = steps(ctx, tx, `where s.case_id = $1 order by s.n`, id)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("cases: reading the steps of %s: %w", id.Token(cases.TokenPrefix), err)
	}
	return all, nil
}

func steps(ctx context.Context, tx *sqldb.Tx, where string, args ...any) (all []Kept, err error) {
	rows, err := tx.Query(ctx, `select s.case_id, c.subject_id, s.staff, s.opening, s.words from cases_steps s join cases_requests c on c.id = s.case_id `+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var k Kept
		var opening []byte
		if err := rows.Scan(&k.Case, &k.Subject, &k.Staff, &opening, &k.words); err != nil {
			return nil, err
		}
		if err := k.Opening.UnmarshalBinary(opening); err != nil {
			return nil, err
		}
		if k.Step, err = cases.UnmarshalStep(k.Opening.Record); err != nil {
			return nil, err
		}
		all = append(all, k)
	}
	return all, rows.Err()
}

// WordsOf opens what was written at a step; nothing for one without.
func WordsOf(ctx context.Context, g thimble.Grant, k Kept) (thimble.Personal[string], error) {
	w, err := wordsOf(ctx, g, k)
	return thimble.Hide(w.Text), err
}

func wordsOf(ctx context.Context, g thimble.Grant, k Kept) (w cases.Words, err error) {
	if k.words == nil {
		return w, nil
	}
	plain, err := g.Open(ctx, wordsCell(k.Subject, k.Case, k.N), k.words)
	if err != nil {
		return w, fmt.Errorf("cases: opening what was written: %w", err)
	}
	return cases.ParseWords(plain, k.Step)
}
