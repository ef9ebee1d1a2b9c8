package disclosedb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"thimble"
	"thimble/internal/disclose"
	"thimble/internal/job"
	"thimble/internal/sqldb"
)

// Kept is how long what a dead or overdue message holds stays, sealed, so that it can be
// sent again by hand.
const Kept = 30 * 24 * time.Hour

// Run sends what is due, until ctx ends.
func (s *Store) Run(ctx context.Context) error {
	var workers sync.WaitGroup
	for range s.cfg.Workers {
		workers.Go(func() { s.work(ctx) })
	}
	workers.Wait()
	return nil
}

func (s *Store) work(ctx context.Context) {
	job.Steps(ctx, s.cfg.Poll, s.wake, s.Step, func(err error) {
		s.cfg.Log.ErrorContext(ctx, "the outbox failed", slog.String("cause", err.Error()))
	})
}

// Step tries one message that is due. It reports whether there was one.
func (s *Store) Step(ctx context.Context) (bool, error) {
	if err := s.tidy(ctx); err != nil {
		return false, err
	}
	m, ok, err := s.take(ctx)
	if err != nil || !ok {
		return false, err
	}
	s.pause("taken")
	out, err := s.attempt(ctx, m)
	if err != nil {
		// Nothing is known of it: the lease ends, and another try comes.
		return true, fmt.Errorf("disclose: message %s: %w", m.ID.Token(disclose.MessagePrefix), err)
	}
	s.pause("sent")
	return true, s.finish(context.WithoutCancel(ctx), m, out)
}

const dueMessages = `state in ('queued', 'retrying') and next_at <= $1 or state = 'blocked' and next_at <= $1 or state = 'sending' and lease_until <= $1`

// take leases the message that is due the longest. Its try is written down before
// anything is sent.
func (s *Store) take(ctx context.Context) (m Message, ok bool, err error) {
	if n, err := s.waiting(ctx); err != nil || n == 0 {
		return m, false, err // the common answer needs no writing transaction
	}
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		now := s.now()
		ok, m = false, Message{}
		var id thimble.ID
		err := tx.QueryRow(ctx, `update disclose_messages set state = 'sending', tries = tries + 1, fence = fence + 1, lease_until = $2,
			first_at = case when first_at = 0 then $1 else first_at end
			where id = (select id from disclose_messages where `+dueMessages+` order by next_at, id limit 1) returning id`,
			now.UnixMicro(), now.Add(s.cfg.Lease).UnixMicro()).Scan(&id)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		into, fill := m.into(&m.body)
		if err := tx.QueryRow(ctx, `select `+messageColumns+`, m.body from disclose_messages m where m.id = $1`, id).Scan(into...); err != nil {
			return err
		}
		fill()
		ok = true
		_, err = tx.Exec(ctx, `insert into disclose_tries (message_id, n, at, ended_at, result, why, status, bytes) values ($1, $2, $3, 0, '', '', 0, 0)`, m.ID, m.Tries, now.UnixMicro())
		return err
	})
	if err != nil {
		return m, false, fmt.Errorf("disclose: taking a message: %w", err)
	}
	return m, ok, nil
}

func (s *Store) waiting(ctx context.Context) (n int, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(ctx, `select count(*) from disclose_messages where `+dueMessages, s.now().UnixMicro()).Scan(&n)
	})
	if err != nil {
		return 0, fmt.Errorf("disclose: looking for messages: %w", err)
	}
	return n, nil
}

// A result is what a try came to.
type result struct {
	state    disclose.State
	why      string
	status   int
	after    time.Duration // to wait before the next try
	withdrew bool          // the recipient wants nothing more
}

// finish records the result of a try, unless somebody else has the message by now.
func (s *Store) finish(ctx context.Context, m Message, out result) error {
	sent := s.takeBytes(m.Disclosure)
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		now := s.now()
		at := now.UnixMicro()
		to, next := out, at
		if out.state == disclose.Retrying {
			wait, again := s.cfg.Schedule.Next(int(m.Tries), now.Sub(m.FirstAt), out.after, s.float())
			if !again {
				to.state = disclose.Dead
			}
			next = now.Add(wait).UnixMicro()
		}
		if to.state == disclose.Blocked {
			next = now.Add(blockedFor).UnixMicro()
		}
		var sentAt, ackDue int64
		if to.state == disclose.Delivered || to.state == disclose.Acknowledged {
			sentAt = at
			if m.AckWithin > 0 {
				ackDue = now.Add(m.AckWithin).UnixMicro()
			}
		}
		n, err := tx.Exec(ctx, `update disclose_messages set state = $3, why = $4, status = $5, bytes = bytes + $6, next_at = $7, sent_at = $8, ack_due = $9,
			acked_at = case when $3 = 'acknowledged' then $10 else acked_at end where id = $1 and fence = $2 and state = 'sending'`,
			m.ID, m.fence, string(to.state), to.why, to.status, sent, next, sentAt, ackDue, at)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `update disclose_tries set ended_at = $3, result = $4, why = $5, status = $6, bytes = $7 where message_id = $1 and n = $2`,
			m.ID, m.Tries, at, string(to.state), to.why, to.status, sent); err != nil || n == 0 {
			return err
		}
		if to.withdrew {
			if err := s.withdraw(ctx, tx, m.Recipient, now); err != nil {
				return err
			}
		}
		return s.settlePeople(ctx, tx, m, to)
	})
	if err != nil {
		return fmt.Errorf("disclose: recording a try of %s: %w", m.ID.Token(disclose.MessagePrefix), err)
	}
	return nil
}

// blockedFor is how soon a blocked message is looked at again, whatever happens; the
// end of a suspension does so at once.
const blockedFor = 365 * 24 * time.Hour

// withdraw notes that a recipient said it wants nothing more (HTTP 410).
func (s *Store) withdraw(ctx context.Context, tx *sqldb.Tx, id thimble.ID, now time.Time) error {
	n, err := tx.Exec(ctx, `update disclose_recipients set status = 'withdrew', why = 'it answered that it is gone (HTTP 410)', changed_at = $2 where id = $1 and status <> 'withdrew'`, id, now.UnixMicro())
	if err != nil || n == 0 {
		return err
	}
	return s.act(ctx, tx, Act{Recipient: id, Act: "withdrew by its own answer", Staff: "recipient", At: now})
}

// settlePeople says of each person what became of their part, and destroys what needs
// not be kept.
func (s *Store) settlePeople(ctx context.Context, tx *sqldb.Tx, m Message, to result) error {
	if to.why == keptHere {
		return nil // it went nowhere, and is kept until it was read long ago
	}
	switch to.state {
	case disclose.Delivered, disclose.Acknowledged:
		if _, err := tx.Exec(ctx, `update disclose_people set state = 'sent' where message_id = $1 and state = 'going'`, m.ID); err != nil {
			return err
		}
	case disclose.Cancelled:
		if _, err := tx.Exec(ctx, `update disclose_people set state = `+notSent+` where message_id = $1 and state = 'going'`, m.ID); err != nil {
			return err
		}
	case disclose.Dead:
		if m.Kind == disclose.LastLetter {
			return destroy(ctx, tx, m.ID)
		}
		_, err := tx.Exec(ctx, `update disclose_people set state = `+notSent+` where message_id = $1 and state = 'going'`, m.ID)
		return err // the parts stay for a while
	default:
		return nil
	}
	if to.state == disclose.Delivered && m.AckWithin > 0 {
		return nil // until it is confirmed
	}
	return destroy(ctx, tx, m.ID)
}

// notSent is where a part is that was not known to arrive: if a try sent any byte, or
// ended with the process, the recipient may have it.
const notSent = `case when exists (select 1 from disclose_tries t where t.message_id = disclose_people.message_id and (t.bytes > 0 or t.ended_at = 0)) then 'maybe-sent' else 'not-sent' end`

// destroy takes away what a message holds.
func destroy(ctx context.Context, tx *sqldb.Tx, id thimble.ID) error {
	if _, err := tx.Exec(ctx, `update disclose_messages set body = null where id = $1`, id); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `update disclose_people set part = null where message_id = $1`, id)
	return err
}

// tidy marks what was not confirmed in time, and destroys what dead messages held.
func (s *Store) tidy(ctx context.Context) error {
	now := s.now()
	var overdue, old int
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		if err := tx.QueryRow(ctx, `select count(*) from disclose_messages where state = 'delivered' and ack_due > 0 and ack_due <= $1`, now.UnixMicro()).Scan(&overdue); err != nil {
			return err
		}
		return tx.QueryRow(ctx, `select count(*) from disclose_messages where `+oldMessages, now.Add(-Kept).UnixMicro()).Scan(&old)
	})
	if err != nil || overdue+old == 0 {
		return err
	}
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		if _, err := tx.Exec(ctx, `update disclose_messages set state = 'overdue' where state = 'delivered' and ack_due > 0 and ack_due <= $1`, now.UnixMicro()); err != nil {
			return err
		}
		before := now.Add(-Kept).UnixMicro()
		if _, err := tx.Exec(ctx, `update disclose_people set part = null where part is not null and message_id in (select id from disclose_messages where `+oldMessages+`)`, before); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `update disclose_messages set body = null where body is not null and `+oldMessages, before)
		return err
	})
	if err != nil {
		return fmt.Errorf("disclose: tidying the outbox: %w", err)
	}
	if overdue > 0 {
		s.cfg.Log.WarnContext(ctx, "messages were not confirmed in time", slog.Int("messages", overdue))
	}
	return nil
}

const oldMessages = `state in ('dead', 'overdue', 'delivered') and next_at <= $1 and (body is not null or exists (select 1 from disclose_people p where p.message_id = disclose_messages.id and p.part is not null))`

// Again sends a dead or overdue message again, with what is still there of it and may be
// sent. The error is of kind ErrConflict for one in another state, or of which nothing is left.
func (s *Store) Again(ctx context.Context, id thimble.ID) error {
	var n int64
	err := s.db.Write(ctx, func(tx *sqldb.Tx) (err error) {
		now := s.now().UnixMicro()
		n, err = tx.Exec(ctx, `update disclose_messages set state = 'queued', next_at = $2, first_at = 0, why = '' where id = $1 and state in ('dead', 'overdue')
			and (body is not null or exists (select 1 from disclose_people p where p.message_id = disclose_messages.id and p.part is not null))`, id, now)
		if err != nil || n == 0 {
			return err
		}
		// On their way once more; what earlier tries may have sent is remembered by them.
		_, err = tx.Exec(ctx, `update disclose_people set state = 'going' where message_id = $1 and part is not null and state in ('not-sent', 'maybe-sent')`, id)
		return err
	})
	if err == nil && n == 0 {
		err = fmt.Errorf("only a dead or overdue message can be sent again, while what it held is kept: %w", thimble.ErrConflict)
	}
	if err != nil {
		return fmt.Errorf("disclose: sending %s again: %w", id.Token(disclose.MessagePrefix), err)
	}
	s.hurry()
	return nil
}
