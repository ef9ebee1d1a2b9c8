package systemsdb

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"thimble"
	"thimble/internal/rights"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/opendsr"
	"thimble/internal/rights/systems"
	"thimble/internal/sqldb"
	"thimble/internal/subject"
)

func toldCell(id thimble.ID) thimble.Cell {
	return thimble.Cell{Table: "systems_tasks", Column: "told", Row: id[:], Category: thimble.AccountIdentifier}
}

// AskTx implements casesdb.Systems: a task for each system that takes part. What those have
// to be told is taken now: after an erasure nobody knows it any more. A system that cannot
// be told whom it is about is a task for a person.
func (s *Store) AskTx(ctx context.Context, tx *sqldb.Tx, c cases.Case, work []cases.Work, members []thimble.SubjectID) (opened []cases.Task, err error) {
	all, err := stated(ctx, tx, `where ended = 0 order by name, id`)
	if err != nil {
		return nil, err
	}
	var cause thimble.ID
	if c.Kind == cases.Erase && len(work) == 1 && work[0].What == string(rights.Erase) {
		if cause, err = thimble.ParseID(rights.TokenPrefix, work[0].Ref); err != nil {
			return nil, err
		}
	}
	for _, y := range all {
		if !slices.Contains(y.Kinds, c.Kind) {
			continue
		}
		t := systems.Task{System: y.ID, Case: c.ID, Cause: cause, Subject: c.Subject, Kind: c.Kind, Means: y.Means, State: systems.ToTell, At: s.now()}
		if t.Due = t.At.AddDate(0, 0, y.Days); c.Due.Before(t.Due) && c.Due.After(t.At) {
			t.Due = c.Due // what the person is owed does not wait for the system
		}
		if err := s.openTask(ctx, tx, &t, y, members); err != nil {
			return nil, err
		}
		opened = append(opened, step(t))
	}
	if len(opened) > 0 {
		s.hurry()
	}
	return opened, nil
}

// step is what a case says of a task.
func step(t systems.Task) cases.Task {
	return cases.Task{Ref: t.ID.Token(systems.TaskPrefix), System: t.System.Token(systems.SystemPrefix), State: string(t.State), Why: t.Why, Proof: t.Proof}
}

func (s *Store) openTask(ctx context.Context, tx *sqldb.Tx, t *systems.Task, y systems.System, members []thimble.SubjectID) (err error) {
	if t.ID, err = thimble.NewID(nil); err != nil {
		return err
	}
	named, err := s.named(ctx, tx, y, members)
	if err != nil {
		return err
	}
	if len(named) == 0 {
		t.Means, t.Why = systems.Person, string(systems.NoIdentifier)
	}
	var sealed []byte
	if len(named) > 0 {
		told := systems.Identifiers{Named: named}
		if y.Means == systems.Framework {
			chain, err := s.cases.ChainTx(ctx, tx, t.Case)
			if err != nil {
				return err
			}
			told.Chain = chain.Reveal() // to seal it
		}
		plain, err := json.Marshal(told)
		if err != nil {
			return err
		}
		if sealed, err = s.parts.Vault.Seal(ctx, toldCell(t.ID), plain); err != nil {
			return err
		}
	}
	t.Last, t.NextTry, t.Holds = t.At, t.At, sealed != nil
	if t.Means == systems.Processor {
		t.Remote = opendsr.RequestID(t.ID)
	}
	_, err = tx.Exec(ctx, `insert into systems_tasks (id, system_id, case_id, cause, subject_id, kind, means, state, why, at, due_at, told_at, acked_at, ended_at, last_at, proof, staff, tries, status, first_at,
		next_at, lease_until, fence, remote, told) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, 0, 0, $10, '', '', 0, 0, 0, $10, 0, 0, $13, $12)`,
		t.ID, t.System, t.Case, t.Cause, t.Subject[:], string(t.Kind), string(t.Means), string(t.State), t.Why, t.At.UnixMicro(), t.Due.UnixMicro(), sealed, t.Remote)
	return err
}

// named is what a system knows the person by, of all members; nothing when it knows none.
func (s *Store) named(ctx context.Context, tx *sqldb.Tx, y systems.System, members []thimble.SubjectID) (all []systems.Named, err error) {
	for _, m := range members {
		if y.Names == systems.Pseudonym {
			word, err := s.parts.Pseudonyms.PseudonymTx(ctx, tx, y.Recipient, m)
			if err != nil {
				return nil, err
			}
			all = append(all, systems.Named{Kind: y.Names, Value: word})
			continue
		}
		kind := subject.Account
		if y.Names == systems.Email {
			kind = subject.Email
		}
		held, err := s.parts.People.IdentifiersTx(ctx, tx, m)
		if err != nil {
			return nil, err
		}
		for _, i := range held {
			if i.Kind == kind {
				all = append(all, systems.Named{Kind: y.Names, Value: i.Value.Reveal()}) // to seal it
			}
		}
	}
	return all, nil
}

// StandingTx implements casesdb.Systems.
func (s *Store) StandingTx(ctx context.Context, tx *sqldb.Tx, id thimble.ID) (st cases.Standing, err error) {
	all, err := list(ctx, tx, `where case_id = $1`, id)
	for _, t := range all {
		if t.Over() {
			continue
		}
		st.Open++
		if t.State.Late() {
			st.Late++
		}
	}
	return st, err
}

// EndTx implements casesdb.Systems: what the systems were to be told is destroyed, and what
// is called off is not told any more. An answer that comes later still counts.
func (s *Store) EndTx(ctx context.Context, tx *sqldb.Tx, id thimble.ID, off bool) error {
	all, err := list(ctx, tx, `where case_id = $1`, id)
	for _, t := range all {
		if err == nil && off && t.May(systems.WasCalledOff) {
			var n systems.Task
			if n, err = t.Next(systems.Event{What: systems.WasCalledOff, At: s.now()}); err == nil {
				err = s.update(ctx, tx, n)
			}
		}
	}
	if err == nil {
		_, err = tx.Exec(ctx, `update systems_tasks set told = null where case_id = $1 and told is not null`, id)
	}
	return err
}

// happen lets something happen to a task, keeps it, and has the case say so.
func (s *Store) happen(ctx context.Context, tx *sqldb.Tx, t systems.Task, e systems.Event, by string) (systems.Task, error) {
	if e.At.IsZero() {
		e.At = s.now()
	}
	n, err := t.Next(e)
	if err != nil {
		return t, err
	}
	if err := s.update(ctx, tx, n); err != nil {
		return t, err
	}
	return n, s.cases.HeardTx(ctx, tx, t.Case, step(n), by, e.Staff)
}

// update keeps a task as it is after an event. What the system is told goes when nothing
// follows any more.
func (s *Store) update(ctx context.Context, tx *sqldb.Tx, t systems.Task) error {
	_, err := tx.Exec(ctx, `update systems_tasks set state = $2, why = $3, told_at = $4, acked_at = $5, ended_at = $6, last_at = $7, proof = $8, staff = $9, tries = $10, first_at = $11, next_at = $12 where id = $1`,
		t.ID, string(t.State), t.Why, micro(t.Told), micro(t.Acked), micro(t.Ended), t.Last.UnixMicro(), t.Proof, t.Staff, t.Tries, micro(t.First), micro(t.NextTry))
	if err == nil && t.Over() {
		_, err = tx.Exec(ctx, `update systems_tasks set told = null where id = $1`, t.ID)
	}
	return err
}

const taskColumns = `select id, system_id, case_id, cause, subject_id, kind, means, state, why, at, due_at, told_at, acked_at, ended_at, last_at, proof, staff, tries, status, first_at, next_at, remote,
	case when told is null then 0 else 1 end from systems_tasks `

func list(ctx context.Context, tx *sqldb.Tx, where string, args ...any) (all []systems.Task, err error) {
	rows, err := tx.Query(ctx, taskColumns+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var t systems.Task
		var at, due, told, acked, ended, last, first, next int64
		var holds int
		if err := rows.Scan(&t.ID, &t.System, &t.Case, &t.Cause, &t.Subject, &t.Kind, &t.Means, &t.State, &t.Why, &at, &due, &told, &acked, &ended, &last, &t.Proof, &t.Staff, &t.Tries, &t.Status,
			&first, &next, &t.Remote, &holds); err != nil {
			return nil, err
		}
		t.At, t.Due, t.Told, t.Acked, t.Ended = instant(at), instant(due), instant(told), instant(acked), instant(ended)
		t.Last, t.First, t.NextTry, t.Holds = instant(last), instant(first), instant(next), holds == 1
		all = append(all, t)
	}
	return all, rows.Err()
}

func (s *Store) tasks(ctx context.Context, where string, args ...any) (all []systems.Task, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all, err = list(ctx, tx, where, args...)
		return err
	})
	return all, wrap("reading tasks", err)
}

// Task returns one.
func (s *Store) Task(ctx context.Context, id thimble.ID) (systems.Task, error) {
	all, err := s.tasks(ctx, `where id = $1`, id)
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("systems: %s: %w", id.Token(systems.TaskPrefix), thimble.ErrNotFound)
	}
	if err != nil {
		return systems.Task{}, err
	}
	return all[0], nil
}

// ByRemote returns the task of a system that a processor calls by a name.
func (s *Store) ByRemote(ctx context.Context, system thimble.ID, remote string) (systems.Task, error) {
	all, err := s.tasks(ctx, `where system_id = $1 and (remote = $2 or remote like $3) and means = 'opendsr'`, system, remote, remote+" %")
	if err == nil && (remote == "" || len(all) != 1) {
		err = fmt.Errorf("systems: no task of that name: %w", thimble.ErrDenied)
	}
	if err != nil {
		return systems.Task{}, err
	}
	return all[0], nil
}

// OfCase returns the tasks of a case, the first before the others.
func (s *Store) OfCase(ctx context.Context, id thimble.ID) ([]systems.Task, error) {
	return s.tasks(ctx, `where case_id = $1 order by at, id`, id)
}

// Caused returns the tasks that belong to a request of the rights desk.
func (s *Store) Caused(ctx context.Context, request thimble.ID) ([]systems.Task, error) {
	if request.IsZero() {
		return nil, nil
	}
	return s.tasks(ctx, `where cause = $1 order by at, id`, request)
}

// open is what is not over; lasts is the part of it that [systems.Task.Over] has beside what is
// settled.
const (
	lasts = `not (means = 'ddrf' and state = 'acknowledged')`
	open  = `state not in ('done', 'done_by_hand', 'called_off') and ` + lasts
)

// Open returns the tasks that are not over, the one due first before the others: of a
// system, or of all when it is zero.
func (s *Store) Open(ctx context.Context, system thimble.ID, limit int) ([]systems.Task, error) {
	if system.IsZero() {
		return s.tasks(ctx, `where `+open+` order by due_at, id limit $1`, limit)
	}
	return s.tasks(ctx, `where `+open+` and system_id = $1 order by due_at, id limit $2`, system, limit)
}

// Longest is how long after its date what a system is told is kept, when nobody ends the
// task.
const Longest = 90 * 24 * time.Hour
