package gatedb

import (
	"context"
	"fmt"
	"strings"
	"time"

	"thimble"
	"thimble/internal/sqldb"
)

// Moving says, in the transaction of a change, whose epoch moves; the zero subject
// stands for everybody. The move commits with the change. When it has, grants of
// this process are dead, outputs under way have ended, and every other process has
// heard of it or lost its lease, before Write returns: so before anybody can tell
// the person that it is done. Write's error is of kind thimble.ErrUnavailable when
// that could not be made sure of; the change is durable all the same.
func (n *Node) Moving(tx *sqldb.Tx, who thimble.SubjectID) {
	m := tx.Local(n, func() any {
		m := &moving{node: n, subjects: map[thimble.SubjectID]bool{}}
		tx.BeforeCommit(func(ctx context.Context) error { return m.write(ctx, tx) })
		tx.OnCommit(m.end)
		tx.OnSettle(m.settle)
		return m
	}).(*moving)
	m.subjects[who] = true
}

// moving is what one transaction moves.
type moving struct {
	node     *Node
	batch    thimble.ID
	subjects map[thimble.SubjectID]bool
}

// perInsert is how many moves one statement writes.
const perInsert = 60

func (m *moving) write(ctx context.Context, tx *sqldb.Tx) (err error) {
	if m.batch, err = thimble.NewID(nil); err != nil {
		return err
	}
	var tick int64
	if tx.Engine() == sqldb.SQLite {
		// One writer at a time: the order of ticks is that of commits already.
		if err := tx.QueryRow(ctx, `update gate_clock set tick = tick + 1 where id = 1 returning tick`).Scan(&tick); err != nil {
			return fmt.Errorf("gate: ticking: %w", err)
		}
	}
	values, args := []string{}, []any{m.batch, tick}
	flush := func() error {
		if len(values) == 0 {
			return nil
		}
		_, err := tx.Exec(ctx, `insert into gate_moves (batch, subject_id, tick, at) values `+strings.Join(values, ", "), args...)
		values, args = values[:0], args[:2]
		if err != nil {
			return fmt.Errorf("gate: writing moves: %w", err)
		}
		return nil
	}
	now := clock(tx.Engine())
	for who := range m.subjects {
		args = append(args, who[:])
		values = append(values, fmt.Sprintf("($1, $%d, $2, %s)", len(args), now))
		if len(values) == perInsert {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

// end ends what hangs on the old epochs in this process.
func (m *moving) end() {
	m.node.first(m.batch)
	for who := range m.subjects {
		m.node.moves.Move(who)
	}
}

// settle returns when the moves are in force everywhere.
func (m *moving) settle(ctx context.Context) error {
	n := m.node
	ctx, cancel := context.WithTimeout(ctx, n.cfg.Settle)
	defer cancel()
	tick, err := m.tick(ctx)
	if err != nil {
		return err
	}
	subjects := make([]thimble.SubjectID, 0, len(m.subjects))
	for who := range m.subjects {
		subjects = append(subjects, who)
	}
	if err := n.moves.Drain(ctx, subjects...); err != nil {
		return err
	}
	if tick == 0 {
		return nil
	}
	return n.others(ctx, tick)
}

// pollEvery is how often a change looks whether the others have heard of it.
const pollEvery = 10 * time.Millisecond

// tick numbers the batch after its commit, when there is another process that has
// to hear of it: one that has seen the tick has seen the batch. It returns 0 when
// nobody else has a lease. Who gets one later has nothing from before.
func (m *moving) tick(ctx context.Context) (tick int64, err error) {
	n := m.node
	if n.db.Engine() == sqldb.SQLite {
		return 0, nil
	}
	others, err := n.behind(ctx, 1<<62)
	if err != nil || others == 0 {
		return 0, err
	}
	select {
	case n.ticking <- struct{}{}:
		defer func() { <-n.ticking }()
	case <-ctx.Done():
		return 0, fmt.Errorf("gate: waiting to tick: %w (%w)", ctx.Err(), thimble.ErrUnavailable)
	}
	err = n.db.Write(ctx, func(tx *sqldb.Tx) error {
		if err := tx.QueryRow(ctx, `update gate_clock set tick = tick + 1 where id = 1 returning tick`).Scan(&tick); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `update gate_moves set tick = $1 where batch = $2`, tick, m.batch)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("gate: ticking a change: %w (%w)", err, thimble.ErrUnavailable)
	}
	return tick, nil
}

// others returns when every other process has seen a tick or has lost its lease.
func (n *Node) others(ctx context.Context, tick int64) error {
	for {
		behind, err := n.behind(ctx, tick)
		if err == nil && behind == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("gate: %d other processes have not answered yet: %w (%w)", behind, ctx.Err(), thimble.ErrUnavailable)
		case <-time.After(pollEvery):
		}
	}
}

// behind counts the other processes with a live lease that have not seen a tick.
func (n *Node) behind(ctx context.Context, tick int64) (behind int, err error) {
	err = n.db.Read(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(ctx, `select count(*) from gate_nodes where node <> $1 and seen < $2 and lease_until > `+clock(tx.Engine()), n.id, tick).Scan(&behind)
	})
	if err != nil {
		return 0, fmt.Errorf("gate: asking who else judges: %w (%w)", err, thimble.ErrUnavailable)
	}
	return behind, nil
}
