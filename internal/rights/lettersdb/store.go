package lettersdb

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"thimble"
	"thimble/internal/disclose"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/letters"
	"thimble/internal/sqldb"
)

// A Last writes the last letter to somebody who is being erased, in the caller's
// transaction: their address is still there. It returns the messages that it queued, none
// when there is no address or no mail server.
type Last func(ctx context.Context, tx *sqldb.Tx, c cases.Case, e cases.Event) ([]thimble.ID, letters.Why, error)

// followEvery is how often the outbox is asked what became of a letter.
const followEvery = 10 * time.Second

// A Store keeps which letters are owed.
type Store struct {
	db   *sqldb.DB
	now  func() time.Time
	last Last
}

// New returns the store of a core database.
func New(db *sqldb.DB, now func() time.Time, last Last) *Store {
	if now == nil {
		now = time.Now
	}
	return &Store{db: db, now: now, last: last}
}

// OweTx keeps that the newest step of a case owes a letter, if it does, in the transaction
// that keeps the step. The last letter is written at once.
func (s *Store) OweTx(ctx context.Context, tx *sqldb.Tx, c cases.Case, e cases.Event) error {
	kind, ok := letters.Of(c, e)
	if !ok {
		return nil
	}
	state, why, messages, at := letters.Owed, letters.Why(""), []thimble.ID(nil), c.Last.UnixMicro()
	if kind == letters.Farewell {
		var err error
		if messages, why, err = s.last(ctx, tx, c, e); err != nil {
			return err
		}
		if state = letters.Queued; len(messages) == 0 {
			state = letters.Unsent
		}
	}
	_, err := tx.Exec(ctx, `insert into letters_letters (case_id, n, kind, state, why, messages, at, next_at, sent_at) values ($1, $2, $3, $4, $5, $6, $7, $7, 0)`,
		c.ID, c.Steps, string(kind), string(state), string(why), join(messages), at)
	return err
}

func join(ids []thimble.ID) string {
	all := make([]string, len(ids))
	for i, id := range ids {
		all[i] = id.Token(disclose.MessagePrefix)
	}
	return strings.Join(all, " ")
}

// An Entry is a letter as it is kept.
type Entry struct {
	letters.Letter
	Case     thimble.ID
	Messages []thimble.ID
}

const columns = `select l.case_id, l.n, l.kind, l.state, l.why, l.messages, l.at, l.sent_at from letters_letters l `

func (s *Store) list(ctx context.Context, where string, args ...any) (all []Entry, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, columns+where, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			e, err := scan(rows)
			if err != nil {
				return err
			}
			all = append(all, e)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("letters: reading: %w", err)
	}
	return all, nil
}

func scan(row interface{ Scan(...any) error }) (e Entry, err error) {
	var messages string
	var at, sent int64
	if err = row.Scan(&e.Case, &e.Step, &e.Kind, &e.State, &e.Why, &messages, &at, &sent); err != nil {
		return e, err
	}
	e.At = time.UnixMicro(at).UTC()
	if sent != 0 {
		e.Sent = time.UnixMicro(sent).UTC()
	}
	for token := range strings.FieldsSeq(messages) {
		id, err := thimble.ParseID(disclose.MessagePrefix, token)
		if err != nil {
			return e, err
		}
		e.Messages = append(e.Messages, id)
	}
	return e, nil
}

// Of returns the letters about a case, the first before the others.
func (s *Store) Of(ctx context.Context, id thimble.ID) (all []letters.Letter, err error) {
	entries, err := s.list(ctx, `where l.case_id = $1 order by l.n`, id)
	for _, e := range entries {
		all = append(all, e.Letter)
	}
	return all, err
}

// due are the letters to be looked at now, the one that waits the longest first.
func (s *Store) due(ctx context.Context, limit int) ([]Entry, error) {
	return s.list(ctx, `where l.state in ('owed', 'queued') and l.next_at <= $1 order by l.next_at, l.case_id, l.n limit $2`, s.now().UnixMicro(), limit)
}

// rests returns until when a person gets no other letter of the sort that is limited; zero
// for one that may go now. One that is on its way holds the others back until it is known
// whether it was sent.
func (s *Store) rests(ctx context.Context, e Entry, members []thimble.SubjectID) (until time.Time, err error) {
	now := s.now()
	for _, m := range members {
		err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
			rows, err := tx.Query(ctx, `select l.kind, l.state, l.sent_at, c.via from letters_letters l join cases_requests c on c.id = l.case_id
				where c.subject_id = $1 and not (l.case_id = $2 and l.n = $3) and (l.state in ('owed', 'queued') and l.messages <> '' or l.sent_at > $4)`,
				m, e.Case, e.Step, now.Add(-letters.Rest).UnixMicro())
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
				var other letters.Letter
				var about cases.Case
				var sent int64
				if err := rows.Scan(&other.Kind, &other.State, &sent, &about.Via); err != nil {
					return err
				}
				ends := now.Add(letters.Again)
				if sent != 0 {
					ends = time.UnixMicro(sent).UTC().Add(letters.Rest)
				}
				if other.Kind.Limited(about) && ends.After(until) {
					until = ends
				}
			}
			return rows.Err()
		})
		if err != nil {
			return until, fmt.Errorf("letters: reading what somebody got lately: %w", err)
		}
	}
	return until, nil
}

// unasked reports whether the letter that asks about a case whether it was them is none that
// somebody got.
func (s *Store) unasked(ctx context.Context, id thimble.ID) (bool, error) {
	all, err := s.Of(ctx, id)
	asks := func(l letters.Letter) bool { return l.Kind == letters.Identity }
	got := func(l letters.Letter) bool { return asks(l) && l.State == letters.Sent }
	return slices.ContainsFunc(all, asks) && !slices.ContainsFunc(all, got), err
}

// Again has a letter that could not be sent written anew. The error is of kind ErrConflict
// for one in another state, and for a last one: its address is gone.
func (s *Store) Again(ctx context.Context, id thimble.ID, step int) error {
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		now := s.now().UnixMicro()
		n, err := tx.Exec(ctx, `update letters_letters set state = 'owed', why = '', messages = '', at = $3, next_at = $3 where case_id = $1 and n = $2 and state = 'unsent' and kind <> $4`,
			id, step, now, string(letters.Farewell))
		if err == nil && n == 0 {
			err = thimble.ErrConflict
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("letters: trying one of %s again: %w", id.Token(cases.TokenPrefix), err)
	}
	return nil
}

// errTaken says that somebody else has a letter in hand.
var errTaken = fmt.Errorf("letters: somebody else has it: %w", thimble.ErrConflict)

// queuedTx notes, in the transaction of the outbox, that a letter went to one more address.
func (s *Store) queuedTx(ctx context.Context, tx *sqldb.Tx, e Entry, message thimble.ID) error {
	n, err := tx.Exec(ctx, `update letters_letters set messages = $3 where case_id = $1 and n = $2 and messages = $4`,
		e.Case, e.Step, join(append(e.Messages, message)), join(e.Messages))
	if err == nil && n == 0 {
		err = errTaken
	}
	return err
}

// settle notes what became of a letter, unless somebody else has it in hand.
func (s *Store) settle(ctx context.Context, e Entry, next time.Time) error {
	var sent int64
	if !e.Sent.IsZero() {
		sent = e.Sent.UnixMicro()
	}
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, `update letters_letters set state = $3, why = $4, next_at = $5, sent_at = $6 where case_id = $1 and n = $2 and state in ('owed', 'queued') and messages = $7`,
			e.Case, e.Step, string(e.State), string(e.Why), next.UnixMicro(), sent, join(e.Messages))
		return err
	})
	if err != nil {
		return fmt.Errorf("letters: noting what became of one: %w", err)
	}
	return nil
}
