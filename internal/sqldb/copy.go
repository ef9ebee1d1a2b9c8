package sqldb

import (
	"context"
	"errors"
	"fmt"
	"os"

	"modernc.org/sqlite"

	"thimble"
)

// copyPages is how much of a copy is made between two looks at the context.
const copyPages = 4096

// Copy writes the database as of one instant into a new file, while others read and write:
// what is committed meanwhile is not in it. The file is durable when Copy returns. The
// write-ahead log grows for as long as it takes, and cannot be emptied: [DB.Truncate] waits.
// PostgreSQL has no file to copy: there the error is of kind thimble.ErrInvalid.
func (db *DB) Copy(ctx context.Context, path string) error {
	if db.engine != SQLite {
		return fmt.Errorf("sqldb: copying %s: PostgreSQL's data is copied by its own tools: %w", db.set, thimble.ErrInvalid)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("sqldb: copying %s: the file is there already: %w", db.set, thimble.ErrConflict)
	}
	err := db.copy(ctx, path)
	if err == nil {
		err = syncFile(path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("sqldb: copying %s: %w", db.set, kind(err)), os.Remove(path))
	}
	return nil
}

func (db *DB) copy(ctx context.Context, path string) error {
	if f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600); err != nil { // with its mode, before there is anything in it
		return err
	} else if err := f.Close(); err != nil {
		return err
	}
	conn, err := db.read.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	// A transaction holds the snapshot between the steps.
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // it only reads
	var tables int
	if err := tx.QueryRowContext(ctx, db.settle()).Scan(&tables); err != nil {
		return err
	}
	return conn.Raw(func(c any) error { return copySteps(ctx, c, sqliteDSN(path, nil)) })
}

func copySteps(ctx context.Context, c any, to string) error {
	kept, ok := c.(*sqliteConn)
	if !ok {
		return errors.New("the connection is none of SQLite")
	}
	source, ok := kept.fullConn.(interface {
		NewBackup(dst string) (*sqlite.Backup, error)
	})
	if !ok {
		return errors.New("the driver makes no copies")
	}
	b, err := source.NewBackup(to)
	if err != nil {
		return err
	}
	for more := true; more && err == nil; {
		if err = ctx.Err(); err == nil {
			more, err = b.Step(copyPages)
		}
	}
	return errors.Join(err, b.Finish())
}

// QuickCheck has SQLite read its whole file for damage; PostgreSQL is not asked.
func (db *DB) QuickCheck(ctx context.Context) error {
	if db.engine != SQLite {
		return nil
	}
	var said string
	err := db.Read(ctx, func(tx *Tx) error { return tx.QueryRow(ctx, `pragma quick_check(1)`).Scan(&said) })
	if err == nil && said != "ok" {
		err = fmt.Errorf("the file is damaged: %w", thimble.ErrDenied)
	}
	if err != nil {
		return fmt.Errorf("sqldb: checking the file of %s: %w", db.set, err)
	}
	return nil
}
