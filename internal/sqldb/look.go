package sqldb

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"thimble"
)

// A Row is one row of an answer.
type Row interface{ Scan(dest ...any) error }

// Ask runs one select that reads few rows, and has each read by f, which asks the database
// nothing. It is for look-ups where a transaction costs more than the answer. The statement
// stays prepared, so the text must be a constant.
//
// One statement is a snapshot of its own: what was committed before it begins, by
// whichever process, it sees. In SQLite a statement that runs by itself opens its
// read transaction when it takes its first step, and ends it when the rows are
// closed; in PostgreSQL (read committed) it takes its snapshot as it begins. So a row
// that was deleted before Ask was called is never returned. Two calls may see two
// states; who needs one asks in Read. In a context that [DB.Snapshot] gave, it is that
// snapshot that is asked.
func (db *DB) Ask(ctx context.Context, f func(Row) error, query string, args ...any) error {
	if tx := db.at(ctx); tx != nil {
		return tx.Each(ctx, f, query, args...)
	}
	count(ctx)
	if !strings.HasPrefix(query, "select ") {
		return fmt.Errorf("sqldb: a select was expected: %w", thimble.ErrInvalid)
	}
	if db.lookers != nil {
		if err := db.lookers.ask(ctx, f, query, args); err != nil {
			return fmt.Errorf("sqldb: looking up: %w", kind(err))
		}
		return nil
	}
	stmt, err := db.prepared(ctx, query)
	if err != nil {
		return err
	}
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return fmt.Errorf("sqldb: looking up: %w", kind(err))
	}
	return each(rows, f)
}

// Each has each row of a query read by f.
func (tx *Tx) Each(ctx context.Context, f func(Row) error, query string, args ...any) error {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	return each(rows, f)
}

func each(rows *sql.Rows, f func(Row) error) error {
	defer rows.Close()
	for rows.Next() {
		if err := f(rows); err != nil {
			return err
		}
	}
	return kind(rows.Err())
}

func (db *DB) prepared(ctx context.Context, query string) (*sql.Stmt, error) {
	if stmt, ok := db.looks.Load(query); ok {
		return stmt.(*sql.Stmt), nil
	}
	stmt, err := db.read.PrepareContext(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("sqldb: preparing: %w", kind(err))
	}
	kept, taken := db.looks.LoadOrStore(query, stmt)
	if taken {
		_ = stmt.Close() // another was as quick
	}
	return kept.(*sql.Stmt), nil
}
