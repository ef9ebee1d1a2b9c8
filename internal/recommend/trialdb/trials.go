package trialdb

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/recommend/trial"
	"thimble/internal/sqldb"
)

// What is done about an experiment.
const (
	Start = "start"
	Stop  = "stop" // by staff, before its time
	End   = "end"  // by itself
)

// maxReason bounds a reason, in bytes.
const maxReason = 500

// Start starts an experiment. The error is of kind ErrInvalid for a design or reason that
// cannot be, ErrConflict when another runs at one of the placements.
func (s *Store) Start(ctx context.Context, d trial.Design, by, reason string) (id thimble.ID, err error) {
	if err := d.Check(); err != nil {
		return id, err
	}
	if reason == "" || len(reason) > maxReason {
		return id, &trial.Fault{Field: "reason", Rule: fmt.Sprintf("1 to %d bytes were expected", maxReason)}
	}
	if id, err = thimble.NewID(nil); err != nil {
		return id, err
	}
	text, err := json.Marshal(d)
	if err != nil {
		return id, err
	}
	at := s.Now().UTC().Truncate(time.Microsecond)
	err = s.DB.Write(ctx, func(tx *sqldb.Tx) error {
		for _, p := range d.Placements {
			n, err := tx.Exec(ctx, `insert into recommend_trial_places (placement, trial_id) values ($1, $2) on conflict (placement) do nothing`, p, id)
			if err != nil {
				return err
			}
			if n == 0 {
				return fmt.Errorf("trial: another experiment runs at %s: %w", p, thimble.ErrConflict)
			}
		}
		if _, err := tx.Exec(ctx, `insert into recommend_trials (id, design, started_at, ended_at, changes, counted_at, counted) values ($1, $2, $3, 0, 0, 0, '')`, id, string(text), at.UnixMicro()); err != nil {
			return err
		}
		return s.act(ctx, tx, Act{Trial: id, Act: Start, Staff: by, Reason: reason, At: at})
	})
	s.runs.Store(nil)
	if err != nil {
		return thimble.ID{}, fmt.Errorf("trial: starting: %w", err)
	}
	return id, nil
}

// Stop ends an experiment before its time, for a reason. Whose days are not over is not
// counted: they were not shown it to the end. The error is of kind ErrConflict when it has
// ended already.
func (s *Store) Stop(ctx context.Context, id thimble.ID, by, reason string) error {
	if reason == "" || len(reason) > maxReason {
		return &trial.Fault{Field: "reason", Rule: fmt.Sprintf("1 to %d bytes were expected", maxReason)}
	}
	return s.end(ctx, Act{Trial: id, Act: Stop, Staff: by, Reason: reason, At: s.Now().UTC().Truncate(time.Microsecond)})
}

func (s *Store) end(ctx context.Context, a Act) error {
	e, err := s.Get(ctx, a.Trial)
	if err != nil {
		return err
	}
	err = s.DB.Write(ctx, func(tx *sqldb.Tx) error {
		n, err := tx.Exec(ctx, `update recommend_trials set ended_at = $1, changes = changes + 1 where id = $2 and ended_at = 0`, a.At.UnixMicro(), a.Trial)
		if err != nil {
			return err
		}
		if n == 0 {
			return fmt.Errorf("trial: it has ended already: %w", thimble.ErrConflict)
		}
		if _, err := tx.Exec(ctx, `delete from recommend_trial_places where trial_id = $1`, a.Trial); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `delete from recommend_trial_people where trial_id = $1 and closed = 0 and at > $2`, a.Trial, a.At.Add(-e.Design.DaysOf()).UnixMicro()); err != nil {
			return err
		}
		if err := s.act(ctx, tx, a); err != nil {
			return err
		}
		return s.Ask(ctx, tx)
	})
	s.runs.Store(nil)
	if err != nil {
		return fmt.Errorf("trial: ending: %w", err)
	}
	return nil
}

// List returns the newest experiments.
func (s *Store) List(ctx context.Context, limit int) ([]trial.Experiment, error) {
	return s.read(ctx, `order by started_at desc, id limit $1`, limit)
}

// Get returns one experiment. The error is of kind ErrNotFound when there is none.
func (s *Store) Get(ctx context.Context, id thimble.ID) (trial.Experiment, error) {
	all, err := s.read(ctx, `where id = $1`, id)
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("trial: %s: %w", id.Token(trial.TokenPrefix), thimble.ErrNotFound)
	}
	if err != nil {
		return trial.Experiment{}, err
	}
	return all[0], nil
}

func (s *Store) read(ctx context.Context, where string, args ...any) (all []trial.Experiment, err error) {
	err = s.DB.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, `select id, design, started_at, ended_at, counted_at, counted from recommend_trials `+where, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			e, err := scan(rows)
			if err != nil {
				return err
			}
			all = append(all, e)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("trial: reading experiments: %w", err)
	}
	return all, nil
}

func scan(rows *sql.Rows) (e trial.Experiment, err error) {
	var design, counted string
	var started, ended, at int64
	if err := rows.Scan(&e.ID, &design, &started, &ended, &at, &counted); err != nil {
		return e, err
	}
	e.Started = time.UnixMicro(started).UTC()
	if ended > 0 {
		e.Ended = time.UnixMicro(ended).UTC()
	}
	if at > 0 {
		e.Counted = time.UnixMicro(at).UTC()
		if err := json.Unmarshal([]byte(counted), &e.Groups); err != nil {
			return e, err
		}
	}
	return e, json.Unmarshal([]byte(design), &e.Design)
}

// An Act is what was done about an experiment.
type Act struct {
	ID      thimble.ID
	Trial   thimble.ID
	Act     string
	Staff   string // "" for the program itself
	Reason  string
	At      time.Time
	Opening ledger.Opening
}

// acted is the record of an act: what its leaf commits to. It has the whole design, so that
// nobody can say afterwards that something else was to be measured.
type acted struct {
	Experiment string       `json:"experiment"`
	Act        string       `json:"act"`
	Staff      string       `json:"staff,omitempty"`
	Reason     string       `json:"reason"`
	At         time.Time    `json:"at"`
	Design     trial.Design `json:"design"`
}

func (s *Store) said(ctx context.Context, tx *sqldb.Tx, a Act) ([]byte, error) {
	r := acted{Experiment: a.Trial.Token(trial.TokenPrefix), Act: a.Act, Staff: a.Staff, Reason: a.Reason, At: a.At}
	var design string
	if err := tx.QueryRow(ctx, `select design from recommend_trials where id = $1`, a.Trial).Scan(&design); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, err
	}
	if err := json.Unmarshal([]byte(design), &r.Design); err != nil {
		return nil, err
	}
	return json.Marshal(r)
}

func (s *Store) act(ctx context.Context, tx *sqldb.Tx, a Act) error {
	record, err := s.said(ctx, tx, a)
	if err != nil {
		return err
	}
	opening, err := s.Ledger.Queue(ctx, tx, ledger.Entry{Class: ledger.System, At: a.At, Record: record})
	if err != nil {
		return err
	}
	kept, err := opening.MarshalBinary() // it names nobody: nothing to seal
	if err != nil {
		return err
	}
	if a.ID, err = thimble.NewID(nil); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `insert into recommend_trial_acts (id, trial_id, act, staff, reason, at, opening) values ($1, $2, $3, $4, $5, $6, $7)`,
		a.ID, a.Trial, a.Act, a.Staff, a.Reason, a.At.UnixMicro(), kept)
	return err
}
