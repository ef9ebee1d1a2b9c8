package sqldb

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"thimble"
)

// Look runs one select outside any transaction, for look-ups where a transaction
// costs more than the answer. The statement stays prepared, so the text must be a
// constant. The caller closes the rows.
//
// One statement is a snapshot of its own: what was committed before it begins, by
// whichever process, it sees. In SQLite a statement that runs by itself opens its
// read transaction when it takes its first step, and ends it when the rows are
// closed; in PostgreSQL (read committed) it takes its snapshot as it begins. So a row
// that was deleted before Look was called is never returned. Two calls may see two
// states; who needs one asks in Read.
func (db *DB) Look(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	count(ctx)
	stmt, err := db.prepared(ctx, query)
	if err != nil {
		return nil, err
	}
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return nil, fmt.Errorf("sqldb: looking up: %w", kind(err))
	}
	return rows, nil
}

// Ask runs one select that reads few rows, and has each read by f: at the snapshot of the
// context, when [DB.Snapshot] gave it one, or else as Look does.
func (db *DB) Ask(ctx context.Context, f func(*sql.Rows) error, query string, args ...any) error {
	var rows *sql.Rows
	var err error
	if tx := db.at(ctx); tx != nil {
		rows, err = tx.Query(ctx, query, args...)
	} else {
		rows, err = db.Look(ctx, query, args...)
	}
	if err != nil {
		return err
	}
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
	if !strings.HasPrefix(query, "select ") {
		return nil, fmt.Errorf("sqldb: a select was expected: %w", thimble.ErrInvalid)
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
