package sqldb

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"thimble"
)

const dumpMagic = "thimble rows 1\n"

// A dumpHead begins a dump.
type dumpHead struct {
	Set       string         `json:"set"`
	Version   int64          `json:"version"` // of the migrations
	Tables    []dumpTable    `json:"tables"`  // who is referred to comes before who refers
	Sequences []dumpSequence `json:"sequences"`
}

type dumpTable struct {
	Name    string   `json:"name"`
	Columns []string `json:"columns"` // without those that are generated
}

type dumpSequence struct {
	Name   string `json:"name"`
	Last   int64  `json:"last"`
	Called bool   `json:"called"`
}

// Dump writes all rows of the set's schema in PostgreSQL as of one instant, which look sees
// with the context that it is given: the migrations' version, the tables in an order in which they can be
// written, each in the server's text format for copies, and where sequences are. Rows of the
// tables that are left out are not in it. SQLite has [DB.Copy]: there the error is of kind
// thimble.ErrInvalid.
func (db *DB) Dump(ctx context.Context, w io.Writer, look func(context.Context) error, without ...string) error {
	if db.engine != PostgreSQL {
		return fmt.Errorf("sqldb: dumping %s: SQLite's file is copied: %w", db.set, thimble.ErrInvalid)
	}
	if err := db.dump(ctx, w, look, without); err != nil {
		return fmt.Errorf("sqldb: dumping %s: %w", db.set, kind(err))
	}
	return nil
}

func (db *DB) dump(ctx context.Context, to io.Writer, look func(context.Context) error, without []string) error {
	conn, err := db.read.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	tx, err := conn.BeginTx(ctx, db.readOnly())
	if err != nil {
		return err
	}
	defer tx.Rollback()                                                                                                                  //nolint:errcheck // it only reads
	if _, err := tx.ExecContext(ctx, `set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0`); err != nil { // a large table takes long
		return err
	}
	seen := context.WithValue(ctx, pinned{db}, &Tx{tx: tx, db: db})
	head, err := db.dumpHead(seen, tx, without)
	if err != nil {
		return err
	}
	if err := look(seen); err != nil {
		return err
	}
	text, err := json.Marshal(head)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(to, 1<<16)
	fmt.Fprintf(w, "%s%s\n", dumpMagic, text) //nolint:errcheck // Flush says so
	for _, t := range head.Tables {
		c := &chunks{w: w}
		query := fmt.Sprintf(`copy (select %s from %s) to stdout`, identifiers(t.Columns), identifiers([]string{t.Name}))
		if err := rawConn(conn, func(pg *pgconn.PgConn) error { _, err := pg.CopyTo(ctx, c, query); return err }); err != nil {
			return err
		}
		c.end()
	}
	return w.Flush()
}

func rawConn(conn *sql.Conn, f func(*pgconn.PgConn) error) error {
	return conn.Raw(func(c any) error {
		pg, ok := c.(*stdlib.Conn)
		if !ok {
			return errors.New("the connection is none of PostgreSQL")
		}
		return f(pg.Conn().PgConn())
	})
}

func identifiers(names []string) (list string) {
	for i, n := range names {
		if i > 0 {
			list += ", "
		}
		list += pgx.Identifier{n}.Sanitize()
	}
	return list
}

// chunks writes pieces of a table after their length; an empty one ends it.
type chunks struct{ w *bufio.Writer }

func (c *chunks) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	c.w.Write(binary.BigEndian.AppendUint32(nil, uint32(len(p)))) //nolint:errcheck // the next write says so
	return c.w.Write(p)
}

func (c *chunks) end() { c.w.Write(make([]byte, 4)) } //nolint:errcheck // Flush says so

// pieces reads them back.
type pieces struct {
	r     *bufio.Reader
	left  uint32
	ended bool
	cut   bool // there was no end
}

func (p *pieces) Read(b []byte) (int, error) {
	if p.ended {
		return 0, io.EOF
	}
	if p.left == 0 {
		var n [4]byte
		if _, err := io.ReadFull(p.r, n[:]); err != nil {
			p.cut = true
			return 0, errDump
		}
		if p.left = binary.BigEndian.Uint32(n[:]); p.left == 0 {
			p.ended = true
			return 0, io.EOF
		}
	}
	n, err := p.r.Read(b[:min(len(b), int(p.left))])
	p.left -= uint32(n)
	if errors.Is(err, io.EOF) {
		p.cut, err = true, errDump
	}
	return n, err
}

var errDump = fmt.Errorf("the copy is not whole (%w)", thimble.ErrDenied)

const (
	// Columns that are generated are made again from the others.
	dumpColumns = `select c.table_name, c.column_name from information_schema.columns c
		join information_schema.tables t on t.table_schema = c.table_schema and t.table_name = c.table_name and t.table_type = 'BASE TABLE'
		where c.table_schema = current_schema() and c.table_name not like 'goose\_%' and c.is_generated = 'NEVER' order by c.table_name, c.ordinal_position`
	dumpReferences = `select c.relname::text, r.relname::text from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_class r on r.oid = k.confrelid
		where k.contype = 'f' and c.relnamespace = current_schema()::regnamespace and k.conrelid <> k.confrelid`
	dumpSequences = `select sequencename::text, coalesce(last_value, start_value), last_value is not null from pg_sequences
		where schemaname = current_schema() and sequencename not like 'goose\_%' order by 1`
	dumpVersion = `select coalesce(max(version_id), 0) from goose_db_version where is_applied`
)

func (db *DB) dumpHead(ctx context.Context, tx *sql.Tx, without []string) (h dumpHead, err error) {
	h.Set = db.set
	if err := tx.QueryRowContext(ctx, dumpVersion).Scan(&h.Version); err != nil {
		return h, err
	}
	var tables []dumpTable
	err = eachRow(ctx, tx, dumpColumns, func(scan func(...any) error) error {
		var table, column string
		if err := scan(&table, &column); err != nil {
			return err
		}
		if n := len(tables); n == 0 || tables[n-1].Name != table {
			tables = append(tables, dumpTable{Name: table})
		}
		last := &tables[len(tables)-1]
		last.Columns = append(last.Columns, column)
		return nil
	})
	refers := map[string][]string{}
	if err == nil {
		err = eachRow(ctx, tx, dumpReferences, func(scan func(...any) error) error {
			var from, to string
			err := scan(&from, &to)
			refers[from] = append(refers[from], to)
			return err
		})
	}
	if err == nil {
		h.Tables, err = inOrder(tables, refers, without)
	}
	if err == nil {
		err = eachRow(ctx, tx, dumpSequences, func(scan func(...any) error) error {
			var s dumpSequence
			err := scan(&s.Name, &s.Last, &s.Called)
			h.Sequences = append(h.Sequences, s)
			return err
		})
	}
	return h, err
}

func eachRow(ctx context.Context, tx *sql.Tx, query string, f func(scan func(...any) error) error) error {
	rows, err := tx.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := f(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// inOrder has tables after those that they refer to, and not those that are left out.
func inOrder(all []dumpTable, refers map[string][]string, without []string) (ordered []dumpTable, err error) {
	done := map[string]bool{}
	for _, name := range without {
		done[name] = true
	}
	for len(done) < len(all) {
		before := len(done)
		for _, t := range all {
			ready := !done[t.Name]
			for _, to := range refers[t.Name] {
				ready = ready && done[to]
			}
			if ready {
				ordered, done[t.Name] = append(ordered, t), true
			}
		}
		if len(done) == before {
			return nil, errors.New("tables refer to each other in a circle")
		}
	}
	return ordered, nil
}
