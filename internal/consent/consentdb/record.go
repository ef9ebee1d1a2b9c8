package consentdb

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/ledger"
	"thimble/internal/sqldb"
)

// How says how the choices were made.
type How struct {
	Notice    consent.Notice
	UI        consent.UI
	By        consent.By
	Incentive *consent.Incentive // what was offered for a yes, if anything was
	// Since is when the choices were made, where they are recorded later: a given
	// consent lives from then, and a no that was recorded since stands. Zero means now.
	Since time.Time
	// Until is when whoever chose decides no longer: the day on which a child does. A
	// guardian says it with their yes, so that no date of birth is kept. Zero: never.
	Until time.Time
}

// A Recorded is one recorded event with what opens its leaf.
type Recorded struct {
	Event   consent.Event
	Opening ledger.Opening
}

// Ages has the store ask how old somebody is before it takes a yes. Nil, as before
// the call, knows nobody's age. It is called while the store is wired.
func (s *Store) Ages(f func(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID) (consent.Age, error)) {
	s.ages = f
}

// Record adds one event per choice, in one durable transaction, and returns them. A
// yes to what is allowed already renews it. The error is of kind ErrInvalid for a
// choice that is none, and ErrDenied for a yes of somebody who was forgotten or of a
// child without a guardian. A no of somebody who was forgotten is accepted and adds
// nothing: nothing of theirs is used.
func (s *Store) Record(ctx context.Context, who thimble.SubjectID, choices []consent.Choice, how How) ([]Recorded, error) {
	var all []Recorded
	err := s.db.Write(ctx, func(tx *sqldb.Tx) (err error) {
		all, err = s.RecordTx(ctx, tx, who, choices, how)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("consent: recording a choice: %w", err)
	}
	return all, nil
}

// RecordTx is Record in the caller's transaction, for batches.
func (s *Store) RecordTx(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID, choices []consent.Choice, how How) ([]Recorded, error) {
	if err := check(choices, how); err != nil {
		return nil, err
	}
	return s.write(ctx, tx, who, choices, how)
}

// write records choices that were checked.
func (s *Store) write(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID, choices []consent.Choice, how How) ([]Recorded, error) {
	// The epoch moves first: it also says whether there is anybody.
	if _, err := s.subjects.Touch(ctx, tx, who); errors.Is(err, thimble.ErrNotFound) {
		return nil, forgotten(choices)
	} else if err != nil {
		return nil, err
	}
	if err := s.keepNotice(ctx, tx, how.Notice); err != nil {
		return nil, err
	}
	on, err := s.footing(ctx, tx, who)
	if err != nil {
		return nil, err
	}
	all := make([]Recorded, 0, len(choices))
	for _, c := range choices {
		if err := on.age.Allows(c, how.By, true); err != nil {
			return nil, err
		}
		r, err := s.record(ctx, tx, who, on, c, how)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
		on.last = link{r.Event.Seq, digest(r.Opening.Record)}
	}
	events := make([]consent.Event, len(all))
	for i, r := range all {
		events[i] = r.Event
	}
	if err := s.count(ctx, tx, events); err != nil {
		return nil, err
	}
	for _, f := range s.changed {
		if err := f(ctx, tx, events); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func check(choices []consent.Choice, how How) error {
	for i, c := range choices {
		if err := c.Check(); err != nil {
			return err
		}
		same := func(o consent.Choice) bool { return o.Purpose == c.Purpose && o.Scope == c.Scope }
		if slices.ContainsFunc(choices[:i], same) {
			return fmt.Errorf("consent: %s is chosen twice for the same scope: %w", c.Purpose, thimble.ErrInvalid)
		}
	}
	if how.Incentive != nil {
		return how.Incentive.Check()
	}
	return nil
}

// forgotten answers for somebody who is not there: whatever they forbid is so.
func forgotten(choices []consent.Choice) error {
	for _, c := range choices {
		if !c.State.Refuses() {
			return fmt.Errorf("consent: %s: there is no such person, or they were forgotten: %w", c.Purpose, thimble.ErrDenied)
		}
	}
	return nil
}

func (s *Store) age(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID) (consent.Age, error) {
	if s.ages == nil {
		return consent.Age{}, nil
	}
	return s.ages(ctx, tx, who)
}

// A footing is what a person's next event stands on.
type footing struct {
	last link
	age  consent.Age
	law  Law
}

func (s *Store) footing(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID) (on footing, err error) {
	on.law = s.pack
	if s.laws != nil {
		if on.law, err = s.laws(ctx, tx, who); err != nil {
			return on, err
		}
	}
	if on.age, err = s.age(ctx, tx, who); err != nil {
		return on, err
	}
	on.last, err = s.last(ctx, tx, who)
	return on, err
}

// A link is the end of a person's chain of events.
type link struct {
	seq  int64
	hash string // of the event's record; empty before the first
}

func digest(record []byte) string {
	h := sha256.Sum256(record)
	return hex.EncodeToString(h[:])
}

// last opens the newest event of a person, so that the next can name its hash.
func (s *Store) last(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID) (l link, err error) {
	var body []byte
	err = tx.QueryRow(ctx, `select seq, body from consent_events where subject_id = $1 order by seq desc limit 1`, who).Scan(&l.seq, &body)
	if errors.Is(err, sql.ErrNoRows) {
		return link{}, nil
	}
	if err != nil {
		return link{}, err
	}
	opening, err := ledger.Unseal(ctx, s.vault, cell(who, l.seq), body)
	l.hash = digest(opening.Record)
	return l, err
}

func (s *Store) record(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID, on footing, c consent.Choice, how How) (Recorded, error) {
	e := consent.Event{
		V: 1, Subject: who, Seq: on.last.seq + 1, Purpose: c.Purpose, Scope: c.Scope, State: c.State, At: s.now().UTC().Truncate(time.Microsecond),
		Notice: how.Notice.Ref(), UI: how.UI, By: how.By, Basis: on.law.Find(c.Purpose).Basis, Packs: on.law.Packs(), Prev: on.last.hash,
	}
	if c.State.Permits() {
		since := e.At
		if !how.Since.IsZero() && how.Since.Before(since) {
			since = how.Since.UTC().Truncate(time.Microsecond)
		}
		if err := s.late(ctx, tx, who, c, how); err != nil {
			return Recorded{}, err
		}
		e.Expires, e.Incentive = on.age.Until(since, how.By), how.Incentive
		if !how.Until.IsZero() && how.Until.Before(e.Expires) {
			e.Expires = how.Until.UTC().Truncate(time.Microsecond)
		}
		before := consent.Standing{Purpose: c.Purpose, Scope: c.Scope}
		if err := exactTx(ctx, tx, who, &before); err != nil {
			return Recorded{}, err
		}
		if e.State = consent.Given; before.Now(e.At).Permits() {
			e.State = consent.Renewed
		}
	}
	record, err := e.Marshal()
	if err != nil {
		return Recorded{}, err
	}
	opening, err := s.ledger.Queue(ctx, tx, ledger.Entry{Class: ledger.Consent, At: e.At, Policy: on.law.Digest(), Record: record})
	if err != nil {
		return Recorded{}, err
	}
	body, err := opening.Seal(ctx, s.vault, cell(who, e.Seq))
	if err != nil {
		return Recorded{}, err
	}
	_, err = tx.Exec(ctx, `insert into consent_events (subject_id, seq, body, at) values ($1, $2, $3, $4)`, who, e.Seq, body, e.At.UnixMicro())
	if err != nil {
		return Recorded{}, err
	}
	return Recorded{Event: e, Opening: opening}, s.setState(ctx, tx, e)
}

// late refuses a yes that was made before a no that is recorded: of two whose order
// only a clock outside could tell, the no holds.
func (s *Store) late(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID, c consent.Choice, how How) error {
	if how.Since.IsZero() {
		return nil
	}
	st := consent.Standing{Purpose: c.Purpose, Scope: c.Scope}
	if err := s.StandingTx(ctx, tx, who, &st); err != nil {
		return err
	}
	if st.State.Refuses() && !how.Since.After(st.At) {
		return fmt.Errorf("consent: %s: the person has said no since, and the later no holds: %w", c.Purpose, thimble.ErrConflict)
	}
	return nil
}

func (s *Store) setState(ctx context.Context, tx *sqldb.Tx, e consent.Event) error {
	var expires int64
	if !e.Expires.IsZero() {
		expires = e.Expires.UnixMicro()
	}
	notice, err := hex.DecodeString(e.Notice.SHA256)
	if err != nil {
		return fmt.Errorf("consent: the hash of a notice: %w", err)
	}
	_, err = tx.Exec(ctx, `insert into consent_state (subject_id, purpose, scope, state, seq, at, expires_at, notice) values ($1, $2, $3, $4, $5, $6, $7, $8)
		on conflict (subject_id, purpose, scope) do update set state = excluded.state, seq = excluded.seq, at = excluded.at,
			expires_at = excluded.expires_at, notice = excluded.notice`,
		e.Subject, string(e.Purpose), e.Scope.String(), string(e.State), e.Seq, e.At.UnixMicro(), expires, notice)
	return err
}

func (s *Store) keepNotice(ctx context.Context, tx *sqldb.Tx, n consent.Notice) error {
	h := n.Hash()
	matrix, err := n.Matrix.Marshal()
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `insert into consent_notices (hash, lang, version, body, matrix, created_at) values ($1, $2, $3, $4, $5, $6)
		on conflict (hash) do nothing`, h[:], n.Lang, n.Version, n.Text, matrix, s.now().UnixMicro())
	return err
}

func cell(who thimble.SubjectID, seq int64) thimble.Cell {
	row := binary.BigEndian.AppendUint64(who[:], uint64(seq))
	return thimble.Cell{Owner: who, Table: "consent_events", Column: "body", Row: row, Category: thimble.PrivacyPreferences}
}
