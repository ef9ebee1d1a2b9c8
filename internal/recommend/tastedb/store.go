package tastedb

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/recommend/taste"
	"thimble/internal/sqldb"
)

// A Ledger queues leaves in the caller's transaction.
type Ledger interface {
	Queue(ctx context.Context, tx *sqldb.Tx, e ledger.Entry) (ledger.Opening, error)
}

// An Open opens a sealed cell, without a grant: what is to be obeyed, audited or exported.
type Open = func(ctx context.Context, c thimble.Cell, sealed []byte) ([]byte, error)

// Subjects moves a person's epoch; *subjectdb.Store does.
type Subjects interface {
	Touch(ctx context.Context, tx *sqldb.Tx, s thimble.SubjectID) (int64, error)
}

// A Store keeps choices about lists. It is a thimble.Holder.
type Store struct {
	thimble.Static
	db       *sqldb.DB
	ledger   Ledger
	keys     thimble.Sealer
	open     Open
	subjects Subjects
	now      func() time.Time
	changed  []func(context.Context, *sqldb.Tx, []taste.Event) error
}

// New returns the store of a core database. A nil clock means time.Now.
func New(db *sqldb.DB, l Ledger, keys thimble.Sealer, open Open, s Subjects, now func() time.Time) *Store {
	if now == nil {
		now = time.Now
	}
	return &Store{db: db, ledger: l, keys: keys, open: open, subjects: s, now: now}
}

// OnChange has f run in each transaction that records choices. It is called while the
// store is wired, before the first choice.
func (s *Store) OnChange(f func(context.Context, *sqldb.Tx, []taste.Event) error) {
	s.changed = append(s.changed, f)
}

// A Recorded is one event with what opens its leaf.
type Recorded struct {
	Event   taste.Event
	Opening ledger.Opening
}

// Of returns where a person stands, for whoever makes something of what the grant opens.
// It is opened by the store itself, to be obeyed.
func (s *Store) Of(ctx context.Context, g thimble.Grant) (all taste.State, err error) {
	for _, who := range g.Members() {
		one, err := s.member(ctx, who)
		if err != nil {
			return taste.State{}, err
		}
		all = all.Join(one)
	}
	return all, nil
}

// member returns where one subject stands.
func (s *Store) member(ctx context.Context, who thimble.SubjectID) (state taste.State, err error) {
	var sealed []byte
	err = s.db.Ask(ctx, func(rows sqldb.Row) error { return rows.Scan(&sealed) }, standingOf, who[:])
	if err == nil && sealed != nil {
		state, err = s.openState(ctx, who, sealed)
	}
	if err != nil {
		return taste.State{}, fmt.Errorf("taste: where a person stands: %w", err)
	}
	return state, nil
}

const standingOf = `select body from taste_state where subject_id = $1`

func (s *Store) openState(ctx context.Context, who thimble.SubjectID, sealed []byte) (taste.State, error) {
	plain, err := s.open(ctx, stateCell(who), sealed)
	if err != nil {
		return taste.State{}, err
	}
	return taste.ReadState(plain)
}

func (s *Store) standing(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID) (taste.State, error) {
	var sealed []byte
	err := tx.QueryRow(ctx, standingOf, who[:]).Scan(&sealed)
	if errors.Is(err, sql.ErrNoRows) {
		return taste.State{}, nil
	}
	if err != nil {
		return taste.State{}, err
	}
	return s.openState(ctx, who, sealed)
}

// setStanding keeps what stands after an event. Of nothing no row is left.
func (s *Store) setStanding(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID, seq int64, state taste.State) error {
	if state.Empty() {
		_, err := tx.Exec(ctx, `delete from taste_state where subject_id = $1`, who[:])
		return err
	}
	plain, err := state.Marshal()
	if err != nil {
		return err
	}
	sealed, err := s.keys.Seal(ctx, stateCell(who), plain)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `insert into taste_state (subject_id, seq, body) values ($1, $2, $3)
		on conflict (subject_id) do update set seq = excluded.seq, body = excluded.body`, who[:], seq, sealed)
	return err
}

// History opens a person's events, oldest first, with what opens their leaves.
func (s *Store) History(ctx context.Context, g thimble.Grant) (all []Recorded, err error) {
	for _, who := range g.Members() {
		some, err := s.history(ctx, who, g.Open)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	if len(g.Members()) > 1 {
		slices.SortStableFunc(all, func(a, b Recorded) int { return a.Event.At.Compare(b.Event.At) })
	}
	return all, nil
}

func (s *Store) history(ctx context.Context, who thimble.SubjectID, open Open) (all []Recorded, err error) {
	var rows []eventRow
	err = s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		rows, err = eventRows(ctx, tx, `where subject_id = $1 order by seq`, who[:])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("taste: the choices of a person: %w", err)
	}
	return unsealAll(ctx, open, rows)
}

// eventRow is a stored event, sealed.
type eventRow struct {
	who  thimble.SubjectID
	seq  int64
	at   int64
	body []byte
}

func eventRows(ctx context.Context, tx *sqldb.Tx, where string, args ...any) (all []eventRow, err error) {
	rows, err := tx.Query(ctx, `select subject_id, seq, at, body from taste_events `+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var r eventRow
		if err := rows.Scan(&r.who, &r.seq, &r.at, &r.body); err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, rows.Err()
}

func unsealAll(ctx context.Context, open Open, rows []eventRow) ([]Recorded, error) {
	all := make([]Recorded, 0, len(rows))
	for _, r := range rows {
		one, err := unseal(ctx, open, r)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

func unseal(ctx context.Context, open Open, r eventRow) (Recorded, error) {
	var opening ledger.Opening
	plain, err := open(ctx, cell(r.who, r.seq), r.body)
	if err == nil {
		err = opening.UnmarshalBinary(plain)
	}
	if err != nil {
		return Recorded{}, fmt.Errorf("taste: opening choice %d of a person: %w", r.seq, err)
	}
	e, err := taste.Unmarshal(opening.Record)
	return Recorded{Event: e, Opening: opening}, err
}

func cell(who thimble.SubjectID, seq int64) thimble.Cell {
	row := binary.BigEndian.AppendUint64(who[:], uint64(seq))
	return thimble.Cell{Owner: who, Table: "taste_events", Column: "body", Row: row, Category: thimble.PrivacyPreferences}
}

func stateCell(who thimble.SubjectID) thimble.Cell {
	return thimble.Cell{Owner: who, Table: "taste_state", Column: "body", Row: who[:], Category: thimble.PrivacyPreferences}
}
