package sqldb

import (
	"context"
	"database/sql/driver"
	"regexp"
	"strings"

	"modernc.org/sqlite"
)

// keptStatements is how many statements a connection to SQLite keeps prepared. To read the
// text of a statement costs as much as to run it, when it is a small one.
const keptStatements = 128

// A connector opens connections that keep their statements.
type connector struct {
	driver.Connector
	writes bool
}

func newConnector(dsn string, writes bool) (connector, error) {
	c, err := sqlite.NewConnector(dsn)
	return connector{c, writes}, err
}

// Connect implements driver.Connector.
func (c connector) Connect(ctx context.Context) (driver.Conn, error) { return c.connect(ctx) }

func (c connector) connect(ctx context.Context) (*sqliteConn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &sqliteConn{fullConn: conn.(fullConn), writes: c.writes, kept: map[string]*statement{}, ends: map[string]fullStmt{}}, nil
}

// fullConn is what a connection of the driver can do, as far as database/sql asks for it.
type fullConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// A sqliteConn keeps the statements that were used last. As every connection, it is used by
// one goroutine at a time.
type sqliteConn struct {
	fullConn
	writes bool // it is the writer's
	kept   map[string]*statement
	ends   map[string]fullStmt // what begins and ends a transaction of a reader
	turn   uint64
}

// A statement is prepared, and used by one query at a time.
type statement struct {
	stmt fullStmt
	busy bool   // its rows are open
	used uint64 // the turn in which it was used last
}

type fullStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// keeps says which statements are kept: not pragmas, some of which act when they are
// prepared, and nothing that changes the schema.
func keeps(query string) bool {
	for _, verb := range []string{"select", "insert", "update", "delete", "with"} {
		if len(query) > len(verb) && strings.EqualFold(query[:len(verb)], verb) {
			return true
		}
	}
	return false
}

// boundLimit is a limit that is one parameter.
var boundLimit = regexp.MustCompile(`(?i)\blimit (\$[0-9]+)`)

// PrepareContext implements driver.ConnPrepareContext.
func (c *sqliteConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	return c.prepare(ctx, query)
}

// prepare prepares a statement. When a limit is one parameter, SQLite
// plans a statement for its value, and reads the text again for each value that it is
// given next; a sum it leaves for when the statement runs.
func (c *sqliteConn) prepare(ctx context.Context, query string) (fullStmt, error) {
	stmt, err := c.fullConn.PrepareContext(ctx, boundLimit.ReplaceAllString(query, "limit 0+$1"))
	if err != nil {
		return nil, err
	}
	return stmt.(fullStmt), nil
}

// statement returns a statement of a text, or nil when it is not one that is kept, or is in
// use.
func (c *sqliteConn) statement(ctx context.Context, query string) (*statement, error) {
	c.turn++
	if s := c.kept[query]; s != nil {
		if s.busy {
			return nil, nil
		}
		s.used = c.turn
		return s, nil
	}
	if !keeps(query) {
		return nil, nil
	}
	prepared, err := c.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	s := &statement{stmt: prepared, used: c.turn}
	if len(c.kept) >= keptStatements {
		c.evict()
	}
	c.kept[query] = s
	return s, nil
}

// evict lets go of the statement that was used the longest ago.
func (c *sqliteConn) evict() {
	oldest := ""
	for query, s := range c.kept {
		if !s.busy && (oldest == "" || s.used < c.kept[oldest].used) {
			oldest = query
		}
	}
	c.drop(oldest)
}

func (c *sqliteConn) drop(query string) {
	if s := c.kept[query]; s != nil && !s.busy {
		delete(c.kept, query)
		_ = s.stmt.Close()
	}
}

// ExecContext implements driver.ExecerContext.
func (c *sqliteConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	s, err := c.statement(ctx, query)
	switch {
	case err != nil:
		return nil, err
	case s == nil:
		return c.fullConn.ExecContext(ctx, query, args)
	}
	res, err := s.stmt.ExecContext(c.unwatched(ctx), args)
	if err != nil {
		c.drop(query)
	}
	return res, err
}

// QueryContext implements driver.QueryerContext.
func (c *sqliteConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	s, err := c.statement(ctx, query)
	switch {
	case err != nil:
		return nil, err
	case s == nil:
		return c.fullConn.QueryContext(ctx, query, args)
	}
	rows, err := s.stmt.QueryContext(c.unwatched(ctx), args)
	if err != nil {
		c.drop(query)
		return nil, err
	}
	s.busy = true
	return &keptRows{Rows: rows, of: s}, nil
}

// BeginTx implements driver.ConnBeginTx. A reader keeps the words that begin and end a
// transaction prepared, as it does with others.
func (c *sqliteConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	if c.writes {
		return c.fullConn.BeginTx(ctx, opts)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return &readTx{c}, c.say("begin")
}

// A readTx is a transaction of a reader.
type readTx struct{ c *sqliteConn }

// Commit implements driver.Tx.
func (t *readTx) Commit() error { return t.c.say("commit") }

// Rollback implements driver.Tx.
func (t *readTx) Rollback() error { return t.c.say("rollback") }

// say runs one of the words of transactions.
func (c *sqliteConn) say(word string) error {
	stmt := c.ends[word]
	if stmt == nil {
		var err error
		if stmt, err = c.prepare(context.Background(), word); err != nil {
			return err
		}
		c.ends[word] = stmt
	}
	_, err := stmt.ExecContext(context.Background(), nil)
	return err
}

// unwatched is a context for one statement of the writer. The driver starts a goroutine for
// each statement that may be interrupted; the transaction looks at its context before each
// of them.
func (c *sqliteConn) unwatched(ctx context.Context) context.Context {
	if c.writes && ctx.Err() == nil {
		return context.WithoutCancel(ctx)
	}
	return ctx
}

// Close implements driver.Conn.
func (c *sqliteConn) Close() error {
	for query, s := range c.kept {
		s.busy = false
		c.drop(query)
	}
	for _, stmt := range c.ends {
		_ = stmt.Close()
	}
	return c.fullConn.Close()
}

// keptRows are the rows of a statement that is kept.
type keptRows struct {
	driver.Rows
	of *statement
}

// Close implements driver.Rows.
func (r *keptRows) Close() error {
	err := r.Rows.Close()
	r.of.busy = false
	return err
}
