// Package consentdb keeps consent events, their current state and the notices
// that were shown.
package consentdb

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
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

// A Store keeps consent. It is a thimble.Holder.
type Store struct {
	db       *sqldb.DB
	ledger   Ledger
	vault    Vault
	subjects Subjects
	pack     *policy.Pack
	now      func() time.Time
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

// OnChange has f run in each transaction that records choices, so that what must
// follow from a choice is queued with it or not at all. It is called while the
// store is wired, before the first choice.
func (s *Store) OnChange(f func(context.Context, *sqldb.Tx, []consent.Event) error) {
	s.changed = append(s.changed, f)
}

// How says how the choices were made.
type How struct {
	Notice consent.Notice
	UI     consent.UI
	By     consent.By
	// Since is when the choices were made, where they are recorded later: a given
	// consent lives from then. Zero means now.
	Since time.Time
}

// A Recorded is one recorded event with what opens its leaf.
type Recorded struct {
	Event   consent.Event
	Opening ledger.Opening
}

// Record adds one event per choice, in one durable transaction, and returns them.
// The error is of kind ErrInvalid for a choice that is none, ErrDenied for a
// person whose key is gone.
func (s *Store) Record(ctx context.Context, who thimble.SubjectID, choices []consent.Choice, how How) ([]Recorded, error) {
	var all []Recorded
	err := s.db.Write(ctx, func(tx *sqldb.Tx) (err error) {
		all, err = s.RecordTx(ctx, tx, who, choices, how)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("consent: recording for %s: %w", who, err)
	}
	return all, nil
}

// RecordTx is Record in the caller's transaction, for batches.
func (s *Store) RecordTx(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID, choices []consent.Choice, how How) ([]Recorded, error) {
	if err := s.keepNotice(ctx, tx, how.Notice); err != nil {
		return nil, err
	}
	seq, err := last(ctx, tx, who)
	if err != nil {
		return nil, err
	}
	all := make([]Recorded, 0, len(choices))
	for i, c := range choices {
		r, err := s.record(ctx, tx, who, seq+1+int64(i), c, how)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, s.follow(ctx, tx, who, all)
}

// follow does what follows from choices: the epoch moves, and whoever asked is told.
func (s *Store) follow(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID, all []Recorded) error {
	if _, err := s.subjects.Touch(ctx, tx, who); err != nil {
		return err
	}
	events := make([]consent.Event, len(all))
	for i, r := range all {
		events[i] = r.Event
	}
	for _, f := range s.changed {
		if err := f(ctx, tx, events); err != nil {
			return err
		}
	}
	return nil
}

// last returns the number of a person's last event.
func last(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID) (seq int64, err error) {
	err = tx.QueryRow(ctx, `select coalesce(max(seq), 0) from consent_events where subject_id = $1`, who).Scan(&seq)
	return seq, err
}

func (s *Store) record(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID, seq int64, c consent.Choice, how How) (Recorded, error) {
	if err := c.Check(); err != nil {
		return Recorded{}, err
	}
	return s.write(ctx, tx, who, seq, c, how)
}

// write records a choice that was checked.
func (s *Store) write(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID, seq int64, c consent.Choice, how How) (Recorded, error) {
	found := s.pack.Find(c.Purpose)
	e := consent.Event{
		V: 1, Subject: who, Seq: seq, Purpose: c.Purpose, State: c.State, At: s.now().UTC().Truncate(time.Microsecond),
		Notice: how.Notice.Ref(), UI: how.UI, By: how.By, Basis: found.Basis, Packs: []string{s.pack.Ref()},
	}
	if c.State == consent.Given {
		e.Expires = e.At.Add(consent.Lives)
		if !how.Since.IsZero() && how.Since.Before(e.At) {
			e.Expires = how.Since.UTC().Truncate(time.Microsecond).Add(consent.Lives)
		}
	}
	record, err := e.Marshal()
	if err != nil {
		return Recorded{}, err
	}
	opening, err := s.ledger.Queue(ctx, tx, ledger.Entry{Class: ledger.Consent, At: e.At, Policy: s.pack.Digest(), Record: record})
	if err != nil {
		return Recorded{}, err
	}
	body, err := opening.Seal(ctx, s.vault, cell(who, seq))
	if err != nil {
		return Recorded{}, err
	}
	_, err = tx.Exec(ctx, `insert into consent_events (subject_id, seq, body, at) values ($1, $2, $3, $4)`, who, seq, body, e.At.UnixMicro())
	if err != nil {
		return Recorded{}, err
	}
	return Recorded{Event: e, Opening: opening}, s.setState(ctx, tx, e)
}

func (s *Store) setState(ctx context.Context, tx *sqldb.Tx, e consent.Event) error {
	var expires int64
	if !e.Expires.IsZero() {
		expires = e.Expires.UnixMicro()
	}
	_, err := tx.Exec(ctx, `insert into consent_state (subject_id, purpose, state, seq, at, expires_at) values ($1, $2, $3, $4, $5, $6)
		on conflict (subject_id, purpose) do update set state = excluded.state, seq = excluded.seq, at = excluded.at, expires_at = excluded.expires_at`,
		e.Subject, string(e.Purpose), string(e.State), e.Seq, e.At.UnixMicro(), expires)
	return err
}

func (s *Store) keepNotice(ctx context.Context, tx *sqldb.Tx, n consent.Notice) error {
	h := n.Hash()
	_, err := tx.Exec(ctx, `insert into consent_notices (hash, lang, version, body, created_at) values ($1, $2, $3, $4, $5)
		on conflict (hash) do nothing`, h[:], n.Lang, n.Version, n.Text, s.now().UnixMicro())
	return err
}

func cell(who thimble.SubjectID, seq int64) thimble.Cell {
	row := binary.BigEndian.AppendUint64(who[:], uint64(seq))
	return thimble.Cell{Owner: who, Table: "consent_events", Column: "body", Row: row, Category: thimble.PrivacyPreferences}
}

// Standing returns the current state of one purpose; the zero Standing where the
// person has said nothing.
func (s *Store) Standing(ctx context.Context, who thimble.SubjectID, p thimble.Purpose) (consent.Standing, error) {
	st := consent.Standing{Purpose: p}
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error { return StandingTx(ctx, tx, who, &st) })
	if err != nil {
		return st, fmt.Errorf("consent: standing of %s: %w", who, err)
	}
	return st, nil
}

// StandingTx is Standing in the caller's transaction; it fills in st of st.Purpose.
func StandingTx(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID, st *consent.Standing) error {
	var at, expires int64
	err := tx.QueryRow(ctx, `select state, seq, at, expires_at from consent_state where subject_id = $1 and purpose = $2`,
		who, string(st.Purpose)).Scan(&st.State, &st.Seq, &at, &expires)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	st.At, st.Expires = time.UnixMicro(at), stamp(expires)
	return err
}

func stamp(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us)
}

// Permitting calls yield with the people who permit a purpose at an instant, in
// order of their ids, a page at a time.
func (s *Store) Permitting(ctx context.Context, p thimble.Purpose, at time.Time, after thimble.SubjectID, limit int) ([]thimble.SubjectID, error) {
	var all []thimble.SubjectID
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, `select subject_id from consent_state
			where purpose = $1 and state = 'given' and (expires_at = 0 or expires_at > $2) and subject_id > $3
			order by subject_id limit $4`, string(p), at.UnixMicro(), after[:], limit)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id thimble.SubjectID
			if err := rows.Scan(&id); err != nil {
				return err
			}
			all = append(all, id)
		}
		return rows.Err()
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
			where purpose = $1 and state = 'given' and expires_at > $2 and expires_at <= $3`, string(p), since.UnixMicro(), s.now().UnixMicro()).Scan(&n)
		expired = n > 0
		return err
	})
	if err != nil {
		return false, fmt.Errorf("consent: looking for what ran out: %w", err)
	}
	return expired, nil
}

// Counts returns how many people are in each state of a purpose.
func (s *Store) Counts(ctx context.Context, p thimble.Purpose) (map[consent.State]int, error) {
	counts := map[consent.State]int{}
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		clear(counts)
		rows, err := tx.Query(ctx, `select case when state = 'given' and expires_at <> 0 and expires_at <= $1 then 'expired' else state end, count(*)
			from consent_state where purpose = $2 group by 1`, s.now().UnixMicro(), string(p))
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
