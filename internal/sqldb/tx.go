package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"thimble"
)

var errBusy = fmt.Errorf("busy: %w", thimble.ErrUnavailable)

// A Tx is a transaction. It lives as long as the function it was given to.
type Tx struct {
	tx       *sql.Tx
	db       *DB
	before   []func(context.Context) error
	onCommit []func()
	settle   []func(context.Context) error
	local    map[any]any
}

// Engine returns the kind of database, for the few texts that must differ.
func (tx *Tx) Engine() Engine { return tx.db.engine }

// Exec runs a statement and returns how many rows it changed.
func (tx *Tx) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	count(ctx)
	res, err := tx.tx.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, kind(err)
	}
	return res.RowsAffected()
}

// Query runs a query. The caller closes the rows.
func (tx *Tx) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	count(ctx)
	rows, err := tx.tx.QueryContext(ctx, query, args...)
	return rows, kind(err)
}

// QueryRow runs a query of at most one row; a missing one is sql.ErrNoRows.
func (tx *Tx) QueryRow(ctx context.Context, query string, args ...any) *sql.Row {
	count(ctx)
	return tx.tx.QueryRowContext(ctx, query, args...)
}

// Prepare readies a statement that the transaction runs many times.
func (tx *Tx) Prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	count(ctx)
	stmt, err := tx.tx.PrepareContext(ctx, query)
	return stmt, kind(err)
}

// OnCommit runs f after the transaction is durable, and not at all if it is not.
func (tx *Tx) OnCommit(f func()) { tx.onCommit = append(tx.onCommit, f) }

// BeforeCommit runs f in the transaction, when the function given to Write has
// returned; an error of f is Write's.
func (tx *Tx) BeforeCommit(f func(context.Context) error) { tx.before = append(tx.before, f) }

// OnSettle runs f after the hooks of OnCommit, and Write returns when f has: for
// what must be in force elsewhere before anybody is told that it is done. The
// context does not end with the caller's. An error of f is Write's, although what
// was written is durable.
func (tx *Tx) OnSettle(f func(context.Context) error) { tx.settle = append(tx.settle, f) }

// Local returns what the transaction keeps under key, made on first use. Each run
// of the function given to Write has its own.
func (tx *Tx) Local(key any, made func() any) any {
	v, ok := tx.local[key]
	if !ok {
		if tx.local == nil {
			tx.local = map[any]any{}
		}
		v = made()
		tx.local[key] = v
	}
	return v
}

// Read runs f on one snapshot: the context's, when [DB.Snapshot] gave it.
func (db *DB) Read(ctx context.Context, f func(*Tx) error) error {
	if tx := db.at(ctx); tx != nil {
		return f(tx)
	}
	_, err := run(ctx, db, db.read, db.readOnly(), f)
	return err
}

const tries = 12

// Write runs f in a serializable transaction and returns when it is durable. f
// may run more than once: it changes nothing outside the transaction but through
// OnCommit.
func (db *DB) Write(ctx context.Context, f func(*Tx) error) error {
	return db.writeAs(ctx, sql.LevelSerializable, f)
}

func (db *DB) writeAs(ctx context.Context, level sql.IsolationLevel, f func(*Tx) error) error {
	if err := db.lock(ctx); err != nil {
		return err
	}
	tx, err := db.writeLocked(ctx, level, f)
	db.unlock()
	if err != nil {
		return err
	}
	for _, f := range tx.onCommit {
		f()
	}
	for _, f := range tx.settle {
		if e := f(context.WithoutCancel(ctx)); e != nil {
			err = errors.Join(err, fmt.Errorf("sqldb: written, and not in force everywhere yet: %w", e))
		}
	}
	return err
}

// WriteInTurn runs f like Write, for an order that all writers keep to by one row: turn
// is a select of that row "for update", and who has it sees all that those before
// committed. Instead of failing and trying again, as serializable transactions
// that meet do, each waits for the one before. What f changes must be changed in turn
// only. SQLite has one writer, who is always in turn.
func (db *DB) WriteInTurn(ctx context.Context, turn string, f func(*Tx) error) error {
	return db.writeAs(ctx, sql.LevelReadCommitted, func(tx *Tx) error {
		if db.engine == PostgreSQL {
			if _, err := tx.Exec(ctx, turn); err != nil {
				return err
			}
		}
		return f(tx)
	})
}

func (db *DB) writeLocked(ctx context.Context, level sql.IsolationLevel, f func(*Tx) error) (tx *Tx, err error) {
	var opt *sql.TxOptions
	if db.engine == PostgreSQL {
		opt = &sql.TxOptions{Isolation: level}
	}
	for try := range tries {
		tx, err = run(ctx, db, db.write, opt, f)
		if err == nil || !IsSerialization(err) {
			return tx, err
		}
		// Spread the losers out, so that they do not meet again.
		pause := time.Duration(1+rand.IntN(4<<min(try, 6))) * time.Millisecond
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("sqldb: giving up on a retry: %w", errors.Join(ctx.Err(), err))
		case <-time.After(pause):
		}
	}
	return nil, fmt.Errorf("sqldb: %d tries all met another writer: %w", tries, errors.Join(err, thimble.ErrConflict))
}

// idle is how many connections to PostgreSQL may lie in the pool that the server has ended,
// such as by a restart: who begins on one begins anew, for nothing was done.
const idle = 20

// ended reports whether the server has ended the connection (admin_shutdown,
// crash_shutdown).
func ended(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (e.Code == "57P01" || e.Code == "57P02")
}

func run(ctx context.Context, db *DB, pool *sql.DB, opt *sql.TxOptions, f func(*Tx) error) (*Tx, error) {
	sqlTx, err := pool.BeginTx(ctx, opt)
	for range idle { // each of the pool's connections may have been ended
		if !ended(err) {
			break
		}
		sqlTx, err = pool.BeginTx(ctx, opt)
	}
	if err != nil {
		return nil, fmt.Errorf("sqldb: beginning: %w", kind(err))
	}
	defer sqlTx.Rollback() //nolint:errcheck // after a commit there is nothing to roll back
	tx := &Tx{tx: sqlTx, db: db}
	if err := f(tx); err != nil {
		return nil, kind(err) // what a Row or a Stmt reports has not passed Tx
	}
	for _, f := range tx.before {
		if err := f(ctx); err != nil {
			return nil, err
		}
	}
	if err := sqlTx.Commit(); err != nil {
		return nil, fmt.Errorf("sqldb: committing: %w", kind(err))
	}
	return tx, nil
}

func (db *DB) lock(ctx context.Context) error {
	if db.writer == nil {
		return nil
	}
	select {
	case db.writer <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("sqldb: waiting for the writer of %s: %w", db.set, ctx.Err())
	}
}

func (db *DB) unlock() {
	if db.writer != nil {
		<-db.writer
	}
}

// IsSerialization reports whether err says that the transaction met another and
// may succeed when run again.
func IsSerialization(err error) bool {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code()&0xff == sqlite3.SQLITE_BUSY
	}
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (e.Code == "40001" || e.Code == "40P01")
}
