// Package consentdb keeps consent events, their current state and the notices
// that were shown.
package consentdb

import (
	"context"
	"fmt"
	"time"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/ledger"
	"thimble/internal/policy"
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

// Subjects moves a person's epoch: whatever enters a verdict moves it.
type Subjects interface {
	Touch(ctx context.Context, tx *sqldb.Tx, s thimble.SubjectID) (int64, error)
}

// A Law is what a choice is recorded under; *policy.Law is one, and *policy.Pack.
type Law interface {
	Find(use thimble.Purpose, categories ...thimble.Category) policy.Finding
	Packs() []string // the references of the packs it is made of
	Digest() [8]byte
}

// A Store keeps consent. It is a thimble.Holder.
type Store struct {
	db         *sqldb.DB
	ledger     Ledger
	vault      Vault
	subjects   Subjects
	pack       *policy.Pack
	now        func() time.Time
	ages       func(ctx context.Context, tx *sqldb.Tx, s thimble.SubjectID) (consent.Age, error)
	residences func(ctx context.Context, s thimble.SubjectID) (string, error)
	laws       func(ctx context.Context, tx *sqldb.Tx, s thimble.SubjectID) (Law, error)
	// changed runs in the transaction that records choices.
	changed []func(context.Context, *sqldb.Tx, []consent.Event) error
}

// New returns the store of a core database. A nil clock means time.Now.
func New(db *sqldb.DB, l Ledger, v Vault, s Subjects, p *policy.Pack, now func() time.Time) *Store {
	if now == nil {
		now = time.Now
	}
	return &Store{db: db, ledger: l, vault: v, subjects: s, pack: p, now: now}
}

// Laws has the store ask which law protects somebody, so that an event names the packs
// it was recorded under. Nil, as before the call, takes the pack given to [New] for
// everybody. It is called while the store is wired.
func (s *Store) Laws(f func(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID) (Law, error)) {
	s.laws = f
}

// OnChange has f run in each transaction that records choices, so that what must
// follow from a choice is queued with it or not at all. It is called while the
// store is wired, before the first choice.
func (s *Store) OnChange(f func(context.Context, *sqldb.Tx, []consent.Event) error) {
	s.changed = append(s.changed, f)
}

func stamp(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us)
}

// Permitting returns up to limit people, after the given one in the order of their
// ids, of whom some yes to the purpose is in force at an instant: the gate asks of
// each how far it reaches.
func (s *Store) Permitting(ctx context.Context, p thimble.Purpose, at time.Time, after thimble.SubjectID, limit int) ([]thimble.SubjectID, error) {
	var all []thimble.SubjectID
	err := s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		all, err = sqldb.Column[thimble.SubjectID](ctx, tx, `select distinct subject_id from consent_state
			where purpose = $1 and state in ('given', 'renewed') and (expires_at = 0 or expires_at > $2) and subject_id > $3
			order by subject_id limit $4`, string(p), at.UnixMicro(), after[:], limit)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("consent: listing who permits %s: %w", p, err)
	}
	return all, nil
}

// Expired reports whether a consent to a purpose has ended by itself since a moment.
func (s *Store) Expired(ctx context.Context, p thimble.Purpose, since time.Time) (expired bool, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		var n int
		err := tx.QueryRow(ctx, `select count(*) from consent_state
			where purpose = $1 and state in ('given', 'renewed') and expires_at > $2 and expires_at <= $3`, string(p), since.UnixMicro(), s.now().UnixMicro()).Scan(&n)
		expired = n > 0
		return err
	})
	if err != nil {
		return false, fmt.Errorf("consent: looking for what ran out: %w", err)
	}
	return expired, nil
}

// Counts returns how many people are in each state of a purpose, by their choice for
// everything.
func (s *Store) Counts(ctx context.Context, p thimble.Purpose) (map[consent.State]int, error) {
	counts := map[consent.State]int{}
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		clear(counts)
		rows, err := tx.Query(ctx, `select case when state in ('given', 'renewed') and expires_at <> 0 and expires_at <= $1 then 'expired' else state end, count(*)
			from consent_state where purpose = $2 and scope = '' group by 1`, s.now().UnixMicro(), string(p))
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var st consent.State
			var n int
			if err := rows.Scan(&st, &n); err != nil {
				return err
			}
			counts[st] = n
		}
		return rows.Err()
	})
	return counts, err
}
