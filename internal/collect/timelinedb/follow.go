package timelinedb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"thimble"
	"thimble/internal/collect/frame"
	"thimble/internal/sqldb"
)

// A follower reads the log behind a cursor of its own.
type follower struct {
	name  string
	store *Store
	db    *sqldb.DB // where the cursor lies
	table string
	most  int // records in one batch

	// take reads frames in the order of the log and returns what writes all of them, in the
	// transaction that moves the cursor, and what follows when that is durable. It is called with
	// a function that returns the next frames, none when there are no more for now.
	take func(ctx context.Context, next func() ([]frame.Frame, error)) (*taken, error)

	wake   chan struct{}
	once   sync.Once
	seq    atomic.Int64 // as far as is known
	leased time.Time    // until then, this process builds
	mu     sync.Mutex   // one step at a time
	recent bool         // what the last step read came in lately
}

// A mover moves the cursor in a transaction.
type mover func(ctx context.Context, tx *sqldb.Tx) error

// taken is a batch that was read. Without anything, the cursor moves.
type taken struct {
	write   func(ctx context.Context, tx *sqldb.Tx) error // beside the cursor
	writes  func(ctx context.Context, move mover) error   // instead of write: it moves the cursor
	settled func(ctx context.Context) error               // when that is durable
}

const (
	viewBatch = 200_000 // records: the more, the more of them share a row
	readAhead = 64      // frames at a time

	tick = time.Second
	// pace is how far apart steps are at least while events come in: a step costs a commit,
	// and something for each person in it, however few events it brings. While more comes in
	// than the machine has time for, a step rests for as long as it took, at most for longest:
	// who takes events in goes first.
	pace    = 200 * time.Millisecond
	longest = 400 * time.Millisecond

	leaseFor = 10 * time.Second

	// What came in lately is to show soon, so that a step ends reading when it has read for a
	// while. Who is far behind takes large steps, which cost less for each event.
	recentFor = 10 * time.Second
	readFor   = 250 * time.Millisecond
)

func (f *follower) waker() chan struct{} {
	f.once.Do(func() { f.wake = make(chan struct{}, 1) })
	return f.wake
}

// Wake says that there is something new in the log. It does not block.
func (s *Store) Wake() {
	for _, f := range s.followers {
		select {
		case f.waker() <- struct{}{}:
		default: // it is awake
		}
	}
}

// Run builds and tells until ctx ends.
func (s *Store) Run(ctx context.Context) error {
	var all sync.WaitGroup
	for _, f := range s.followers {
		all.Go(func() { f.run(ctx) })
	}
	all.Go(func() { s.rebuildChanged(ctx) })
	all.Go(func() { s.repair(ctx) })
	all.Wait()
	return nil
}

func (f *follower) run(ctx context.Context) {
	pause := tick
	for {
		began := time.Now()
		more, err := f.step(ctx)
		took := time.Since(began)
		switch {
		case ctx.Err() != nil:
			f.release(context.WithoutCancel(ctx))
			return
		case err != nil:
			// The same frames are tried again: none is skipped, and the lag is seen.
			f.store.Logger.ErrorContext(ctx, "events are not built in yet", slog.String("listener", f.name), slog.Int64("behind", f.seq.Load()), slog.String("cause", err.Error()))
			pause = min(2*pause, time.Minute)
		case more:
			pause = tick
			if f.recent && f.pressed() {
				f.rest(ctx, min(took, longest))
			}
			continue
		default:
			pause = tick
		}
		wake := f.waker()
		if err != nil {
			wake = nil // what fails is not tried more often because more comes in
		}
		select {
		case <-ctx.Done():
			continue
		case <-wake:
		case <-time.After(pause):
		}
		rest := pace - time.Since(began)
		if f.pressed() {
			rest = max(rest, min(took, longest))
		}
		f.rest(ctx, rest)
	}
}

// pressed asks for the one loop that takes much.
func (f *follower) pressed() bool { return f == f.store.view && f.store.Pressed() }

func (f *follower) rest(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// Flush builds in and tells what is in the log now.
func (s *Store) Flush(ctx context.Context) error {
	if err := s.deriveChanged(ctx); err != nil {
		return err
	}
	for _, f := range s.followers {
		for {
			more, err := f.step(ctx)
			if err != nil {
				return err
			}
			if !more {
				break
			}
		}
	}
	return nil
}

var errMoved = fmt.Errorf("timeline: another process has built this already: %w", thimble.ErrConflict)

// step takes one batch. It reports whether there may be more.
func (f *follower) step(ctx context.Context) (more bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	mine, err := f.lease(ctx)
	if err != nil || !mine {
		return false, err
	}
	from := f.seq.Load()
	to, records, began := from, 0, f.store.Now()
	f.recent = false
	next := func() ([]frame.Frame, error) {
		if records >= f.most || f.recent && f.store.Now().Sub(began) >= readFor {
			more = true
			return nil, nil
		}
		frames, err := f.store.Log.Follow(ctx, to, readAhead)
		if to == from && len(frames) > 0 {
			f.recent = began.Sub(time.UnixMicro(frames[0].Received)) < recentFor
		}
		for i := range frames {
			records += len(frames[i].Records)
			to = frames[i].Seq
		}
		return frames, err
	}
	t, err := f.take(ctx, next)
	if err != nil || to == from {
		return false, err
	}
	err = f.commit(ctx, t, func(ctx context.Context, tx *sqldb.Tx) error { return f.move(ctx, tx, from, to) })
	if errors.Is(err, errMoved) {
		f.leased = time.Time{}
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("timeline: building up to frame %d: %w", to, err)
	}
	f.seq.Store(to)
	if t.settled != nil {
		err = t.settled(ctx)
	}
	return more, err
}

func (f *follower) commit(ctx context.Context, t *taken, move mover) error {
	if t.writes != nil {
		return t.writes(ctx, move)
	}
	return f.db.Write(ctx, func(tx *sqldb.Tx) error {
		if err := move(ctx, tx); err != nil || t.write == nil {
			return err
		}
		return t.write(ctx, tx)
	})
}

// move fences: whoever has built from the same place meanwhile has won.
func (f *follower) move(ctx context.Context, tx *sqldb.Tx, from, to int64) error {
	n, err := tx.Exec(ctx, `update `+f.table+` set seq = $1 where name = $2 and seq = $3`, to, f.name, from)
	if err == nil && n == 0 {
		err = errMoved
	}
	return err
}

// lease makes this process the one that builds, for a while. It reports whether it is.
func (f *follower) lease(ctx context.Context) (bool, error) {
	now := f.store.Now()
	if now.Add(leaseFor / 2).Before(f.leased) {
		return true, nil
	}
	until := now.Add(leaseFor)
	mine := false
	err := f.db.Write(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, `insert into `+f.table+` (name, seq, builder, lease_until) values ($1, 0, $2, 0) on conflict (name) do nothing`, f.name, f.store.id)
		if err != nil {
			return err
		}
		n, err := tx.Exec(ctx, `update `+f.table+` set builder = $2, lease_until = $3 where name = $1 and (builder = $2 or lease_until < $4)`,
			f.name, f.store.id, until.UnixMicro(), now.UnixMicro())
		mine = n > 0
		if err != nil {
			return err
		}
		var seq int64
		err = tx.QueryRow(ctx, `select seq from `+f.table+` where name = $1`, f.name).Scan(&seq)
		f.seq.Store(seq)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("timeline: taking the lease of %s: %w", f.name, err)
	}
	f.leased = time.Time{}
	if mine {
		f.leased = until
	}
	return mine, nil
}

// release lets another process build at once.
func (f *follower) release(ctx context.Context) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.leased.IsZero() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	err := f.db.Write(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, `update `+f.table+` set lease_until = 0 where name = $1 and builder = $2`, f.name, f.store.id)
		return err
	})
	if err != nil {
		f.store.Logger.WarnContext(ctx, "a lease is left to run out", slog.String("listener", f.name), slog.String("cause", err.Error()))
	}
	f.leased = time.Time{}
}

// position is up to which frame a follower has come, whoever builds.
func (f *follower) position(ctx context.Context, tx *sqldb.Tx) (seq int64, err error) {
	err = tx.QueryRow(ctx, `select seq from `+f.table+` where name = $1`, f.name).Scan(&seq)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return seq, err
}
