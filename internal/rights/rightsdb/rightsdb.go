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
	thimble.Static

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

// Finish implements rights.Store: the report and its leaf are durable together, once.
// The error is of kind ErrConflict when the request is not open any more.
// The request of an erased person no longer says whose it was.
func (s *Store) Finish(ctx context.Context, r rights.Request) error {
	record, err := r.Report.Marshal()
	if err != nil {
		return err
	}
	state, unlink := rights.Fulfilled, "others = null, "
	if r.Kind == rights.Erase {
		unlink += "subject_id = null, "
	}
	if r.Report.Refused != "" {
		state = rights.Refused
	}
	return s.db.Write(ctx, func(tx *sqldb.Tx) error {
		now := s.now()
		opening, err := s.ledger.Queue(ctx, tx, ledger.Entry{Class: classOf(r.Kind), At: now, Record: record})
		if err != nil {
			return err
		}
		kept, err := opening.MarshalBinary() // counts and hashes: nothing to seal
		if err != nil {
			return err
		}
		n, err := tx.Exec(ctx, `update rights_requests set `+unlink+`state = $5, done_at = $1, report = $2, opening = $3
			where id = $4 and state = 'executing'`, now.UnixMicro(), string(record), kept, r.ID, string(state))
		if err == nil && n == 0 {
			err = fmt.Errorf("rights: request %s is closed already: %w", r.ID.Token(rights.TokenPrefix), thimble.ErrConflict)
		}
		return err
	})
}

// classOf is the class of the leaf that closes a request of a kind.
func classOf(k rights.Kind) ledger.Class {
	if k == rights.Erase || k == rights.Expire {
		return ledger.Erasure
	}
	return ledger.Request
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

// Corrected returns the corrections that were made, in the order of their ids.
func (s *Store) Corrected(ctx context.Context, after thimble.ID, limit int) ([]rights.Request, error) {
	return s.list(ctx, `where kind = 'rectify' and state = 'fulfilled' and id > $1 order by id limit $2`, after[:], limit)
}

// Opening returns what opens the leaf of a finished request.
func (s *Store) Opening(ctx context.Context, id thimble.ID) (o ledger.Opening, err error) {
	var b []byte
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(ctx, `select opening from rights_requests where id = $1 and state <> 'executing'`, id).Scan(&b)
	})
	if err != nil {
		return o, fmt.Errorf("rights: the leaf of %s: %w", id.Token(rights.TokenPrefix), thimble.ErrNotFound)
	}
	return o, o.UnmarshalBinary(b)
}

func (s *Store) list(ctx context.Context, where string, args ...any) (all []rights.Request, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all, err = list(ctx, tx, where, args...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("rights: reading requests: %w", err)
	}
	return all, nil
}

func list(ctx context.Context, tx *sqldb.Tx, where string, args ...any) ([]rights.Request, error) {
	rows, err := tx.Query(ctx, `select id, subject_id, others, kind, state, at, coalesce(done_at, 0), report from rights_requests `+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []rights.Request
	for rows.Next() {
		var r rights.Request
		var at, done int64
		var report string
		var others []byte
		if err := rows.Scan(&r.ID, &r.Subject, &others, &r.Kind, &r.State, &at, &done, &report); err != nil {
			return nil, err
		}
		r.At, r.Others = time.UnixMicro(at).UTC(), split(others)
		if done != 0 {
			r.Done = time.UnixMicro(done).UTC()
		}
		if err := json.Unmarshal([]byte(report), &r.Report); err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, rows.Err()
}

// HolderName implements thimble.Holder.
func (s *Store) HolderName() string { return "rights" }

// Places implements thimble.Holder.
func (s *Store) Places() []thimble.Place {
	return []thimble.Place{{Kind: "table", Name: "rights_requests"}, {Kind: thimble.TablePlace, Name: "rights_tickets"}}
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
		for d, err := range s.exportTickets(ctx, who) {
			if !yield(d, err) {
				return
			}
		}
	}
}
