package ledgerdb

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/sqldb"
)

// Run integrates queued leaves each Every, and at once when somebody in this
// process waits for one, until ctx ends. While another process holds the lease it
// stands by. It returns nil: an error of one step is logged, and the next step
// tries again. Beside it, it collects the witnesses' cosignatures.
func (l *Log) Run(ctx context.Context) error {
	defer l.release(ctx)
	if len(l.cfg.Witnesses) > 0 {
		var publishing sync.WaitGroup
		publishing.Go(func() { l.publish(ctx) })
		defer publishing.Wait()
	}
	tick := time.NewTicker(l.cfg.Every)
	defer tick.Stop()
	failing := false
	for {
		err := l.drain(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && !failing:
			l.cfg.Log.ErrorContext(ctx, "ledger stopped; it tries again", slog.String("cause", err.Error()))
		case err == nil && failing:
			l.cfg.Log.InfoContext(ctx, "ledger goes on")
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-l.wake:
		}
	}
}

// drain integrates until the queue is empty. Between short steps it leaves the database to
// others, unless somebody waits for a leaf.
func (l *Log) drain(ctx context.Context) error {
	for {
		n, more, err := l.take(ctx)
		if errors.Is(err, ErrNotHolder) {
			return nil
		}
		if err != nil || !more {
			return err
		}
		if n > shortStep {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-l.wake:
		case <-time.After(breath):
		}
	}
}

// How often a waiter looks by itself: the sequencer may be another process.
const lookEvery = 50 * time.Millisecond

// Wait returns when the opening's leaf is in a signed tree. Call it after the
// transaction that queued the leaf has committed. A staff read waits so before it
// shows anything: an access that nobody can prove must be impossible. The error
// is of kind ErrUnavailable when ctx ends first.
func (l *Log) Wait(ctx context.Context, o ledger.Opening) error {
	if o.Batch != nil {
		o = o.Batch.Root
	}
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for ctx.Err() == nil {
		l.mu.Lock()
		signed := l.signed
		l.mu.Unlock()
		err := l.db.Read(ctx, func(tx *sqldb.Tx) error { _, err := find(ctx, tx, o); return err })
		if err != nil && ctx.Err() != nil {
			break // the read ended with the context
		}
		if !errors.Is(err, thimble.ErrUnavailable) {
			return wrap("waiting for a leaf", err)
		}
		select { // somebody waits: the sequencer need not sleep on
		case l.wake <- struct{}{}:
		default:
		}
		select {
		case <-ctx.Done():
		case <-signed:
		case <-look.C:
		}
	}
	return fmt.Errorf("ledgerdb: waiting for a leaf: %w", errors.Join(ctx.Err(), thimble.ErrUnavailable))
}
