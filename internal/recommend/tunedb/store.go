package tunedb

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/recommend"
	"thimble/internal/sqldb"
)

// TuningPrefix is the prefix of a tuning's id in text.
const TuningPrefix = "tuning"

// A State is how far a tuning has come.
type State string

// The states of a tuning.
const (
	Waiting State = "waiting"
	Running State = "running"
	Done    State = "done"
	Refused State = "refused" // it could not be done; it says why
)

// UnderWay reports whether it is still to end.
func (s State) UnderWay() bool { return s == Waiting || s == Running }

// A Tuning is one trial of recipes.
type Tuning struct {
	ID          thimble.ID
	AskedBy     string
	AskedAt     time.Time
	State       State
	Tried, Most int // recipes so far, of so many at most
	EndedAt     time.Time
	Why         string // of a refusal
	Report      recommend.TuneReport
}

// A Ledger queues leaves in the caller's transaction; *ledgerdb.Log does.
type Ledger interface {
	Queue(ctx context.Context, tx *sqldb.Tx, e ledger.Entry) (ledger.Opening, error)
}

// Deps are what a store stands on.
type Deps struct {
	DB     *sqldb.DB // the set core
	Ledger Ledger
	Now    func() time.Time
	// Ask queues the work of a tuning in the caller's transaction.
	Ask func(ctx context.Context, tx *sqldb.Tx, id thimble.ID) error
}

// A Store keeps tunings and choices.
type Store struct{ Deps }

// New returns a store.
func New(d Deps) *Store { return &Store{d} }

// Start asks for a tuning. The error is of kind ErrConflict while one is under way.
func (s *Store) Start(ctx context.Context, by string) (id thimble.ID, err error) {
	if by == "" {
		return id, fmt.Errorf("tune: starting: a name is expected: %w", thimble.ErrInvalid)
	}
	if id, err = thimble.NewID(nil); err != nil {
		return id, err
	}
	err = s.DB.Write(ctx, func(tx *sqldb.Tx) error {
		var n int
		if err := tx.QueryRow(ctx, `select count(*) from recommend_tunings where state in ('waiting', 'running')`).Scan(&n); err != nil {
			return err
		}
		if n > 0 {
			return fmt.Errorf("one is under way: %w", thimble.ErrConflict)
		}
		if _, err := tx.Exec(ctx, `insert into recommend_tunings (id, asked_by, asked_at, state, done, total, ended_at, why, report) values ($1, $2, $3, 'waiting', 0, 0, 0, '', '')`,
			id, by, s.Now().UnixMicro()); err != nil {
			return err
		}
		return s.Ask(ctx, tx, id)
	})
	if err != nil {
		return id, fmt.Errorf("tune: starting: %w", err)
	}
	return id, nil
}

// Progress says how many recipes were tried. It begins a tuning that waited, and begins
// one again that was interrupted.
func (s *Store) Progress(ctx context.Context, id thimble.ID, tried, most int) error {
	return s.move(ctx, id, `update recommend_tunings set state = 'running', done = $1, total = $2 where id = $3 and state in ('waiting', 'running')`, tried, most, id)
}

// Finish keeps what was found.
func (s *Store) Finish(ctx context.Context, id thimble.ID, r recommend.TuneReport) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return s.move(ctx, id, `update recommend_tunings set state = 'done', done = $1, total = $1, ended_at = $2, report = $3 where id = $4 and state in ('waiting', 'running')`,
		r.Tried, s.Now().UnixMicro(), string(text), id)
}

// Refuse ends a tuning that cannot be, with the reason in words.
func (s *Store) Refuse(ctx context.Context, id thimble.ID, why string) error {
	return s.move(ctx, id, `update recommend_tunings set state = 'refused', ended_at = $1, why = $2 where id = $3 and state in ('waiting', 'running')`, s.Now().UnixMicro(), why, id)
}

// move changes a tuning that is under way. The error is of kind ErrConflict when it is not.
func (s *Store) move(ctx context.Context, id thimble.ID, statement string, args ...any) error {
	err := s.DB.Write(ctx, func(tx *sqldb.Tx) error {
		n, err := tx.Exec(ctx, statement, args...)
		if err == nil && n == 0 {
			err = fmt.Errorf("it is not under way: %w", thimble.ErrConflict)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("tune: moving tuning %s: %w", id.Token(TuningPrefix), err)
	}
	return nil
}

// List returns tunings, the newest first.
func (s *Store) List(ctx context.Context, limit int) (all []Tuning, err error) {
	err = s.DB.Read(ctx, func(tx *sqldb.Tx) error {
		all, err = read(ctx, tx, `order by asked_at desc, id limit $1`, limit)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("tune: reading tunings: %w", err)
	}
	return all, nil
}

// read returns the tunings of a clause.
func read(ctx context.Context, tx *sqldb.Tx, where string, args ...any) (all []Tuning, err error) {
	rows, err := tx.Query(ctx, `select id, asked_by, asked_at, state, done, total, ended_at, why, report from recommend_tunings `+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var t Tuning
		var asked, ended int64
		var report string
		if err := rows.Scan(&t.ID, &t.AskedBy, &asked, &t.State, &t.Tried, &t.Most, &ended, &t.Why, &report); err != nil {
			return nil, err
		}
		if t.AskedAt = time.UnixMicro(asked).UTC(); ended > 0 {
			t.EndedAt = time.UnixMicro(ended).UTC()
		}
		if report != "" {
			if err := json.Unmarshal([]byte(report), &t.Report); err != nil {
				return nil, fmt.Errorf("the report of tuning %s: %w", t.ID.Token(TuningPrefix), err)
			}
		}
		all = append(all, t)
	}
	return all, rows.Err()
}
