package suspectdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"thimble"
	"thimble/internal/sqldb"
)

// How long a note must be, in bytes: nobody is left out with a wave of the hand.
const minNote, maxNote = 10, 500

// Quarantine leaves the people of an open finding out of learning.
func (s *Store) Quarantine(ctx context.Context, id thimble.ID, staff, note string) error {
	return s.decide(ctx, id, Open, Quarantined, staff, note)
}

// Dismiss says that an open finding is nothing. Who is in it is forgotten.
func (s *Store) Dismiss(ctx context.Context, id thimble.ID, staff, note string) error {
	return s.decide(ctx, id, Open, Dismissed, staff, note)
}

// Release takes a quarantine back. Who was in it is forgotten.
func (s *Store) Release(ctx context.Context, id thimble.ID, staff, note string) error {
	return s.decide(ctx, id, Quarantined, Released, staff, note)
}

func (s *Store) decide(ctx context.Context, id thimble.ID, from, to State, staff, note string) error {
	if len(note) < minNote || len(note) > maxNote {
		return fmt.Errorf("suspect: deciding about a finding: note: %d to %d bytes about what was found were expected: %w", minNote, maxNote, thimble.ErrInvalid)
	}
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		var state State
		var people int
		err := tx.QueryRow(ctx, `select state, (select count(*) from recommend_suspects s where s.finding_id = f.id)
			from recommend_findings f where id = $1`, id).Scan(&state, &people)
		if errors.Is(err, sql.ErrNoRows) {
			return thimble.ErrNotFound
		}
		if err != nil {
			return err
		}
		if state != from {
			return fmt.Errorf("it is %s: %w", state, thimble.ErrConflict)
		}
		revision, err := s.turn(ctx, tx, from, to)
		if err != nil {
			return err
		}
		if err := s.act(ctx, tx, act{Finding: id, Act: to, Staff: staff, People: people, Revision: revision}); err != nil {
			return err
		}
		if to != Quarantined {
			if _, err := tx.Exec(ctx, `delete from recommend_suspects where finding_id = $1`, id); err != nil {
				return err
			}
		}
		_, err = tx.Exec(ctx, `update recommend_findings set state = $1, decided_by = $2, decided_at = $3, note = $4 where id = $5`,
			string(to), staff, s.cfg.Now().UnixMicro(), note, id)
		return err
	})
	if err != nil {
		return fmt.Errorf("suspect: deciding about finding %s: %w", id.Token(FindingPrefix), err)
	}
	return nil
}

// turn moves the revision when a decision changes who is left out, and asks for a
// training. It returns the revision after.
func (s *Store) turn(ctx context.Context, tx *sqldb.Tx, from, to State) (revision int64, err error) {
	if from == Quarantined || to == Quarantined {
		if _, err := tx.Exec(ctx, `update recommend_quarantine set revision = revision + 1 where id = 1`); err != nil {
			return 0, err
		}
		if err := s.cfg.Changed(ctx, tx); err != nil {
			return 0, err
		}
	}
	err = tx.QueryRow(ctx, `select revision from recommend_quarantine where id = 1`).Scan(&revision)
	return revision, err
}

// LeftOut returns who is left out of learning, and the revision of that list, which
// belongs into a recipe.
func (s *Store) LeftOut(ctx context.Context) (people map[thimble.SubjectID]bool, revision int64, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		people = map[thimble.SubjectID]bool{}
		if err := tx.QueryRow(ctx, `select revision from recommend_quarantine where id = 1`).Scan(&revision); err != nil {
			return err
		}
		all, err := sqldb.Column[thimble.SubjectID](ctx, tx, `select s.subject_id from recommend_suspects s join recommend_findings f on f.id = s.finding_id where f.state = 'quarantined'`)
		for _, who := range all {
			people[who] = true
		}
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("suspect: reading who is left out: %w", err)
	}
	return people, revision, nil
}
