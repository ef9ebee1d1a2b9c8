// Package rightsdb keeps the requests of people about their data.
package rightsdb

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"time"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/rights"
	"thimble/internal/sqldb"
)

// A Ledger queues leaves in the caller's transaction.
type Ledger interface {
	Queue(ctx context.Context, tx *sqldb.Tx, e ledger.Entry) (ledger.Opening, error)
}

// Subjects knows who exists; *subjectdb.Store does.
type Subjects interface {
	Alive(ctx context.Context, tx *sqldb.Tx, s thimble.SubjectID) (epoch int64, err error)
}

// A Store keeps requests. It is a rights.Store and a thimble.Holder.
type Store struct {
	db       *sqldb.DB
	ledger   Ledger
	subjects Subjects
	now      func() time.Time
}

// New returns the store of a core database. A nil clock means time.Now.
func New(db *sqldb.DB, l Ledger, s Subjects, now func() time.Time) *Store {
	if now == nil {
		now = time.Now
	}
	return &Store{db: db, ledger: l, subjects: s, now: now}
}

// Begin implements rights.Store. An unknown or forgotten person is of kind
// ErrNotFound, unless their erasure is still open: then that one is returned.
func (s *Store) Begin(ctx context.Context, who thimble.SubjectID, k rights.Kind) (rights.Request, error) {
	if k == rights.Erase {
		open, err := s.list(ctx, `where subject_id = $1 and kind = 'erase' and state = 'executing' order by at, id`, who)
		if err != nil || len(open) > 0 {
			return first(open), err
		}
	}
	id, err := thimble.NewID(nil)
	if err != nil {
		return rights.Request{}, err
	}
	now := s.now().UTC().Truncate(time.Microsecond)
	r := rights.Request{ID: id, Subject: who, Kind: k, State: rights.Executing, At: now,
		Report: rights.Report{Request: id.Token(rights.TokenPrefix), Kind: k, At: now}}
	report, err := json.Marshal(r.Report)
	if err != nil {
		return r, err
	}
	return r, s.db.Write(ctx, func(tx *sqldb.Tx) error {
		if _, err := s.subjects.Alive(ctx, tx, who); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `insert into rights_requests (id, subject_id, kind, state, at, report, opening) values ($1, $2, $3, 'executing', $4, $5, $6)`,
			r.ID, r.Subject, string(r.Kind), now.UnixMicro(), string(report), []byte{})
		return err
	})
}

func first(all []rights.Request) (r rights.Request) {
	if len(all) > 0 {
		r = all[0]
	}
	return r
}

// Note implements rights.Store: what was found out so far survives a crash.
func (s *Store) Note(ctx context.Context, r rights.Request) error {
	report, err := json.Marshal(r.Report)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, `update rights_requests set report = $1 where id = $2 and state = 'executing'`, string(report), r.ID)
		return err
	})
}

// Finish implements rights.Store: the report and its leaf are durable together, once.
// The error is of kind ErrConflict when the request is not open any more.
// The request of an erased person no longer says whose it was.
func (s *Store) Finish(ctx context.Context, r rights.Request) error {
	record, err := r.Report.Marshal()
	if err != nil {
		return err
	}
	class := ledger.Request
	unlink := ""
	if r.Kind == rights.Erase {
		class, unlink = ledger.Erasure, "subject_id = null, "
	}
	return s.db.Write(ctx, func(tx *sqldb.Tx) error {
		now := s.now()
		opening, err := s.ledger.Queue(ctx, tx, ledger.Entry{Class: class, At: now, Record: record})
		if err != nil {
			return err
		}
		kept, err := opening.MarshalBinary() // counts and hashes: nothing to seal
		if err != nil {
			return err
		}
		n, err := tx.Exec(ctx, `update rights_requests set `+unlink+`state = 'fulfilled', done_at = $1, report = $2, opening = $3
			where id = $4 and state = 'executing'`, now.UnixMicro(), string(record), kept, r.ID)
		if err == nil && n == 0 {
			err = fmt.Errorf("rights: request %s is closed already: %w", r.ID.Token(rights.TokenPrefix), thimble.ErrConflict)
		}
		return err
	})
}

// Open implements rights.Store: the requests that are not done, oldest first.
func (s *Store) Open(ctx context.Context) ([]rights.Request, error) {
	return s.list(ctx, `where state = 'executing' order by at, id`)
}

// List returns the newest requests.
func (s *Store) List(ctx context.Context, limit int) ([]rights.Request, error) {
	return s.list(ctx, `order by at desc, id limit $1`, limit)
}

// Of returns the newest requests of a person.
func (s *Store) Of(ctx context.Context, who thimble.SubjectID, limit int) ([]rights.Request, error) {
	return s.list(ctx, `where subject_id = $1 order by at desc, id limit $2`, who, limit)
}

// Opening returns what opens the leaf of a finished request.
func (s *Store) Opening(ctx context.Context, id thimble.ID) (o ledger.Opening, err error) {
	var b []byte
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(ctx, `select opening from rights_requests where id = $1 and state = 'fulfilled'`, id).Scan(&b)
	})
	if err != nil {
		return o, fmt.Errorf("rights: the leaf of %s: %w", id.Token(rights.TokenPrefix), thimble.ErrNotFound)
	}
	return o, o.UnmarshalBinary(b)
}

func (s *Store) list(ctx context.Context, where string, args ...any) ([]rights.Request, error) {
	var all []rights.Request
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, `select id, subject_id, kind, state, at, coalesce(done_at, 0), report from rights_requests `+where, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var r rights.Request
			var at, done int64
			var report string
			if err := rows.Scan(&r.ID, &r.Subject, &r.Kind, &r.State, &at, &done, &report); err != nil {
				return err
			}
			r.At = time.UnixMicro(at).UTC()
			if done != 0 {
				r.Done = time.UnixMicro(done).UTC()
			}
			if err := json.Unmarshal([]byte(report), &r.Report); err != nil {
				return err
			}
			all = append(all, r)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("rights: reading requests: %w", err)
	}
	return all, nil
}

// HolderName implements thimble.Holder.
func (s *Store) HolderName() string { return "rights" }

// Places implements thimble.Holder.
func (s *Store) Places() []thimble.Place {
	return []thimble.Place{{Kind: "table", Name: "rights_requests"}}
}

// Export implements thimble.Holder: what the person asked for.
func (s *Store) Export(ctx context.Context, who thimble.SubjectID) iter.Seq2[thimble.Datum, error] {
	return func(yield func(thimble.Datum, error) bool) {
		all, err := s.list(ctx, `where subject_id = $1 order by at, id`, who)
		if err != nil {
			yield(thimble.Datum{}, err)
			return
		}
		for _, r := range all {
			d := thimble.Datum{Holder: s.HolderName(), Category: thimble.PrivacyPreferences, Name: string(r.Kind), Value: map[string]any{"state": r.State}, At: r.At}
			if !yield(d, nil) {
				return
			}
		}
	}
}

// Erase implements thimble.Holder: requests are unlinked from the person, but for
// the erasure itself, which is unlinked when it is done.
func (s *Store) Erase(ctx context.Context, who thimble.SubjectID) (thimble.Erasure, error) {
	var n int64
	err := s.db.Write(ctx, func(tx *sqldb.Tx) (err error) {
		n, err = tx.Exec(ctx, `update rights_requests set subject_id = null where subject_id = $1 and (state = 'fulfilled' or kind = 'access')`, who)
		return err
	})
	if err != nil {
		return thimble.Erasure{}, fmt.Errorf("rights: erasing %s: %w", who, err)
	}
	return thimble.Erasure{Erased: int(n)}, nil
}
