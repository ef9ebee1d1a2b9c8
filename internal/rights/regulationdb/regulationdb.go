// Package regulationdb keeps regulations in the core database, and has the cases that they
// become begun. Package regulation says what a regulation is. No row of it is about a
// person.
package regulationdb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"thimble"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/casesdb"
	"thimble/internal/rights/regulation"
	"thimble/internal/sqldb"
	"thimble/internal/subject"
)

// People finds whom ids are about, and keeps out whom they are not; *subjectdb.Store does.
type People interface {
	FindAll(ctx context.Context, ids []subject.Identifier) ([]thimble.SubjectID, error)
	Suppress(ctx context.Context, tx *sqldb.Tx, ids ...subject.Identifier) error
}

// A Store keeps regulations.
type Store struct {
	db     *sqldb.DB
	people People
	cases  *casesdb.Store
	now    func() time.Time
}

// New returns the store of a core database.
func New(db *sqldb.DB, p People, c *casesdb.Store, now func() time.Time) *Store {
	if now == nil {
		now = time.Now
	}
	return &Store{db, p, c, now}
}

// Add keeps a regulation, with a case for each id that leads to somebody: all of it or
// nothing. The cases are begun by [Store.Begin].
func (s *Store) Add(ctx context.Context, v regulation.Verb, kind string, ids []subject.Identifier, key string) (r regulation.Regulation, err error) {
	found, err := s.people.FindAll(ctx, ids)
	if err == nil {
		r.ID, err = thimble.NewID(nil)
	}
	if err != nil {
		return r, fmt.Errorf("regulation: adding one: %w", err)
	}
	r.Verb, r.Type, r.Key, r.At = v, kind, key, s.now().UTC().Truncate(time.Microsecond)
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		r.Unknown, r.Untouched, r.Cases = 0, 0, nil
		seen := map[thimble.SubjectID]bool{}
		for i, who := range found {
			if who.IsZero() {
				if err := s.unknown(ctx, tx, &r, ids[i]); err != nil {
					return err
				}
				continue
			}
			if !seen[who] {
				seen[who] = true
				if err := s.open(ctx, tx, &r, who); err != nil {
					return err
				}
			}
		}
		_, err := tx.Exec(ctx, `insert into regulation_regulations (id, verb, type, key_name, at, unknown, untouched) values ($1, $2, $3, $4, $5, $6, $7)`,
			r.ID, string(r.Verb), r.Type, r.Key, r.At.UnixMicro(), r.Unknown, r.Untouched)
		return err
	})
	if err != nil {
		return r, fmt.Errorf("regulation: adding one: %w", err)
	}
	return r, nil
}

// unknown notes an id that leads to nobody.
func (s *Store) unknown(ctx context.Context, tx *sqldb.Tx, r *regulation.Regulation, id subject.Identifier) error {
	r.Unknown++
	if !r.Verb.Suppresses() {
		return nil
	}
	return s.people.Suppress(ctx, tx, id)
}

// open opens the case of one person.
func (s *Store) open(ctx context.Context, tx *sqldb.Tx, r *regulation.Regulation, who thimble.SubjectID) error {
	if r.Verb.Kind() == cases.Lift {
		ours, err := s.restricted(ctx, tx, who)
		if err != nil {
			return err
		}
		if !ours {
			r.Untouched++
			return nil
		}
	}
	c, err := s.cases.OpenTx(ctx, tx, casesdb.Asked{Subject: who, Kind: r.Verb.Kind(), Via: cases.System, Proof: cases.Vouched, By: cases.TheShop, Words: thimble.Hide("")})
	if err != nil {
		return err
	}
	r.Cases = append(r.Cases, regulation.Of{ID: c.ID, State: c.State})
	_, err = tx.Exec(ctx, `insert into regulation_cases (regulation_id, case_id) values ($1, $2)`, r.ID, c.ID)
	return err
}

// restricted reports whether the newest limit of somebody was made by a regulation, and
// not by themselves or by staff.
func (s *Store) restricted(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID) (bool, error) {
	newest, found, err := s.cases.NewestTx(ctx, tx, who, cases.Restrict, cases.Lift)
	if err != nil || !found || newest.Kind != cases.Restrict {
		return false, err
	}
	var n int
	err = tx.QueryRow(ctx, `select count(*) from regulation_cases where case_id = $1`, newest.ID).Scan(&n)
	return n > 0, err
}

// Begin begins what regulations ask for and may be begun by now, and returns how much that
// was: what waits after a new e-mail address is looked at again.
func (s *Store) Begin(ctx context.Context) (begun int, failed error) {
	var ids []thimble.ID
	err := s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		ids, err = scanIDs(ctx, tx, `select case_id from regulation_cases join cases_requests on id = case_id where state = 'received' order by at, case_id limit 5000`)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("regulation: reading what is to be begun: %w", err)
	}
	for _, id := range ids {
		_, err := s.cases.Accept(ctx, id, cases.TheShop, "")
		switch {
		case err == nil:
			begun++
		case !errors.Is(err, thimble.ErrConflict) && !errors.Is(err, thimble.ErrNotFound):
			failed = errors.Join(failed, err)
		}
	}
	return begun, failed
}

func scanIDs(ctx context.Context, tx *sqldb.Tx, query string, args ...any) (ids []thimble.ID, err error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id thimble.ID
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// Withdraw takes a regulation back of which nothing is begun. The error is of kind
// ErrConflict otherwise.
func (s *Store) Withdraw(ctx context.Context, id thimble.ID) error {
	r, err := s.Get(ctx, id)
	if err == nil && r.Status() != regulation.Initialized {
		err = fmt.Errorf("regulation: it is %s: %w", r.Status(), thimble.ErrConflict)
	}
	if err != nil {
		return err
	}
	for _, c := range r.Cases {
		if _, err := s.cases.Do(ctx, c.ID, cases.Event{What: cases.Withdrawn, By: cases.TheShop}, thimble.Hide("")); err != nil {
			return err
		}
	}
	return nil
}

const columns = `select id, verb, type, key_name, at, unknown, untouched from regulation_regulations `

// Get returns a regulation. The error is of kind ErrNotFound when there is none.
func (s *Store) Get(ctx context.Context, id thimble.ID) (regulation.Regulation, error) {
	all, err := s.list(ctx, `where id = $1`, id)
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("regulation: %s: %w", id.Token(regulation.TokenPrefix), thimble.ErrNotFound)
	}
	if err != nil {
		return regulation.Regulation{}, err
	}
	return all[0], nil
}

// A Place is where a page begins: before this one. The zero value is the newest.
type Place struct {
	At time.Time
	ID thimble.ID
}

// List returns a page of regulations, the newest first.
func (s *Store) List(ctx context.Context, before Place, limit int) ([]regulation.Regulation, error) {
	if before.At.IsZero() {
		return s.list(ctx, `order by at desc, id desc limit $1`, limit)
	}
	return s.list(ctx, `where (at, id) < ($1, $2) order by at desc, id desc limit $3`, before.At.UnixMicro(), before.ID, limit)
}

func (s *Store) list(ctx context.Context, where string, args ...any) (all []regulation.Regulation, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, columns+where, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var r regulation.Regulation
			var at int64
			if err := rows.Scan(&r.ID, &r.Verb, &r.Type, &r.Key, &at, &r.Unknown, &r.Untouched); err != nil {
				return err
			}
			r.At = time.UnixMicro(at).UTC()
			all = append(all, r)
		}
		if err := rows.Err(); err != nil {
			return err
		}
		for i := range all {
			if err := of(ctx, tx, &all[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("regulation: reading: %w", err)
	}
	return all, nil
}

// of reads where the cases of a regulation are.
func of(ctx context.Context, tx *sqldb.Tx, r *regulation.Regulation) error {
	rows, err := tx.Query(ctx, `select id, state, coalesce(closed_at, 0) from cases_requests where id in (select case_id from regulation_cases where regulation_id = $1)`, r.ID)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var c regulation.Of
		var closed int64
		if err := rows.Scan(&c.ID, &c.State, &closed); err != nil {
			return err
		}
		if closed != 0 {
			c.Closed = time.UnixMicro(closed).UTC()
		}
		r.Cases = append(r.Cases, c)
	}
	return rows.Err()
}
