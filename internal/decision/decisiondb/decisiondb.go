// Package decisiondb keeps decisions, sealed under the key of whom they are about.
package decisiondb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"time"

	"thimble"
	"thimble/internal/decision"
	"thimble/internal/ledger"
	"thimble/internal/sqldb"
)

// A Ledger queues leaves in the caller's transaction. Commit makes leaves before it
// begins, and Enqueue queues them.
type Ledger interface {
	Commit(entries ...ledger.Entry) ([]ledger.Opening, error)
	Enqueue(ctx context.Context, tx *sqldb.Tx, openings ...ledger.Opening) error
	Queue(ctx context.Context, tx *sqldb.Tx, e ledger.Entry) (ledger.Opening, error)
}

// A Vault seals, and opens for the holder's export.
type Vault interface {
	thimble.Sealer
	Open(ctx context.Context, c thimble.Cell, sealed []byte) ([]byte, error)
}

// A Store keeps decisions. It is a thimble.Holder.
type Store struct {
	thimble.Static
	db        *sqldb.DB
	ledger    Ledger
	vault     Vault
	people    Subjects
	types     *decision.Types
	reviewing Reviewing
	group     group
}

// Subjects knows who exists; *subjectdb.Store does.
type Subjects interface {
	Alive(ctx context.Context, tx *sqldb.Tx, s thimble.SubjectID) (epoch int64, err error)
}

// New returns the store of a core database.
func New(db *sqldb.DB, l Ledger, v Vault, s Subjects) *Store {
	return &Store{db: db, ledger: l, vault: v, people: s}
}

// Knows tells which types of decisions there are: new ones of others are refused. It is
// called before the first use.
func (s *Store) Knows(types *decision.Types) { s.types = types }

// Types are the types that the store knows.
func (s *Store) Types() *decision.Types { return s.types }

// A Sealed decision says what is known of it without a grant.
type Sealed struct {
	ID         thimble.ID
	Subject    thimble.SubjectID // zero for a decision that concerns nobody
	Capability string
	At         time.Time
	Model      []byte // the model's hash
	About      decision.Kind
	Standing   decision.Standing
	Cause      string     // the token of the request because of which it counts no more
	Again      thimble.ID // the decision that was made in its place; zero for none

	body  []byte
	batch []byte // nil for a decision with a leaf of its own
	place int64
	path  *ledger.BatchPath
}

func cell(s thimble.SubjectID, id thimble.ID) thimble.Cell {
	return thimble.Cell{Owner: s, Table: "decision_decisions", Column: "body", Row: id[:], Category: thimble.AutomatedDecision}
}

// Get returns a decision, sealed.
func (s *Store) Get(ctx context.Context, id thimble.ID) (Sealed, error) {
	all, err := s.list(ctx, `where id = $1`, id)
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("decision: %s: %w", id.Token(decision.TokenPrefix), thimble.ErrNotFound)
	}
	if err != nil {
		return Sealed{}, err
	}
	return all[0], s.placed(ctx, &all[0])
}

// placed looks up where a decision lies in its batch.
func (s *Store) placed(ctx context.Context, d *Sealed) error {
	if d.batch == nil {
		return nil
	}
	b, err := s.batch(ctx, d.batch)
	if err == nil {
		d.path, err = ledger.ProveBatch(b.leaves, d.place, b.root)
	}
	if err != nil {
		return fmt.Errorf("decision: the batch of %s: %w", d.ID.Token(decision.TokenPrefix), err)
	}
	return nil
}

// Of returns the newest decisions about a person, sealed. A receipt needs [Store.Get].
func (s *Store) Of(ctx context.Context, subject thimble.SubjectID, limit int) ([]Sealed, error) {
	return s.list(ctx, `where subject_id = $1 order by at desc, id limit $2`, subject, limit)
}

// Recent returns the newest decisions, sealed.
func (s *Store) Recent(ctx context.Context, limit int) ([]Sealed, error) {
	return s.list(ctx, `order by at desc, id limit $1`, limit)
}

// Count returns how many decisions are kept.
func (s *Store) Count(ctx context.Context) (n int64, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(ctx, `select count(*) from decision_decisions`).Scan(&n)
	})
	return n, err
}

func (s *Store) list(ctx context.Context, where string, args ...any) ([]Sealed, error) {
	var all []Sealed
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, `select id, subject_id, capability, at, model, about, standing, cause, again, body, batch, place from decision_decisions `+where, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			d, err := scan(rows)
			if err != nil {
				return err
			}
			all = append(all, d)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("decision: reading: %w", err)
	}
	return all, nil
}

func scan(rows *sql.Rows) (d Sealed, err error) {
	var at int64
	var again []byte
	err = rows.Scan(&d.ID, &d.Subject, &d.Capability, &at, &d.Model, &d.About, &d.Standing, &d.Cause, &again, &d.body, &d.batch, &d.place)
	copy(d.Again[:], again)
	d.At = time.UnixMicro(at).UTC()
	return d, err
}

// Open opens a decision with what opens its leaf.
func Open(ctx context.Context, g thimble.Grant, d Sealed) (decision.Record, ledger.Opening, error) {
	return open(ctx, g, d)
}

// Peek opens a decision without believing it, for who does it again: see
// [decision.Record.Check].
func Peek(ctx context.Context, g thimble.Grant, d Sealed) (decision.Record, ledger.Opening, error) {
	return peek(ctx, g, d)
}

func peek(ctx context.Context, o ledger.Opener, d Sealed) (decision.Record, ledger.Opening, error) {
	opening, err := ledger.Unseal(ctx, o, cell(d.Subject, d.ID), d.body)
	if err != nil {
		return decision.Record{}, ledger.Opening{}, fmt.Errorf("decision: opening %s: %w", d.ID.Token(decision.TokenPrefix), err)
	}
	opening.Batch = d.path
	r, err := decision.Read(opening.Record)
	return r, opening, err
}

func open(ctx context.Context, o ledger.Opener, d Sealed) (decision.Record, ledger.Opening, error) {
	r, opening, err := peek(ctx, o, d)
	if err == nil {
		err = r.Check()
	}
	return r, opening, err
}

// HolderName implements thimble.Holder.
func (s *Store) HolderName() string { return "decision" }

// Places implements thimble.Holder.
func (s *Store) Places() []thimble.Place {
	return []thimble.Place{{Kind: "table", Name: "decision_decisions"}, {Kind: "table", Name: "decision_contests"}, {Kind: "table", Name: "decision_steps"}}
}

// Export implements thimble.Holder: each decision with its reasons.
func (s *Store) Export(ctx context.Context, subject thimble.SubjectID) iter.Seq2[thimble.Datum, error] {
	return func(yield func(thimble.Datum, error) bool) {
		all, err := s.list(ctx, `where subject_id = $1 order by at, id`, subject)
		for _, d := range all {
			r, _, openErr := open(ctx, s.vault, d)
			if openErr != nil {
				err = errors.Join(err, openErr)
				break
			}
			datum := thimble.Datum{Holder: s.HolderName(), Category: thimble.AutomatedDecision, Name: d.ID.Token(decision.TokenPrefix), Value: r, At: d.At}
			if !yield(datum, nil) {
				return
			}
		}
		if err != nil {
			yield(thimble.Datum{}, fmt.Errorf("decision: exporting a person: %w", err))
			return
		}
		for datum, err := range s.exportSteps(ctx, subject) {
			if !yield(datum, err) {
				return
			}
		}
	}
}

// Erase implements thimble.Holder.
func (s *Store) Erase(ctx context.Context, subject thimble.SubjectID) (thimble.Erasure, error) {
	var e thimble.Erasure
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		n, err := s.forget(ctx, tx, `d.subject_id = $1 and `+records.Free(), subject)
		if err != nil {
			return err
		}
		e.Erased = int(n)
		e.Kept, err = records.Kept(ctx, tx, `d.subject_id = $1`, subject)
		return err
	})
	if err != nil {
		return thimble.Erasure{}, fmt.Errorf("decision: erasing a person: %w", err)
	}
	return e, nil
}
