// Package decisiondb keeps decisions, sealed under the key of whom they are about.
package decisiondb

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"time"

	"thimble"
	"thimble/internal/decision"
	"thimble/internal/ledger"
	"thimble/internal/sqldb"
)

// A Ledger queues leaves in the caller's transaction.
type Ledger interface {
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
	db     *sqldb.DB
	ledger Ledger
	vault  Vault
	people Subjects
}

// Subjects knows who exists; *subjectdb.Store does.
type Subjects interface {
	Alive(ctx context.Context, tx *sqldb.Tx, s thimble.SubjectID) (epoch int64, err error)
}

// New returns the store of a core database.
func New(db *sqldb.DB, l Ledger, v Vault, s Subjects) *Store {
	return &Store{db: db, ledger: l, vault: v, people: s}
}

// A Sealed decision says what is known of it without a grant.
type Sealed struct {
	ID         thimble.ID
	Subject    thimble.SubjectID
	Capability string
	At         time.Time
	Model      []byte // the model's hash

	body []byte
}

// Keep checks a record, keeps it with its leaf in one durable transaction, and
// returns its id. Epoch is that of the verdict which allowed the decision: the
// error is of kind ErrDenied when the person has changed their mind since, and
// ErrNotFound when they were erased.
func (s *Store) Keep(ctx context.Context, r decision.Record, policy [8]byte, epoch int64) (thimble.ID, error) {
	id, err := thimble.NewID(nil)
	if err != nil {
		return id, err
	}
	if err := r.Check(); err != nil {
		return id, err
	}
	record, err := r.Marshal()
	if err != nil {
		return id, err
	}
	model, err := hex.DecodeString(r.Model.SHA256)
	if err != nil {
		return id, fmt.Errorf("decision: model hash: hexadecimal was expected: %w", thimble.ErrInvalid)
	}
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		now, err := s.people.Alive(ctx, tx, r.Subject)
		if err == nil && now != epoch {
			err = fmt.Errorf("the person's choices have changed: %w", thimble.ErrDenied)
		}
		if err != nil {
			return err
		}
		opening, err := s.ledger.Queue(ctx, tx, ledger.Entry{Class: ledger.Decision, At: r.At, Model: r.Model.Digest(), Policy: policy, Record: record})
		if err != nil {
			return err
		}
		body, err := opening.Seal(ctx, s.vault, cell(r.Subject, id))
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `insert into decision_decisions (id, subject_id, capability, at, model, body) values ($1, $2, $3, $4, $5, $6)`,
			id, r.Subject, r.Capability, r.At.UnixMicro(), model, body)
		return err
	})
	if err != nil {
		return id, fmt.Errorf("decision: keeping a %s decision: %w", r.Capability, err)
	}
	return id, nil
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
	return all[0], nil
}

// Of returns the newest decisions about a person, sealed.
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
		rows, err := tx.Query(ctx, `select id, subject_id, capability, at, model, body from decision_decisions `+where, args...)
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
	err = rows.Scan(&d.ID, &d.Subject, &d.Capability, &at, &d.Model, &d.body)
	d.At = time.UnixMicro(at).UTC()
	return d, err
}

// Open opens a decision with what opens its leaf.
func Open(ctx context.Context, g thimble.Grant, d Sealed) (decision.Record, ledger.Opening, error) {
	return open(ctx, g, d)
}

func open(ctx context.Context, o ledger.Opener, d Sealed) (decision.Record, ledger.Opening, error) {
	opening, err := ledger.Unseal(ctx, o, cell(d.Subject, d.ID), d.body)
	if err != nil {
		return decision.Record{}, ledger.Opening{}, fmt.Errorf("decision: opening %s: %w", d.ID.Token(decision.TokenPrefix), err)
	}
	r, err := decision.Unmarshal(opening.Record)
	return r, opening, err
}

// HolderName implements thimble.Holder.
func (s *Store) HolderName() string { return "decision" }

// Places implements thimble.Holder.
func (s *Store) Places() []thimble.Place {
	return []thimble.Place{{Kind: "table", Name: "decision_decisions"}}
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
			yield(thimble.Datum{}, fmt.Errorf("decision: exporting %s: %w", subject, err))
		}
	}
}

// Erase implements thimble.Holder.
func (s *Store) Erase(ctx context.Context, subject thimble.SubjectID) (thimble.Erasure, error) {
	var n int64
	err := s.db.Write(ctx, func(tx *sqldb.Tx) (err error) {
		n, err = tx.Exec(ctx, `delete from decision_decisions where subject_id = $1`, subject)
		return err
	})
	if err != nil {
		return thimble.Erasure{}, fmt.Errorf("decision: erasing %s: %w", subject, err)
	}
	return thimble.Erasure{Erased: int(n)}, nil
}
