// Package recommenddb keeps the versions of the recommender: which model file
// serves, from which recipe and how much data, and the leaf that recorded it.
package recommenddb

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/recommend"
	"thimble/internal/sqldb"
)

// A Ledger queues leaves in the caller's transaction, and knows which acts on files
// are announced; *ledgerdb.Log is one.
type Ledger interface {
	Queue(ctx context.Context, tx *sqldb.Tx, e ledger.Entry) (ledger.Opening, error)
	Intend(ctx context.Context, tx *sqldb.Tx, a ledger.Act) (ledger.Intent, error)
	Complete(ctx context.Context, tx *sqldb.Tx, i ledger.Intent, outcome json.RawMessage) error
	Act(ctx context.Context, a ledger.Act, do ledger.Performer) error
	Perform(ctx context.Context, i ledger.Intent, do ledger.Performer) error
}

// A Store keeps versions. No row of it is about a person; the model files are
// held by package lists.
type Store struct {
	db     *sqldb.DB
	ledger Ledger
}

// New returns the store of a core database.
func New(db *sqldb.DB, l Ledger) *Store { return &Store{db: db, ledger: l} }

// A Version is one trained model.
type Version struct {
	Number    int64
	Hash      [sha256.Size]byte // of the model file
	Recipe    string            // canonical JSON
	Stats     recommend.Stats
	Bytes     int
	Took      time.Duration
	Reason    string // why it was trained
	TrainedAt time.Time
	Serving   bool
	Opening   ledger.Opening
	// Withdrawn is when the version was withdrawn without a successor; zero if not.
	Withdrawn time.Time
}

// release is the record of a version: what its leaf commits to.
type release struct {
	Model   string          `json:"model"`
	Version int64           `json:"version"`
	SHA256  string          `json:"sha256"`
	Before  string          `json:"before,omitempty"` // the hash it replaces
	Recipe  json.RawMessage `json:"recipe"`
	Stats   recommend.Stats `json:"stats"`
	Reason  string          `json:"reason"`
	At      time.Time       `json:"at"`
}

// ModelName is the name of the recommender in records.
const ModelName = "item-item"

// Release makes v the serving version, numbers it, closes the act that keeps its file,
// queues its leaf, and announces that the replaced files are destroyed, in one
// transaction. Perform the act it returns next; it is nil when nothing is replaced.
func (s *Store) Release(ctx context.Context, v Version, keep ledger.Intent, replaced [][sha256.Size]byte) (Version, *ledger.Intent, error) {
	var destroy *ledger.Intent
	err := s.db.Write(ctx, func(tx *sqldb.Tx) (err error) {
		if v, err = s.release(ctx, tx, v); err != nil {
			return err
		}
		outcome, err := json.Marshal(kept{Kept: true, Version: v.Number})
		if err == nil {
			err = s.ledger.Complete(ctx, tx, keep, outcome)
		}
		if err != nil || len(replaced) == 0 {
			return err
		}
		a, err := destruction(replaced)
		if err != nil {
			return err
		}
		i, err := s.ledger.Intend(ctx, tx, a)
		destroy = &i
		return err
	})
	if err != nil {
		return v, nil, fmt.Errorf("recommend: releasing a version: %w", err)
	}
	return v, destroy, nil
}

func (s *Store) release(ctx context.Context, tx *sqldb.Tx, v Version) (Version, error) {
	before, err := serving(ctx, tx)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return v, err
	}
	if err := tx.QueryRow(ctx, `select coalesce(max(version), 0) + 1 from recommend_versions`).Scan(&v.Number); err != nil {
		return v, err
	}
	r := release{Model: ModelName, Version: v.Number, SHA256: fmt.Sprintf("%x", v.Hash), Recipe: json.RawMessage(v.Recipe), Stats: v.Stats, Reason: v.Reason, At: v.TrainedAt}
	if before.Number > 0 {
		r.Before = fmt.Sprintf("%x", before.Hash)
	}
	record, err := json.Marshal(r)
	if err != nil {
		return v, err
	}
	v.Opening, err = s.ledger.Queue(ctx, tx, ledger.Entry{Class: ledger.Model, At: v.TrainedAt, Model: [8]byte(v.Hash[:8]), Record: record})
	if err != nil {
		return v, err
	}
	if _, err := tx.Exec(ctx, `update recommend_versions set serving = 0 where serving = 1`); err != nil {
		return v, err
	}
	v.Serving = true
	return v, insert(ctx, tx, v)
}

func insert(ctx context.Context, tx *sqldb.Tx, v Version) error {
	opening, err := v.Opening.MarshalBinary() // counts and hashes only: nothing to seal
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `insert into recommend_versions
		(version, model, recipe, people, items, interactions, weights, bytes, train_ms, reason, trained_at, opening, serving)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 1)`,
		v.Number, v.Hash[:], v.Recipe, v.Stats.People, v.Stats.Items, v.Stats.Interactions, v.Stats.NonZeros, v.Bytes,
		v.Took.Milliseconds(), v.Reason, v.TrainedAt.UnixMicro(), opening)
	return err
}

const columns = `version, model, recipe, people, items, interactions, weights, bytes, train_ms, reason, trained_at, opening, serving, coalesce(withdrawn_at, 0)`

type row interface{ Scan(...any) error }

func scan(r row) (v Version, err error) {
	var hash, opening []byte
	var ms, at, serves, withdrawn int64
	err = r.Scan(&v.Number, &hash, &v.Recipe, &v.Stats.People, &v.Stats.Items, &v.Stats.Interactions, &v.Stats.NonZeros, &v.Bytes, &ms, &v.Reason, &at, &opening, &serves, &withdrawn)
	if err != nil {
		return v, err
	}
	if len(hash) != sha256.Size {
		return v, fmt.Errorf("recommend: a stored hash of %d bytes: %w", len(hash), thimble.ErrInvalid)
	}
	v.Hash, v.Took, v.TrainedAt, v.Serving = [sha256.Size]byte(hash), time.Duration(ms)*time.Millisecond, time.UnixMicro(at).UTC(), serves == 1
	if withdrawn != 0 {
		v.Withdrawn = time.UnixMicro(withdrawn).UTC()
	}
	return v, v.Opening.UnmarshalBinary(opening)
}

func serving(ctx context.Context, tx *sqldb.Tx) (Version, error) {
	return scan(tx.QueryRow(ctx, `select `+columns+` from recommend_versions where serving = 1`))
}

// Serving returns the version that serves; the error is of kind ErrNotFound when
// none does.
func (s *Store) Serving(ctx context.Context) (v Version, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		v, err = serving(ctx, tx)
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("recommend: no version serves: %w", thimble.ErrNotFound)
	}
	return v, err
}

// List returns the newest versions.
func (s *Store) List(ctx context.Context, limit int) ([]Version, error) {
	var all []Version
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, `select `+columns+` from recommend_versions order by version desc limit $1`, limit)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			v, err := scan(rows)
			if err != nil {
				return err
			}
			all = append(all, v)
		}
		return rows.Err()
	})
	return all, err
}
