package gatedb

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"thimble"
	"thimble/internal/gate"
	"thimble/internal/sqldb"
)

// NodeConfig has working zero values.
type NodeConfig struct {
	Every time.Duration // between heartbeats; 0 means 250 ms
	Lease time.Duration // how long a lease lasts by the database's clock; 0 means one second
	// Margin is how much earlier than the database a node takes its lease to end:
	// for clocks that drift, and for outputs that are told to stop. 0 means 250 ms.
	Margin time.Duration
	Settle time.Duration // how long a change waits for the others; 0 means 10 s
	Log    *slog.Logger
}

// A Node is one process that judges. It hears of the moves of the other processes
// on the same database, and its lease says until when it may judge without having
// heard more. It is a gate.Lease.
//
// On SQLite one process serves, which its lock on the data folder sees to: no lease
// is written, nobody waits for another. A command that runs beside it is heard
// within a heartbeat.
type Node struct {
	db    *sqldb.DB
	moves *gate.Moves
	cfg   NodeConfig
	id    thimble.ID

	renewing sync.Mutex // one heartbeat at a time; guards seen and lapse
	seen     int64
	lapse    *time.Timer

	applying sync.Mutex
	applied  map[thimble.ID]time.Time // transactions whose moves were applied, ticked or not

	deadline atomic.Pointer[time.Time] // nil: no lease
	ticking  chan struct{}             // one of this process ticks at a time

	stop context.CancelFunc
	done sync.WaitGroup
}

var _ gate.Lease = (*Node)(nil)

// Join has this process judge, and puts its moves under the lease. Close ends it.
func Join(ctx context.Context, db *sqldb.DB, m *gate.Moves, cfg NodeConfig) (*Node, error) {
	set := func(d *time.Duration, to time.Duration) {
		if *d == 0 {
			*d = to
		}
	}
	set(&cfg.Every, 250*time.Millisecond)
	set(&cfg.Lease, time.Second)
	set(&cfg.Margin, 250*time.Millisecond)
	set(&cfg.Settle, 10*time.Second)
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	id, err := thimble.NewID(nil)
	if err != nil {
		return nil, err
	}
	n := &Node{db: db, moves: m, cfg: cfg, id: id, applied: map[thimble.ID]time.Time{}, ticking: make(chan struct{}, 1)}
	n.lapse = time.AfterFunc(time.Hour, n.lapsed)
	n.lapse.Stop()
	m.Under(n)
	if err := n.Renew(ctx); err != nil {
		return nil, fmt.Errorf("gate: joining the others: %w", err)
	}
	var loop context.Context
	loop, n.stop = context.WithCancel(context.WithoutCancel(ctx))
	n.done.Go(func() { n.run(loop) })
	return n, nil
}

// Live implements gate.Lease. It goes by the machine's clock, whatever clock the gate
// judges by, since the database's lease does. Both of its readings must say so: a
// machine that slept has a monotonic clock that did not move.
func (n *Node) Live(time.Time) bool {
	at, until := time.Now(), n.deadline.Load()
	return until != nil && at.Before(*until) && at.Round(0).Before(until.Round(0))
}

func (n *Node) run(ctx context.Context) {
	tick := time.NewTicker(n.cfg.Every)
	defer tick.Stop()
	var pruning sync.Mutex
	var pruned time.Time
	for failing := false; ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		n.renewing.Lock()
		err := n.beat(ctx)
		n.renewing.Unlock()
		if err == nil && time.Since(pruned) >= keep/4 && pruning.TryLock() {
			pruned = time.Now()
			// It waits for the database's writer, as the heartbeat must not.
			n.done.Go(func() {
				defer pruning.Unlock()
				n.prune(ctx)
			})
		}
		if err != nil && ctx.Err() == nil && !failing {
			n.cfg.Log.ErrorContext(ctx, "no heartbeat: the gate denies when the lease ends", slog.String("cause", err.Error()))
		}
		failing = err != nil
	}
}

// renewWithin bounds how long a request waits for a lost lease.
const renewWithin = 2 * time.Second

// Renew implements gate.Lease.
func (n *Node) Renew(ctx context.Context) error {
	n.renewing.Lock()
	defer n.renewing.Unlock()
	if n.Live(time.Now()) {
		return nil // somebody else got it back meanwhile
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), renewWithin)
	defer cancel()
	err := n.beat(ctx)
	if err == nil && !n.Live(time.Now()) {
		err = fmt.Errorf("gate: the lease took longer than it lasts: %w", thimble.ErrUnavailable)
	}
	return err
}

func (n *Node) left() bool { return n.seen < 0 }

// lapsed tells outputs under way to stop when the lease runs out before it was
// renewed: whoever withdraws waits for it no longer than the lease.
func (n *Node) lapsed() { n.moves.Abort() }

// heard are the moves of one transaction.
type heard struct {
	id       thimble.ID
	subjects []thimble.SubjectID
}

// beat hears of moves, ends what they end, and only then renews the lease: a node
// that says it has seen a tick has nothing from before it.
func (n *Node) beat(ctx context.Context) error {
	began := time.Now()
	if n.left() {
		return fmt.Errorf("gate: the node has left: %w", thimble.ErrUnavailable)
	}
	fresh := !n.Live(began)
	if fresh {
		// What was known under a lost lease may be of before a change that nobody
		// waited for us to hear of.
		n.deadline.Store(nil)
		n.moves.Move(thimble.SubjectID{})
	}
	tick, batches, err := n.listen(ctx, fresh)
	if err != nil {
		return err
	}
	seen := tick
	if err := n.apply(ctx, batches, fresh); err != nil {
		// Something about somebody is still on its way out: the lease goes on, and who
		// changed their choices is not told that it is in force.
		seen = n.seen
		if fresh {
			return err
		}
	}
	sent := time.Now()
	if n.db.Engine() == sqldb.SQLite {
		sent = began // there is no lease to renew: the deadline is that of what was read
	} else if err := n.renew(ctx, seen, fresh); err != nil {
		return err
	}
	// Measured from before the statement was sent: the database's lease began later.
	until := sent.Add(n.cfg.Lease - n.cfg.Margin)
	n.seen = seen
	n.lapse.Reset(time.Until(until))
	n.deadline.Store(&until)
	return nil
}

// apply ends what the moves end: states, grants, outputs.
func (n *Node) apply(ctx context.Context, batches []heard, fresh bool) error {
	var moved []thimble.SubjectID
	for _, b := range batches {
		if n.first(b.id) {
			for _, who := range b.subjects {
				n.moves.Move(who)
			}
		}
		moved = append(moved, b.subjects...)
	}
	if fresh {
		moved = []thimble.SubjectID{{}}
	}
	ctx, cancel := context.WithTimeout(ctx, 2*gate.Grace)
	defer cancel()
	return n.moves.Drain(ctx, moved...)
}

// first reports whether the moves of a transaction were not applied before, and
// notes that they are.
func (n *Node) first(batch thimble.ID) bool {
	n.applying.Lock()
	defer n.applying.Unlock()
	_, known := n.applied[batch]
	n.applied[batch] = time.Now()
	return !known
}

// newMoves asks the index of ticks twice: an "or" with an order reads the whole table.
const newMoves = `select batch, subject_id from (
	select batch, subject_id from gate_moves where tick = 0 union all select batch, subject_id from gate_moves where tick > $1
) as moves order by batch`

// listen returns the tick of one snapshot and the moves in it that are newer than
// what this node has seen, or not ticked yet. A fresh node needs the tick only.
func (n *Node) listen(ctx context.Context, fresh bool) (tick int64, all []heard, err error) {
	err = n.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		if err := tx.QueryRow(ctx, `select tick from gate_clock where id = 1`).Scan(&tick); err != nil {
			return err
		}
		if fresh {
			return nil
		}
		rows, err := tx.Query(ctx, newMoves, n.seen)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id thimble.ID
			var who []byte
			if err := rows.Scan(&id, &who); err != nil {
				return err
			}
			if len(who) != len(thimble.SubjectID{}) {
				return fmt.Errorf("gate: a move of %d bytes: %w", len(who), thimble.ErrInvalid)
			}
			if len(all) == 0 || all[len(all)-1].id != id {
				all = append(all, heard{id: id})
			}
			last := &all[len(all)-1]
			last.subjects = append(last.subjects, thimble.SubjectID(who))
		}
		return rows.Err()
	})
	if err != nil {
		return 0, nil, fmt.Errorf("gate: listening to the others: %w", err)
	}
	return tick, all, nil
}

// renew writes the lease. A lease that ran out while the statement was on its way
// is not renewed: a change may have been answered in between that nobody waited for
// us to hear of. It has to be taken afresh.
func (n *Node) renew(ctx context.Context, seen int64, fresh bool) error {
	var renewed int64
	err := n.db.Write(ctx, func(tx *sqldb.Tx) (err error) {
		now := clock(tx.Engine())
		if !fresh {
			renewed, err = tx.Exec(ctx, `update gate_nodes set seen = $2, lease_until = `+now+` + $3 where node = $1 and lease_until > `+now, n.id, seen, n.cfg.Lease.Microseconds())
			return err
		}
		renewed, err = tx.Exec(ctx, `insert into gate_nodes (node, seen, lease_until, joined_at) values ($1, $2, `+now+` + $3, `+now+`)
			on conflict (node) do update set seen = excluded.seen, lease_until = excluded.lease_until, joined_at = excluded.joined_at`, n.id, seen, n.cfg.Lease.Microseconds())
		return err
	})
	if err != nil {
		return fmt.Errorf("gate: renewing the lease: %w", err)
	}
	if renewed == 0 {
		n.deadline.Store(nil)
		n.moves.Abort()
		return fmt.Errorf("gate: the lease ran out before it was renewed: %w", thimble.ErrUnavailable)
	}
	return nil
}

// clock is the database's time in UTC microseconds.
func clock(e sqldb.Engine) string {
	if e == sqldb.PostgreSQL {
		return `(extract(epoch from clock_timestamp()) * 1000000)::bigint`
	}
	return `cast(unixepoch('subsec') * 1000000 as integer)`
}

// A node that has not heard of a move after keep has lost its lease long ago, and
// drops everything when it gets it back.
const keep = time.Minute

// ID names the process among the others.
func (n *Node) ID() thimble.ID { return n.id }

// prune forgets what every node with a lease has heard of.
func (n *Node) prune(ctx context.Context) {
	n.applying.Lock()
	maps.DeleteFunc(n.applied, func(_ thimble.ID, at time.Time) bool { return time.Since(at) > 4*keep })
	n.applying.Unlock()
	err := n.db.Write(ctx, func(tx *sqldb.Tx) error {
		now := clock(tx.Engine())
		if _, err := tx.Exec(ctx, `delete from gate_moves where at < `+now+` - $1`, keep.Microseconds()); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `delete from gate_nodes where lease_until < `+now+` - $1`, keep.Microseconds())
		return err
	})
	if err != nil && ctx.Err() == nil {
		n.cfg.Log.WarnContext(ctx, "old moves not pruned", slog.String("cause", err.Error()))
	}
}

// Close ends the node: it judges nothing any more, and nobody waits for it.
func (n *Node) Close(ctx context.Context) error {
	n.stop()
	n.done.Wait()
	n.renewing.Lock()
	defer n.renewing.Unlock()
	n.seen = -1
	n.deadline.Store(nil)
	n.lapse.Stop()
	n.moves.Move(thimble.SubjectID{})
	n.moves.Abort()
	if n.db.Engine() == sqldb.SQLite {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if err := n.moves.Drain(ctx, thimble.SubjectID{}); err != nil {
		return nil // the lease runs out in the database: it is waited out
	}
	err := n.db.Write(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, `delete from gate_nodes where node = $1`, n.id)
		return err
	})
	if errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return err
}
