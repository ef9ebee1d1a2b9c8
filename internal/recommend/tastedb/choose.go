package tastedb

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/recommend/taste"
	"thimble/internal/sqldb"
	"thimble/internal/subject"
)

// A Said is what somebody says: choices, or the undoing of some.
type Said struct {
	Choices []taste.Choice
	Undo    bool
	By      taste.By
	// Key, which the sender made up for one request, has the same request count once.
	Key string
}

// replays is for how long a request that is sent again is the same one.
const replays = 24 * time.Hour

// Persons knows who is one person; *subjectdb.Store does.
type Persons interface {
	Person(ctx context.Context, s thimble.SubjectID) (subject.Person, error)
}

// A Whole is the store for whoever speaks with people and not with accounts.
type Whole struct {
	*Store
	Persons Persons
}

// Say records what a person says under their canonical subject. What they undo is undone
// under each of their subjects that said it. It returns what was recorded: nothing when
// nothing changes, and for somebody who is not there.
func (w Whole) Say(ctx context.Context, who thimble.SubjectID, s Said) ([]Recorded, error) {
	person, err := w.Persons.Person(ctx, who)
	if errors.Is(err, thimble.ErrNotFound) {
		return w.Store.Say(ctx, who, s) // which answers for whoever is not there
	}
	if err != nil {
		return nil, fmt.Errorf("taste: recording a choice: %w", err)
	}
	return w.say(ctx, person.ID(), person.IDs(), s)
}

// Say is [Whole.Say] for one subject.
func (s *Store) Say(ctx context.Context, who thimble.SubjectID, said Said) ([]Recorded, error) {
	return s.say(ctx, who, []thimble.SubjectID{who}, said)
}

func (s *Store) say(ctx context.Context, who thimble.SubjectID, members []thimble.SubjectID, said Said) (all []Recorded, err error) {
	if err := said.check(); err != nil {
		return nil, err
	}
	if !said.Undo {
		members = []thimble.SubjectID{who}
	}
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		all = nil
		for _, m := range members {
			some, err := s.sayTx(ctx, tx, m, said)
			if err != nil {
				return err
			}
			all = append(all, some...)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("taste: recording a choice: %w", err)
	}
	return all, nil
}

// mostAtOnce bounds what one request says.
const mostAtOnce = 16

func (s Said) check() error {
	if n := len(s.Choices); n == 0 || n > mostAtOnce {
		return fmt.Errorf("taste: choices: between 1 and %d were expected: %w", mostAtOnce, thimble.ErrInvalid)
	}
	for i, c := range s.Choices {
		if err := c.Check(); err != nil {
			return err
		}
		if slices.Contains(s.Choices[:i], c) {
			return fmt.Errorf("taste: choices: one is there twice: %w", thimble.ErrInvalid)
		}
	}
	return nil
}

func (s *Store) sayTx(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID, said Said) ([]Recorded, error) {
	// The epoch moves first: it says whether there is anybody, and one writer waits for
	// the other.
	if _, err := s.subjects.Touch(ctx, tx, who); errors.Is(err, thimble.ErrNotFound) {
		return nil, nil // nothing of theirs is used, whatever they say
	} else if err != nil {
		return nil, err
	}
	before, err := s.before(ctx, tx, who, said)
	if err != nil || len(before) > 0 {
		return before, err
	}
	return s.record(ctx, tx, who, said)
}

// before returns what the same request recorded when it came first.
func (s *Store) before(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID, said Said) ([]Recorded, error) {
	if said.Key == "" {
		return nil, nil
	}
	rows, err := eventRows(ctx, tx, `where subject_id = $1 and at > $2 order by seq`, who[:], s.now().Add(-replays).UnixMicro())
	if err != nil {
		return nil, err
	}
	recent, err := unsealAll(ctx, s.open, rows)
	if err != nil {
		return nil, err
	}
	id := said.request()
	same := slices.DeleteFunc(recent, func(r Recorded) bool { return r.Event.Request != id })
	for _, r := range same {
		if r.Event.Undone != said.Undo || !slices.Contains(said.Choices, r.Event.Choice) {
			return nil, fmt.Errorf("the key of the request was used for other choices: %w", thimble.ErrConflict)
		}
	}
	return same, nil
}

func (s Said) request() string {
	if s.Key == "" {
		return ""
	}
	return digest([]byte("taste\x00" + s.Key))
}

func digest(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

// record adds an event for each choice that changes something.
func (s *Store) record(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID, said Said) (all []Recorded, err error) {
	state, err := s.standing(ctx, tx, who)
	if err != nil {
		return nil, err
	}
	last, err := s.last(ctx, tx, who)
	if err != nil {
		return nil, err
	}
	now := s.now().UTC().Truncate(time.Microsecond)
	for _, c := range said.Choices {
		if _, stands := state.Holds(c); stands != said.Undo {
			continue
		}
		e := taste.Event{V: 1, Subject: who, Seq: last.Event.Seq + 1, Choice: c, Undone: said.Undo, At: now, By: said.By, Request: said.request()}
		if last.Event.Seq > 0 {
			e.Prev = digest(last.Opening.Record)
		}
		if last, err = s.append(ctx, tx, e); err != nil {
			return nil, err
		}
		all, state = append(all, last), state.With(e)
	}
	if len(state.Standing) > taste.Most {
		return nil, fmt.Errorf("at most %d choices stand at once; undo some first: %w", taste.Most, thimble.ErrConflict)
	}
	if len(all) == 0 {
		return nil, nil
	}
	if err := s.setStanding(ctx, tx, who, last.Event.Seq, state); err != nil {
		return nil, err
	}
	return all, s.tell(ctx, tx, all)
}

func (s *Store) tell(ctx context.Context, tx *sqldb.Tx, all []Recorded) error {
	events := make([]taste.Event, len(all))
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

// last opens the newest event of a subject, so that the next can name its hash.
func (s *Store) last(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID) (Recorded, error) {
	rows, err := eventRows(ctx, tx, `where subject_id = $1 order by seq desc limit 1`, who[:])
	if err != nil || len(rows) == 0 {
		return Recorded{}, err
	}
	return unseal(ctx, s.open, rows[0])
}

func (s *Store) append(ctx context.Context, tx *sqldb.Tx, e taste.Event) (Recorded, error) {
	record, err := e.Marshal()
	if err != nil {
		return Recorded{}, err
	}
	opening, err := s.ledger.Queue(ctx, tx, ledger.Entry{Class: ledger.Taste, At: e.At, Record: record})
	if err != nil {
		return Recorded{}, err
	}
	body, err := opening.Seal(ctx, s.keys, cell(e.Subject, e.Seq))
	if err != nil {
		return Recorded{}, err
	}
	_, err = tx.Exec(ctx, `insert into taste_events (subject_id, seq, body, at) values ($1, $2, $3, $4)`, e.Subject[:], e.Seq, body, e.At.UnixMicro())
	return Recorded{Event: e, Opening: opening}, err
}
