package agentsdb

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"thimble"
	"thimble/internal/disclose/wire"
	"thimble/internal/ledger"
	"thimble/internal/rights/agents"
	"thimble/internal/rights/cases"
	"thimble/internal/sqldb"
)

// A Call tells an agent that the status of a request of its own is another.
type Call struct {
	ID     thimble.ID
	Case   thimble.ID
	Agent  string
	Status string // "in_progress need_user_verification"
	At     time.Time
	State  string // one of the words below
	Why    string
	Tries  int
}

// Where a call stands.
const (
	Queued    = "queued"
	Sent      = "sent"
	Overtaken = "overtaken" // the status is another by now
	GivenUp   = "given_up"
)

// told is the record of a call.
type told struct {
	V      int       `json:"v"`
	What   string    `json:"what"`
	Call   string    `json:"call"`
	Agent  string    `json:"agent"`
	Case   string    `json:"case"`
	Status string    `json:"status"`
	At     time.Time `json:"at"`
}

func (c Call) record() ([]byte, error) {
	return json.Marshal(told{1, "a registered agent is told the status of a request of its own", c.ID.Token("call"), c.Agent, c.Case.Token(cases.TokenPrefix), c.Status, c.At})
}

// QueueTx queues a call with its leaf, in the transaction that notes it with the case.
func (s *Store) QueueTx(ctx context.Context, tx *sqldb.Tx, agent string, of thimble.ID, status string) error {
	c := Call{Case: of, Agent: agent, Status: status, At: s.now()}
	var err error
	if c.ID, err = thimble.NewID(nil); err != nil {
		return err
	}
	record, err := c.record()
	if err != nil {
		return err
	}
	opening, err := s.queue(ctx, tx, ledger.Disclosure, c.At, record)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `insert into agents_calls (id, case_id, agent_id, status, at, state, why, tries, next_at, opening) values ($1, $2, $3, $4, $5, 'queued', '', 0, $5, $6)`,
		c.ID, c.Case, c.Agent, c.Status, c.At.UnixMicro(), opening)
	return err
}

const callColumns = `select id, case_id, agent_id, status, at, state, why, tries from agents_calls `

// Due returns calls that are to be made now.
func (s *Store) Due(ctx context.Context, limit int) ([]Call, error) {
	return s.calls(ctx, `where state = 'queued' and next_at <= $1 order by next_at, id limit $2`, s.now().UnixMicro(), limit)
}

// Calls returns the newest calls of an agent.
func (s *Store) Calls(ctx context.Context, agent string, limit int) ([]Call, error) {
	return s.calls(ctx, `where agent_id = $1 order by at desc, id limit $2`, agent, limit)
}

func (s *Store) calls(ctx context.Context, where string, args ...any) (all []Call, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, callColumns+where, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var c Call
			var at int64
			if err := rows.Scan(&c.ID, &c.Case, &c.Agent, &c.Status, &at, &c.State, &c.Why, &c.Tries); err != nil {
				return err
			}
			c.At = time.UnixMicro(at).UTC()
			all = append(all, c)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("agents: reading calls: %w", err)
	}
	return all, nil
}

// Begin implements wire.Meter: only a call that has its leaf is made.
func (s *Store) Begin(ctx context.Context, call thimble.ID) error {
	var state string
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(ctx, `select state from agents_calls where id = $1`, call).Scan(&state)
	})
	if errors.Is(err, sql.ErrNoRows) || err == nil && state != Queued {
		err = thimble.ErrDenied
	}
	if err != nil {
		return fmt.Errorf("agents: a call without a leaf: %w", err)
	}
	return nil
}

// Sent implements wire.Meter.
func (s *Store) Sent(thimble.ID, int) {}

// pauses are those before the next try of a call; after the last one it is given up, and
// the agent asks for itself.
var pauses = []time.Duration{time.Minute, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 6 * time.Hour, 24 * time.Hour}

// Done notes what came of a call.
func (s *Store) Done(ctx context.Context, c Call, out wire.Outcome) error {
	state, next := Queued, time.Time{}
	switch {
	case out.State == wire.Delivered:
		state = Sent
	case out.State == wire.Permanent || c.Tries >= len(pauses):
		state = GivenUp
	default:
		next = s.now().Add(max(pauses[c.Tries], out.After))
	}
	return s.note(ctx, c, state, string(out.Why), next)
}

// Overtake notes that a call is not made any more.
func (s *Store) Overtake(ctx context.Context, c Call) error {
	return s.note(ctx, c, Overtaken, "", time.Time{})
}

func (s *Store) note(ctx context.Context, c Call, state, why string, next time.Time) error {
	at := int64(0)
	if !next.IsZero() {
		at = next.UnixMicro()
	}
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, `update agents_calls set state = $2, why = $3, tries = tries + 1, next_at = $4 where id = $1 and state = 'queued'`, c.ID, state, why, at)
		return err
	})
	if err != nil {
		return fmt.Errorf("agents: noting a call: %w", err)
	}
	return nil
}

// SweepCalls forgets the calls that ended and were queued before an instant. What is still to
// be told stays; the leaf that it was told stays in the log.
func (s *Store) SweepCalls(ctx context.Context, before time.Time) (int, error) {
	n, err := s.db.Drain(ctx, `delete from agents_calls where id in (select id from agents_calls where state <> 'queued' and at < $1 limit 1000)`, before.UnixMicro())
	if err != nil {
		return n, fmt.Errorf("agents: forgetting calls: %w", err)
	}
	return n, nil
}

// Claims holds each act and each call against its leaf.
func (s *Store) Claims(ctx context.Context) iter.Seq2[ledger.Claim, error] {
	return func(yield func(ledger.Claim, error) bool) {
		acts, err := s.actClaims(ctx)
		if !ledger.YieldAll(yield, acts, err) {
			return
		}
		calls, err := s.callClaims(ctx)
		ledger.YieldAll(yield, calls, err)
	}
}

func (s *Store) actClaims(ctx context.Context) (claims []ledger.Claim, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		claims = nil
		rows, err := tx.Query(ctx, `select c.act, c.staff, c.at, c.opening, a.id, a.name, a.verify_key, a.callback from agents_acts c join agents_agents a on a.id = c.agent_id order by c.at, c.id`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var a agents.Agent
			var p Past
			var at int64
			var opening, key []byte
			if err := rows.Scan(&p.Act, &p.Staff, &at, &opening, &a.ID, &a.Name, &key, &a.Callback); err != nil {
				return err
			}
			a.Key = key
			record, err := said(a, p.Act, p.Staff, time.UnixMicro(at).UTC())
			if err != nil {
				return err
			}
			claims = append(claims, claim("agents_acts", ledger.System, opening, record))
		}
		return rows.Err()
	})
	return claims, err
}

func (s *Store) callClaims(ctx context.Context) (claims []ledger.Claim, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		claims = nil
		rows, err := tx.Query(ctx, `select id, case_id, agent_id, status, at, opening from agents_calls order by at, id`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var c Call
			var at int64
			var opening []byte
			if err := rows.Scan(&c.ID, &c.Case, &c.Agent, &c.Status, &at, &opening); err != nil {
				return err
			}
			c.At = time.UnixMicro(at).UTC()
			record, err := c.record()
			if err != nil {
				return err
			}
			claims = append(claims, claim("agents_calls", ledger.Disclosure, opening, record))
		}
		return rows.Err()
	})
	return claims, err
}

func claim(table string, class ledger.Class, opening, record []byte) ledger.Claim {
	c := ledger.Claim{Table: table, Class: class}
	c.Err = c.Opening.UnmarshalBinary(opening)
	c.Rule = ledger.RuleIf(string(c.Opening.Record) == string(record))
	return c
}
