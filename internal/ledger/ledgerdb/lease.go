package ledgerdb

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/sqldb"
)

// ErrNotHolder says that another process integrates.
var ErrNotHolder = fmt.Errorf("another process holds the ledger's lease (%w)", thimble.ErrConflict)

// A lease is the right to integrate. The clock decides only when a new holder may
// try; that no two succeed is the row lock's and the fence's work.
type lease struct {
	holder string
	fence  int64
	until  time.Time
}

const (
	acquireLease = `update ledger_lease set holder = $1, fence = fence + 1, lease_until = $2
		where id = 1 and lease_until <= $3 returning fence`
	renewLease = `update ledger_lease set lease_until = $1 where id = 1 and holder = $2 and fence = $3`
)

// hold renews the lease or acquires it, in the transaction that relies on it.
func (l *Log) hold(ctx context.Context, tx *sqldb.Tx) (lease, error) {
	now := l.cfg.Now()
	next := l.lease
	next.until = now.Add(l.cfg.Lease)
	if next.fence != 0 {
		n, err := tx.Exec(ctx, renewLease, next.until.UnixMicro(), next.holder, next.fence)
		if err != nil || n == 1 {
			return next, err
		}
	}
	if next.holder == "" {
		var name [1][ledger.SaltSize]byte
		if err := l.draw(name[:]); err != nil {
			return lease{}, err
		}
		next.holder = hex.EncodeToString(name[0][:8]) // for people; the fence is what counts
	}
	err := tx.QueryRow(ctx, acquireLease, next.holder, next.until.UnixMicro(), now.UnixMicro()).Scan(&next.fence)
	if errors.Is(err, sql.ErrNoRows) {
		err = l.succeed(ctx, tx, &next, now)
	}
	return next, err
}

// watched is a lease that ends later than any that begins now: the clock of who holds
// it runs ahead of ours, or ran ahead when it died.
type watched struct {
	fence, until int64
	since        time.Time
}

const (
	readLease    = `select fence, lease_until from ledger_lease where id = 1`
	succeedLease = `update ledger_lease set holder = $1, fence = fence + 1, lease_until = $2
		where id = 1 and fence = $3 and lease_until = $4 returning fence`
)

// succeed acquires the lease of a holder whose clock ran ahead and who has not renewed
// it for as long as a lease lasts, by our clock alone. Without it, a clock that is set
// back by a day would leave the log without a sequencer for that day.
func (l *Log) succeed(ctx context.Context, tx *sqldb.Tx, next *lease, now time.Time) error {
	w := watched{since: now}
	if err := tx.QueryRow(ctx, readLease).Scan(&w.fence, &w.until); err != nil {
		return err
	}
	if w.until <= now.Add(l.cfg.Lease+time.Second).UnixMicro() {
		return ErrNotHolder
	}
	if old := l.watched; old.fence == w.fence && old.until == w.until && !old.since.After(now) {
		w.since = old.since
	}
	l.watched = w
	if now.Sub(w.since) < l.cfg.Lease {
		return ErrNotHolder
	}
	return tx.QueryRow(ctx, succeedLease, next.holder, next.until.UnixMicro(), w.fence, w.until).Scan(&next.fence)
}

// release lets the next process begin at once.
func (l *Log) release(ctx context.Context) {
	l.step.Lock()
	defer l.step.Unlock()
	if l.lease.fence == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	err := l.db.Write(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, renewLease, 0, l.lease.holder, l.lease.fence)
		return err
	})
	if err != nil {
		l.cfg.Log.WarnContext(ctx, "ledger lease not released; it ends by itself", slog.String("cause", err.Error()))
	}
	l.lease = lease{}
}
