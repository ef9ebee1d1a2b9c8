package retentiondb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/retention"
	"thimble/internal/sqldb"
)

// Daily goes on with what was interrupted or confirmed, and runs what is due of each
// category, once a day each. What fails of one does not keep the others from running.
func (s *Store) Daily(ctx context.Context) (done []retention.Run, failed error) {
	plan, err := s.Plan(ctx)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(s.floors(ctx, plan), s.narrow(ctx, plan.Schedules), s.gather(ctx)); err != nil {
		return nil, err // nothing expires before it is certain what is kept, and who was there
	}
	done, failed = s.clocked(ctx, plan)
	for _, r := range done {
		s.tellRed(ctx, r)
	}
	for _, sched := range plan.Schedules {
		r, ran, err := s.due(ctx, plan, sched)
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("retention: the run of %s: %w", sched.Category, err))
		}
		if !ran {
			continue
		}
		s.tellRed(ctx, r)
		done = append(done, r)
	}
	return done, errors.Join(failed, s.Rerun(ctx), s.propose(ctx))
}

func (s *Store) tellRed(ctx context.Context, r retention.Run) {
	if r.State == retention.Red {
		s.cfg.Log.ErrorContext(ctx, "something is kept for longer than its schedule", slog.String("category", string(r.Category)), slog.Int64("entries", retention.Sum(r.Proof.Left)))
	}
}

// due does what is due of a category, and reports whether a run came to its end.
func (s *Store) due(ctx context.Context, plan Plan, sched retention.Schedule) (r retention.Run, ran bool, err error) {
	r, found, err := s.newest(ctx, `category = $1 and clock = 'collection' and state in ('waiting', 'confirmed', 'listed')`, string(sched.Category))
	if err != nil {
		return r, false, err
	}
	if found && r.State == retention.Confirmed && retention.Blocked(sched, plan.Schedules, s.now()) != "" {
		r.State = retention.Waiting // nobody can confirm that away
	}
	if found && r.State != retention.Waiting {
		r, err = s.execute(ctx, r)
		return r, err == nil, err
	}
	if sched.Ends == nil {
		return r, false, s.drop(ctx, r.ID)
	}
	last, ended, err := s.newest(ctx, `category = $1 and clock = 'collection' and state = 'done'`, string(sched.Category))
	if err != nil {
		return r, false, err
	}
	before := sched.Before(s.now())
	if ended && last.Before.Equal(before) {
		return r, false, nil
	}
	older, err := s.Older(ctx, sched.Category, before)
	if err != nil {
		return r, false, err
	}
	if !found {
		if r.ID, err = thimble.NewID(nil); err != nil {
			return r, false, err
		}
	}
	r.Category, r.Clock, r.Before, r.At, r.State = sched.Category, retention.Collected, before, s.now(), retention.Waiting
	r.Proof = retention.Proof{Run: r.ID.Token(retention.RunPrefix), Category: sched.Category, Before: before, Source: sched.Ends.Source, Listed: older, Expired: []retention.Count{}}
	r.Why = s.asks(plan, sched, last.Before, retention.Sum(older))
	if r.Why == "" {
		r.State = retention.Confirmed
	}
	if err := s.keep(ctx, r); err != nil || r.State == retention.Waiting {
		return r, false, err
	}
	r, err = s.execute(ctx, r)
	return r, err == nil, err
}

// asks says why a run waits for a person, or "".
func (s *Store) asks(plan Plan, sched retention.Schedule, last time.Time, planned int64) string {
	if part := retention.Blocked(sched, plan.Schedules, s.now()); part != "" {
		return fmt.Sprintf("%s, which is a part of it, is kept longer: state a period of the parts", part)
	}
	if f, ok := plan.Document.Undeclared(sched, s.now()); ok && planned > 0 {
		return fmt.Sprintf("%s (%s) says that the record %q is kept for %s: the document does not say whether that is here or elsewhere", f.Source.Name, f.Source.Cite, f.Record, f.Span)
	}
	return retention.Asks(sched.Before(s.now()), last, planned)
}

// execute lists what is to expire, has the desk destroy it, and looks for what is left.
func (s *Store) execute(ctx context.Context, r retention.Run) (retention.Run, error) {
	if r.State == retention.Listed {
		r.Proof.Resumed = true
	} else {
		listed, root, err := s.list(ctx, r.Category, r.Before)
		if err != nil {
			return r, err
		}
		if listed == nil {
			listed = []retention.Count{}
		}
		r.State, r.Proof.Listed, r.Proof.Root, r.Proof.By = retention.Listed, listed, root, r.By
		if err := s.keep(ctx, r); err != nil {
			return r, err
		}
	}
	expired, err := s.cfg.Expire(ctx, r.Category, r.Before)
	if err != nil {
		return r, err
	}
	r.Proof.Request, r.Proof.Kept = expired.Request, expired.Kept
	r.Proof.Expired = slices.DeleteFunc(slices.Clone(expired.Holders), func(c retention.Count) bool { return c.N == 0 })
	if r.Proof.Left, err = s.Older(ctx, r.Category, r.Before); err != nil {
		return r, err
	}
	return s.finish(ctx, r)
}

// finish keeps a run's proof with its leaf, once.
func (s *Store) finish(ctx context.Context, r retention.Run) (retention.Run, error) {
	r.State, r.Why, r.Done = retention.Done, "", s.now()
	if n := retention.Sum(r.Proof.Left); n > 0 {
		r.State, r.Why = retention.Red, fmt.Sprintf("%d are older than the schedule and still there", n)
	}
	record, err := json.Marshal(r.Proof)
	if err != nil {
		return r, err
	}
	return r, s.db.Write(ctx, func(tx *sqldb.Tx) error {
		opened, err := s.ledger.Queue(ctx, tx, ledger.Entry{Class: ledger.Erasure, At: r.Done, Record: record})
		if err != nil {
			return err
		}
		opening, err := opened.MarshalBinary() // counts and hashes: nothing to seal
		if err != nil {
			return err
		}
		n, err := tx.Exec(ctx, `update retention_runs set state = $1, proof = $2, why = $3, done_at = $4, opening = $5 where id = $6 and state = 'listed'`,
			string(r.State), string(record), r.Why, r.Done.UnixMicro(), opening, r.ID)
		if err == nil && n == 0 {
			err = fmt.Errorf("the run is done already: %w", thimble.ErrConflict)
		}
		return err
	})
}

// keep inserts a run, or what has become of one that is not done.
func (s *Store) keep(ctx context.Context, r retention.Run) error {
	proof, err := json.Marshal(r.Proof)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, `insert into retention_runs (id, category, before, state, proof, why, confirmed_by, at, done_at, opening, clock, rule)
			values ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9, $10, $11) on conflict (id) do update set before = excluded.before, state = excluded.state, proof = excluded.proof,
			why = excluded.why, at = excluded.at where retention_runs.state in ('waiting', 'confirmed')`,
			r.ID, string(r.Category), r.Before.UnixMicro(), string(r.State), string(proof), r.Why, r.By, r.At.UnixMicro(), []byte{}, string(r.Clock), r.Rule)
		return err
	})
}

// drop forgets a run that waits for what nobody wants any more.
func (s *Store) drop(ctx context.Context, id thimble.ID) error {
	if id.IsZero() {
		return nil
	}
	return s.db.Write(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, `delete from retention_runs where id = $1 and state = 'waiting'`, id)
		return err
	})
}

// Confirm lets a run go on that waits for a person, to the instant that was shown.
func (s *Store) Confirm(ctx context.Context, id thimble.ID, staff, reason string) error {
	reason, err := reasoned(staff, reason)
	if err != nil {
		return err
	}
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		n, err := tx.Exec(ctx, `update retention_runs set state = 'confirmed', confirmed_by = $1 where id = $2 and state = 'waiting'`, staff, id)
		if err != nil {
			return err
		}
		if n == 0 {
			return fmt.Errorf("it does not wait: %w", thimble.ErrConflict)
		}
		if err := s.act(ctx, tx, Act{About: id.Token(retention.RunPrefix), Act: "run confirmed", Staff: staff, Detail: reason}); err != nil || s.cfg.Ask == nil {
			return err
		}
		return s.cfg.Ask(ctx, tx)
	})
	if err != nil {
		return fmt.Errorf("retention: confirming run %s: %w", id.Token(retention.RunPrefix), err)
	}
	return nil
}

const selectRun = `select id, category, clock, rule, before, state, proof, why, confirmed_by, at, done_at from retention_runs where `

// Runs returns the newest runs; those that wait come first.
func (s *Store) Runs(ctx context.Context, limit int) ([]retention.Run, error) {
	return s.runs(ctx, `1 = 1 order by case when state in ('done', 'red') then 1 else 0 end, at desc, id limit $1`, limit)
}

// Run returns one.
func (s *Store) Run(ctx context.Context, id thimble.ID) (retention.Run, error) {
	all, err := s.runs(ctx, `id = $1`, id)
	if err == nil && len(all) == 0 {
		return retention.Run{}, fmt.Errorf("retention: run %s: %w", id.Token(retention.RunPrefix), thimble.ErrNotFound)
	}
	if err != nil {
		return retention.Run{}, err
	}
	return all[0], nil
}

// Opening returns what opens the leaf of a run that is done.
func (s *Store) Opening(ctx context.Context, id thimble.ID) (o ledger.Opening, err error) {
	var b []byte
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(ctx, `select opening from retention_runs where id = $1 and state in ('done', 'red')`, id).Scan(&b)
	})
	if err != nil {
		return o, fmt.Errorf("retention: the leaf of %s: %w", id.Token(retention.RunPrefix), thimble.ErrNotFound)
	}
	return o, o.UnmarshalBinary(b)
}

func (s *Store) newest(ctx context.Context, where string, args ...any) (r retention.Run, found bool, err error) {
	all, err := s.runs(ctx, where+` order by at desc, id limit 1`, args...)
	if err != nil || len(all) == 0 {
		return r, false, err
	}
	return all[0], true, nil
}

func (s *Store) runs(ctx context.Context, where string, args ...any) (all []retention.Run, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, selectRun+where, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var r retention.Run
			var before, at, done int64
			var proof string
			if err := rows.Scan(&r.ID, &r.Category, &r.Clock, &r.Rule, &before, &r.State, &proof, &r.Why, &r.By, &at, &done); err != nil {
				return err
			}
			r.Before, r.At, r.Done = instant(before), instant(at), instant(done)
			if err := json.Unmarshal([]byte(proof), &r.Proof); err != nil {
				return err
			}
			all = append(all, r)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("retention: reading runs: %w", err)
	}
	return all, nil
}
