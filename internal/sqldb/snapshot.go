package sqldb

import (
	"context"
	"database/sql"
	"fmt"
)

// pinned is the key of a context in which a database is read at one snapshot.
type pinned struct{ db *DB }

// Snapshot runs f with a context in which every [DB.Read] of this database sees
// the state of one instant, whatever is committed meanwhile. Writes with that
// context are made as always, and are not seen by it. Its reads are made one after
// the other: f uses the context from one goroutine, and closes the rows of a query
// before the next.
func (db *DB) Snapshot(ctx context.Context, f func(context.Context) error) error {
	return db.Read(ctx, func(tx *Tx) error {
		// A transaction sees the state of its first query, not of its beginning.
		var one int
		if err := tx.QueryRow(ctx, db.settle()).Scan(&one); err != nil {
			return fmt.Errorf("sqldb: taking a snapshot of %s: %w", db.set, kind(err))
		}
		return f(context.WithValue(ctx, pinned{db}, tx))
	})
}

// settle is a query that makes the engine choose what the transaction sees: SQLite
// does so when it reads the file, PostgreSQL at any query.
func (db *DB) settle() string {
	if db.engine == SQLite {
		return `select count(*) from sqlite_master`
	}
	return `select 1`
}

// at returns the transaction of a snapshot that the context is in, or nil.
func (db *DB) at(ctx context.Context) *Tx {
	tx, _ := ctx.Value(pinned{db}).(*Tx)
	return tx
}

// readOnly are the options of a transaction that only reads.
func (db *DB) readOnly() *sql.TxOptions {
	if db.engine == SQLite {
		return nil // the connections are query_only; the driver knows no other option
	}
	return &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead}
}
