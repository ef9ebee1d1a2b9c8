package retentiondb

import (
	"context"
	"errors"
	"fmt"

	"thimble"
	"thimble/internal/sqldb"
)

// Holding returns what holds keep of some people, should they be erased now.
func (s *Store) Holding(ctx context.Context, who ...thimble.SubjectID) (kept []thimble.Kept, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		kept, err = holding(ctx, tx, who...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("retention: asking what is held: %w", err)
	}
	return kept, nil
}

func holding(ctx context.Context, tx *sqldb.Tx, who ...thimble.SubjectID) (kept []thimble.Kept, err error) {
	for _, a := range ages() {
		if a.What == "" {
			continue
		}
		where := a.Table + "." + a.Subject + ` = $1`
		if a.Where != "" {
			where += ` and ` + a.Where
		}
		for _, one := range who {
			some, err := a.records().Kept(ctx, tx, where, one)
			if err != nil {
				return nil, err
			}
			kept = append(kept, some...)
		}
	}
	return kept, nil
}

// Stopped notes that the erasure of some people leaves what is held, so that it is done in
// full when nothing is held of them any more.
func (s *Store) Stopped(ctx context.Context, request string, who ...thimble.SubjectID) error {
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		for _, one := range who {
			if _, err := tx.Exec(ctx, `insert into retention_stopped (subject_id, request, at) values ($1, $2, $3)
				on conflict (subject_id) do update set request = excluded.request`, one, request, s.now().UnixMicro()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("retention: noting a stopped erasure: %w", err)
	}
	return nil
}

// Rerun erases everybody whose erasure was stopped and of whom nothing is held any more.
// One that cannot be done now is tried again later.
func (s *Store) Rerun(ctx context.Context) (failed error) {
	var stopped []thimble.SubjectID
	err := s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		stopped, err = sqldb.Column[thimble.SubjectID](ctx, tx, `select subject_id from retention_stopped order by at, subject_id`)
		return err
	})
	if err != nil {
		return fmt.Errorf("retention: looking for stopped erasures: %w", err)
	}
	for _, who := range stopped {
		kept, err := s.Holding(ctx, who)
		if err != nil || len(kept) > 0 {
			failed = errors.Join(failed, err)
			continue
		}
		switch err := s.cfg.Erase(ctx, who); {
		case errors.Is(err, thimble.ErrNotFound): // with another subject of theirs
			err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
				_, err := tx.Exec(ctx, `delete from retention_stopped where subject_id = $1`, who)
				return err
			})
			failed = errors.Join(failed, err)
		case err != nil && !errors.Is(err, thimble.ErrConflict): // under way elsewhere
			failed = errors.Join(failed, err)
		}
	}
	if failed != nil {
		return fmt.Errorf("retention: erasing whom nothing is held of any more: %w", failed)
	}
	return nil
}

// Waiting returns how many erasures holds have stopped.
func (s *Store) Waiting(ctx context.Context) (n int, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(ctx, `select count(*) from retention_stopped`).Scan(&n)
	})
	if err != nil {
		return 0, fmt.Errorf("retention: counting stopped erasures: %w", err)
	}
	return n, nil
}

// StoppedOf are the requests, by their tokens, whose erasure of a subject leaves what is held.
func (s *Store) StoppedOf(ctx context.Context, who thimble.SubjectID) (requests []string, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		requests, err = sqldb.Column[string](ctx, tx, `select request from retention_stopped where subject_id = $1`, who)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("retention: looking for a stopped erasure: %w", err)
	}
	return requests, nil
}
