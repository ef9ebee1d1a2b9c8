package disclosedb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"thimble"
	"thimble/internal/disclose"
	"thimble/internal/sqldb"
)

// A Message is what is known of a message without opening it.
type Message struct {
	ID         thimble.ID
	Disclosure thimble.ID
	Recipient  thimble.ID
	Agreement  thimble.ID // zero for a notice of erasure
	Cause      thimble.ID // the request because of which it was queued; zero for none
	Kind       string
	Purpose    thimble.Purpose
	Brand      string
	Fields     []string
	Categories []thimble.Category
	MediaType  string
	People     int64 // how many it was made about
	State      disclose.State
	Why        string
	Status     int64 // the last answer's
	Tries      int64
	Bytes      int64 // of all tries, those of TLS and of headers included
	CreatedAt  time.Time
	FirstAt    time.Time
	NextAt     time.Time
	SentAt     time.Time
	AckWithin  time.Duration // 0: no confirmation is expected
	AckDue     time.Time
	AckedAt    time.Time

	fence int64
	body  []byte
}

const messageColumns = `m.id, m.disclosure_id, m.recipient_id, m.agreement_id, m.kind, m.purpose, m.brand, m.fields, m.categories, m.media_type, m.people, m.state, m.why, m.status,
	m.tries, m.bytes, m.created_at, m.first_at, m.next_at, m.sent_at, m.ack_within, m.ack_due, m.acked_at, m.fence, m.cause`

func (m *Message) into(more ...any) (into []any, fill func()) {
	var fields, categories string
	var created, first, next, sent, within, due, acked int64
	into = append([]any{&m.ID, &m.Disclosure, &m.Recipient, &m.Agreement, &m.Kind, &m.Purpose, &m.Brand, &fields, &categories, &m.MediaType, &m.People, &m.State, &m.Why, &m.Status,
		&m.Tries, &m.Bytes, &created, &first, &next, &sent, &within, &due, &acked, &m.fence, &m.Cause}, more...)
	return into, func() {
		m.Fields = strings.Fields(fields)
		m.Categories = nil
		for c := range strings.FieldsSeq(categories) {
			m.Categories = append(m.Categories, thimble.Category(c))
		}
		m.CreatedAt, m.FirstAt, m.NextAt, m.SentAt = instant(created), instant(first), instant(next), instant(sent)
		m.AckWithin, m.AckDue, m.AckedAt = time.Duration(within)*time.Microsecond, instant(due), instant(acked)
	}
}

// Message returns one.
func (s *Store) Message(ctx context.Context, id thimble.ID) (m Message, err error) {
	all, err := s.messages(ctx, `where m.id = $1`, id)
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("disclose: message %s: %w", id.Token(disclose.MessagePrefix), thimble.ErrNotFound)
	}
	if err != nil {
		return m, err
	}
	return all[0], nil
}

// Outbox returns the newest messages: of a state, or of all when it is "".
func (s *Store) Outbox(ctx context.Context, state disclose.State, limit int) ([]Message, error) {
	if state == "" {
		return s.messages(ctx, `order by m.created_at desc, m.id limit $1`, limit)
	}
	return s.messages(ctx, `where m.state = $1 order by m.created_at desc, m.id limit $2`, string(state), limit)
}

// Caused returns the messages that were queued because of a request, oldest first.
func (s *Store) Caused(ctx context.Context, request thimble.ID) ([]Message, error) {
	return s.messages(ctx, `where m.cause = $1 order by m.created_at, m.id`, request)
}

// SentTo returns the newest messages to a recipient.
func (s *Store) SentTo(ctx context.Context, recipient thimble.ID, limit int) ([]Message, error) {
	return s.messages(ctx, `where m.recipient_id = $1 order by m.created_at desc, m.id limit $2`, recipient, limit)
}

func (s *Store) messages(ctx context.Context, where string, args ...any) (all []Message, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, `select `+messageColumns+` from disclose_messages m `+where, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var m Message
			into, fill := m.into()
			if err := rows.Scan(into...); err != nil {
				return err
			}
			fill()
			all = append(all, m)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("disclose: reading messages: %w", err)
	}
	return all, nil
}

// Counts returns how many messages there are in each state: of a recipient, or of all
// when it is zero.
func (s *Store) Counts(ctx context.Context, recipient thimble.ID) (counts map[disclose.State]int64, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		counts = map[disclose.State]int64{}
		rows, err := tx.Query(ctx, `select state, count(*) from disclose_messages where $1 = 0 or recipient_id = $2 group by state`, flag(!recipient.IsZero()), recipient[:])
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var state disclose.State
			var n int64
			if err := rows.Scan(&state, &n); err != nil {
				return err
			}
			counts[state] = n
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("disclose: counting messages: %w", err)
	}
	return counts, nil
}

func flag(is bool) int {
	if is {
		return 1
	}
	return 0
}

// A Try is one attempt to send a message.
type Try struct {
	N       int64
	At      time.Time
	EndedAt time.Time // zero: under way, or the process died in it
	Result  string
	Why     string
	Status  int64
	Bytes   int64
}

// Tries returns the attempts of a message, in order.
func (s *Store) Tries(ctx context.Context, id thimble.ID) (all []Try, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, `select n, at, ended_at, result, why, status, bytes from disclose_tries where message_id = $1 order by n`, id)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var t Try
			var at, ended int64
			if err := rows.Scan(&t.N, &at, &ended, &t.Result, &t.Why, &t.Status, &t.Bytes); err != nil {
				return err
			}
			t.At, t.EndedAt = instant(at), instant(ended)
			all = append(all, t)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("disclose: reading tries: %w", err)
	}
	return all, nil
}

// Whereabouts counts what became of the people of a message.
func (s *Store) Whereabouts(ctx context.Context, id thimble.ID) (counts map[disclose.Whereabouts]int64, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		counts = map[disclose.Whereabouts]int64{}
		rows, err := tx.Query(ctx, `select state, count(*) from disclose_people where message_id = $1 group by state`, id)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var w disclose.Whereabouts
			var n int64
			if err := rows.Scan(&w, &n); err != nil {
				return err
			}
			counts[w] = n
		}
		return rows.Err()
	})
	return counts, err
}

// Begin implements wire.Meter: it is nil only when the disclosure has its leaf, and is
// being sent under a lease.
func (s *Store) Begin(ctx context.Context, disclosure thimble.ID) error {
	var n int
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(ctx, `select count(*) from disclose_messages m where m.disclosure_id = $1 and m.state = 'sending'
			and (m.opening is not null or exists (select 1 from disclose_people p where p.message_id = m.id))`, disclosure).Scan(&n)
	})
	if err == nil && n != 1 {
		err = fmt.Errorf("disclose: %s has no leaf: %w", disclosure.Token(disclose.DisclosurePrefix), thimble.ErrDenied)
	}
	return err
}

// Sent implements wire.Meter.
func (s *Store) Sent(disclosure thimble.ID, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent[disclosure] += int64(n)
}

func (s *Store) takeBytes(disclosure thimble.ID) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.sent[disclosure]
	delete(s.sent, disclosure)
	return n
}

func none(err error) bool { return errors.Is(err, sql.ErrNoRows) }
