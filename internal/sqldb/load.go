package sqldb

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"

	"thimble"
)

// Load writes a dump of the same set and of the same version of the migrations into the
// schema, in one transaction: what the migrations have put into its tables is replaced. The
// caller has seen to it that nothing else is there: see [Empty]. Triggers that keep rows from being
// changed are off meanwhile; references are checked.
func (db *DB) Load(ctx context.Context, from io.Reader) error {
	if db.engine != PostgreSQL {
		return fmt.Errorf("sqldb: loading %s: rows of PostgreSQL do not go into SQLite: %w", db.set, thimble.ErrInvalid)
	}
	if err := db.load(ctx, bufio.NewReaderSize(from, 1<<16)); err != nil {
		return fmt.Errorf("sqldb: loading %s: %w", db.set, kind(err))
	}
	return nil
}

func (db *DB) load(ctx context.Context, r *bufio.Reader) error {
	head, err := readHead(r)
	if err != nil {
		return err
	}
	conn, err := db.write.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after a commit it does nothing
	if _, err := tx.ExecContext(ctx, `set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0`); err != nil {
		return err
	}
	if err := db.fits(ctx, tx, head); err != nil {
		return err
	}
	for _, t := range head.Tables {
		if _, err := tx.ExecContext(ctx, `alter table `+identifiers([]string{t.Name})+` disable trigger user`); err != nil {
			return err
		}
	}
	if err := loadTables(ctx, conn, tx, r, head); err != nil {
		return err
	}
	if _, err := r.ReadByte(); err != io.EOF {
		return errDump
	}
	for _, t := range head.Tables {
		if _, err := tx.ExecContext(ctx, `alter table `+identifiers([]string{t.Name})+` enable trigger user`); err != nil {
			return err
		}
	}
	for _, s := range head.Sequences {
		if _, err := tx.ExecContext(ctx, `select setval($1::regclass, $2, $3)`, identifiers([]string{s.Name}), s.Last, s.Called); err != nil {
			return err
		}
	}
	return tx.Commit()
}

func readHead(r *bufio.Reader) (h dumpHead, err error) {
	magic := make([]byte, len(dumpMagic))
	if _, err := io.ReadFull(r, magic); err != nil || string(magic) != dumpMagic {
		return h, errDump
	}
	line, err := r.ReadBytes('\n')
	if err != nil || json.Unmarshal(line, &h) != nil || len(h.Tables) == 0 {
		return h, errDump
	}
	return h, nil
}

// fits holds a dump against the schema: the same set, version, tables and columns.
func (db *DB) fits(ctx context.Context, tx *sql.Tx, h dumpHead) error {
	own, err := db.dumpHead(ctx, tx, nil)
	if err != nil {
		return err
	}
	if h.Set != own.Set {
		return fmt.Errorf("the copy is of %s: %w", h.Set, thimble.ErrInvalid)
	}
	if h.Version != own.Version {
		return fmt.Errorf("the copy is of version %d of the schema, and this program has %d; put it back with the version of Thimble that made it: %w", h.Version, own.Version, thimble.ErrConflict)
	}
	for _, t := range h.Tables {
		if !slices.ContainsFunc(own.Tables, func(o dumpTable) bool { return o.Name == t.Name && slices.Equal(o.Columns, t.Columns) }) {
			return fmt.Errorf("the copy has a table %s that is another one here: %w", t.Name, thimble.ErrConflict)
		}
	}
	return nil
}

func loadTables(ctx context.Context, conn *sql.Conn, tx *sql.Tx, r *bufio.Reader, h dumpHead) error {
	names := make([]string, len(h.Tables))
	for i, t := range h.Tables {
		names[i] = t.Name
	}
	if _, err := tx.ExecContext(ctx, `truncate `+identifiers(names)); err != nil {
		return err
	}
	for _, t := range h.Tables {
		p := &pieces{r: r}
		query := fmt.Sprintf(`copy %s (%s) from stdin`, identifiers([]string{t.Name}), identifiers(t.Columns))
		err := rawConn(conn, func(pg *pgconn.PgConn) error { _, err := pg.CopyFrom(ctx, p, query); return err })
		if p.cut || err == nil && !p.ended {
			err = errDump // and not what the server says of it
		}
		if err != nil {
			return fmt.Errorf("table %s: %w", t.Name, err)
		}
	}
	return nil
}

// Empty reports whether none of Thimble's schemas has a table in a database of PostgreSQL.
func Empty(ctx context.Context, url string) (bool, error) {
	db, err := connect(Config{Set: Core, URL: url})
	if err != nil {
		return false, fmt.Errorf("sqldb: looking into a database: %w", err)
	}
	var tables int
	err = db.read.QueryRowContext(ctx, `select count(*) from information_schema.tables where table_schema in ('core', 'keys', 'log', 'view')`).Scan(&tables)
	if err = errors.Join(err, db.closePools()); err != nil {
		return false, fmt.Errorf("sqldb: looking into a database: %w", kind(err))
	}
	return tables == 0, nil
}
