package ledgerdb

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"time"

	"thimble"
	"thimble/internal/sqldb"
)

const (
	// silentAfter is the lag at which the ledger counts as silent: from then on
	// nothing that needs a leaf is permitted.
	silentAfter = 60 * time.Second
	// A failed write makes the log silent for so long, unless one succeeds
	// earlier. Then the next write may try: a gate that says no would otherwise
	// never find out that the disk has room again.
	muteFor = 5 * time.Second
	// The gate asks at each verdict; the database is asked this often.
	lagEvery = 250 * time.Millisecond
	// A database that takes longer to answer is in doubt.
	askFor = 2 * time.Second
)

// health remembers how the last operations went.
type health struct {
	ask       sync.Mutex // held while the database is asked
	mu        sync.Mutex // guards the rest, never held while waiting
	muteUntil time.Time
	altered   bool // the sequencer refuses to extend the stored log
	asked     time.Time
	lagging   bool
}

// queued notes how the last insertion into the queue went.
func (h *health) queued(ctx context.Context, now time.Time, err error) {
	if ctx.Err() != nil {
		return // the caller gave up; that says nothing about the log
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if err == nil {
		h.muteUntil = time.Time{}
	} else if errors.Is(err, thimble.ErrUnavailable) {
		h.muteUntil = now.Add(muteFor)
	}
}

// stepped notes how the last step of the sequencer went.
func (h *health) stepped(ctx context.Context, now time.Time, err error) {
	h.mu.Lock()
	h.altered = errors.Is(err, ErrAltered)
	h.mu.Unlock()
	if err != nil {
		h.queued(ctx, now, err)
	}
}

// Lag returns how long the oldest leaf has waited to get into a signed tree.
func (l *Log) Lag(ctx context.Context) (time.Duration, error) {
	var at int64
	err := l.db.Read(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(ctx, `select queued_at from ledger_queue order by id limit 1`).Scan(&at)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, wrap("reading the lag", err)
	}
	return max(0, l.cfg.Now().Sub(time.UnixMicro(at))), nil
}

// Silent reports whether the log cannot answer for what happens now: a leaf waits
// for more than a minute, the last write failed, or the stored log is not the
// signed one. Doubt counts: while silent, the gate says no.
func (l *Log) Silent(ctx context.Context) bool {
	lagging := l.lagging(ctx)
	h := &l.health
	h.mu.Lock()
	defer h.mu.Unlock()
	return lagging || h.altered || l.cfg.Now().Before(h.muteUntil)
}

// lagging asks the database at most each lagEvery, one caller at a time. The
// others take the answer before: they may hold a connection that the one who
// asks is waiting for.
func (l *Log) lagging(ctx context.Context) bool {
	h, now := &l.health, l.cfg.Now()
	h.mu.Lock()
	known, since, lagging := !h.asked.IsZero(), now.Sub(h.asked), h.lagging
	h.mu.Unlock()
	if known && (since >= 0 && since < lagEvery || !h.ask.TryLock()) {
		return lagging
	}
	if !known {
		h.ask.Lock()
	}
	defer h.ask.Unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askFor)
	defer cancel()
	lag, err := l.Lag(ctx)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lagging, h.asked = err != nil || lag > silentAfter, now
	return h.lagging
}
