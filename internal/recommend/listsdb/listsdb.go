// Package listsdb keeps whom the recommender still has to take out of its models.
//
// It promises:
//
//   - whoever changes something that a model was made by is written down in the
//     transaction of the change, or the change is not made;
//   - who is written down stays so until no model is kept that knew them, whatever
//     happens in between;
//   - a process that serves a model from before somebody was taken out can tell.
package listsdb

import (
	"context"
	"fmt"
	"time"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/recommend/lists"
	"thimble/internal/sqldb"
)

// A Store keeps the rows.
type Store struct {
	db *sqldb.DB
	// queue has the rows looked at soon; it is called in the transaction that writes some.
	queue func(ctx context.Context, tx *sqldb.Tx) error
	now   func() time.Time
}

// New returns the store of a core database.
func New(db *sqldb.DB, now func() time.Time, queue func(ctx context.Context, tx *sqldb.Tx) error) *Store {
	return &Store{db: db, queue: queue, now: now}
}

// change is whose epoch moves in one transaction, and which choices moved it.
type change struct {
	moved   map[thimble.SubjectID]bool
	chose   map[thimble.SubjectID]bool // made choices
	harmful map[thimble.SubjectID]bool // among them one against learning
}

func (s *Store) of(tx *sqldb.Tx) *change {
	return tx.Local(s, func() any {
		c := &change{map[thimble.SubjectID]bool{}, map[thimble.SubjectID]bool{}, map[thimble.SubjectID]bool{}}
		tx.BeforeCommit(func(ctx context.Context) error { return s.write(ctx, tx, c) })
		return c
	}).(*change)
}

// Moving says, in the transaction of a change, whose epoch moves: a choice, a
// restriction, an objection, an erasure, a merge.
func (s *Store) Moving(tx *sqldb.Tx, who thimble.SubjectID) { s.of(tx).moved[who] = true }

// Chose says which choices are recorded in a transaction: a yes, and what does not
// concern learning, takes nobody out of a model.
func (s *Store) Chose(tx *sqldb.Tx, events []consent.Event) {
	c := s.of(tx)
	for _, e := range events {
		c.chose[e.Subject] = true
		if e.State != consent.Given && (e.Purpose.Within(thimble.TrainAISystem) || thimble.TrainAISystem.Within(e.Purpose)) {
			c.harmful[e.Subject] = true
		}
	}
}

func (s *Store) write(ctx context.Context, tx *sqldb.Tx, c *change) error {
	at, wrote := s.now().UnixMicro(), false
	for who := range c.moved {
		if who.IsZero() || c.chose[who] && !c.harmful[who] {
			continue
		}
		id, err := thimble.NewID(nil)
		if err == nil {
			_, err = tx.Exec(ctx, `insert into recommend_leaving (id, subject_id, at) values ($1, $2, $3)`, id, who[:], at)
		}
		if err != nil {
			return fmt.Errorf("recommend: writing down who is to be taken out: %w", err)
		}
		wrote = true
	}
	if !wrote {
		return nil
	}
	return s.queue(ctx, tx)
}

// Waiting implements lists.Leaving. It asks in one statement, so that the turn is that of
// the rows.
func (s *Store) Waiting(ctx context.Context, limit int) (turn int64, all []lists.Leaver, err error) {
	err = s.db.Ask(ctx, func(found sqldb.Row) error {
		var row, who []byte
		if err := found.Scan(&turn, &row, &who); err != nil || row == nil {
			return err
		}
		l := lists.Leaver{}
		copy(l.Row[:], row)
		copy(l.Who[:], who)
		all = append(all, l)
		return nil
	}, `select t.turn, l.id, l.subject_id from recommend_turns t left join recommend_leaving l on l.at >= 0 where t.id = 1 limit $1`, limit)
	if err != nil {
		return 0, nil, fmt.Errorf("recommend: asking who is to be taken out: %w", err)
	}
	return turn, all, nil
}

// Settled implements lists.Leaving.
func (s *Store) Settled(ctx context.Context, all []lists.Leaver) (turn int64, err error) {
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		for _, l := range all {
			if _, err := tx.Exec(ctx, `delete from recommend_leaving where id = $1`, l.Row); err != nil {
				return err
			}
		}
		return tx.QueryRow(ctx, `update recommend_turns set turn = turn + 1 where id = 1 returning turn`).Scan(&turn)
	})
	if err != nil {
		return 0, fmt.Errorf("recommend: writing down who was taken out: %w", err)
	}
	return turn, nil
}

// Of implements lists.Leaving.
func (s *Store) Of(ctx context.Context, who thimble.SubjectID) (at time.Time, err error) {
	var micros int64
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(ctx, `select coalesce(max(at), 0) from recommend_leaving where subject_id = $1`, who[:]).Scan(&micros)
	})
	if err != nil || micros == 0 {
		return time.Time{}, err
	}
	return time.UnixMicro(micros).UTC(), nil
}

// Erase implements lists.Leaving.
func (s *Store) Erase(ctx context.Context, who thimble.SubjectID) error {
	return s.db.Write(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, `delete from recommend_leaving where subject_id = $1`, who[:])
		return err
	})
}
