package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"slices"
	"sync"
	"time"

	"thimble"
)

// An Engine is a kind of database.
type Engine string

// The engines.
const (
	SQLite     Engine = "sqlite"
	PostgreSQL Engine = "postgres"
)

// The sets of tables.
const (
	// Core is the system of record.
	Core = "core"
	// Keys holds wrapped keys, with a backup cycle of its own.
	Keys = "keys"
	// Log is the log of events: appended to, and large.
	Log = "log"
	// View holds what is made from the log and can be made again. Its last commits
	// may be lost in a power cut; the file is whole.
	View = "view"
)

var sets = []string{Core, Keys, Log, View}

// Config says what to open. Path or URL is needed, the rest has working zero values.
type Config struct {
	Set  string // Core, Keys, Log or View
	Path string // the SQLite file; its folder must exist
	URL  string // a postgres:// URL; wins over Path

	Readers int           // concurrent readers; 0 means 8
	Busy    time.Duration // how long SQLite waits for another process; 0 means 5 s
	Log     *slog.Logger  // nil means silence
}

// A DB is one set of tables in one database.
type DB struct {
	engine Engine
	set    string
	write  *sql.DB
	read   *sql.DB
	writer chan struct{} // SQLite has one writer: waiting here obeys the context
	log    *slog.Logger
	cfg    Config
	looks  sync.Map // text → *sql.Stmt, prepared on PostgreSQL's readers

	lookers *lookers // of SQLite
	// SQLite's file and shared memory as somebody reads them beside SQLite. They stay open until its
	// connections are closed: to close one would release the process's locks on it, and another
	// process that closes the database would take itself for the last, and remove the log.
	file, shm *os.File

	folding sync.Mutex // held after writer, where both are
	stop    context.CancelFunc
	done    sync.WaitGroup
}

// Open opens the database, migrates it to this version, and starts its
// checkpoints. The error of a database from a newer version is ErrNewer.
func Open(ctx context.Context, cfg Config) (*DB, error) {
	db, err := connect(cfg)
	if err != nil {
		return nil, fmt.Errorf("sqldb: opening %s: %w", cfg.Set, err)
	}
	if err := db.migrate(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("sqldb: migrating %s: %w", cfg.Set, kind(err)), db.closePools())
	}
	if db.engine == SQLite {
		var loop context.Context
		loop, db.stop = context.WithCancel(context.WithoutCancel(ctx))
		db.done.Go(func() { db.checkpoints(loop) })
	}
	return db, nil
}

func connect(cfg Config) (*DB, error) {
	if !slices.Contains(sets, cfg.Set) {
		return nil, fmt.Errorf("a set named one of %v was expected: %w", sets, thimble.ErrInvalid)
	}
	if cfg.Readers == 0 {
		cfg.Readers = 8
	}
	if cfg.Busy == 0 {
		cfg.Busy = 5 * time.Second
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	db := &DB{set: cfg.Set, log: cfg.Log, cfg: cfg, stop: func() {}}
	switch {
	case cfg.URL != "":
		return db, db.connectPostgres(cfg)
	case cfg.Path != "":
		return db, db.connectSQLite(cfg)
	}
	return nil, fmt.Errorf("neither a file nor a URL was given: %w", thimble.ErrInvalid)
}

// Engine returns the kind of database.
func (db *DB) Engine() Engine { return db.engine }

// Set returns the name of the set.
func (db *DB) Set() string { return db.set }

// Config returns what the handle was opened with, defaults filled in.
func (db *DB) Config() Config { return db.cfg }

// Close stops the checkpoints and closes the connections. SQLite's write-ahead
// log is folded into the file.
func (db *DB) Close() error {
	db.stop()
	db.done.Wait()
	err := db.Truncate(context.Background())
	if errors.Is(err, errBusy) {
		err = nil // another handle reads; whoever closes last folds the log
	}
	return errors.Join(err, db.closePools())
}

func (db *DB) closePools() error {
	var err error
	db.looks.Range(func(_, stmt any) bool { err = errors.Join(err, stmt.(*sql.Stmt).Close()); return true })
	if db.lookers != nil {
		err = errors.Join(err, db.lookers.close())
	}
	err = errors.Join(err, db.read.Close())
	if db.write != db.read {
		err = errors.Join(err, db.write.Close())
	}
	for _, f := range []*os.File{db.file, db.shm} {
		if f != nil {
			err = errors.Join(err, f.Close())
		}
	}
	return err
}

// Ping asks the database for an answer.
func (db *DB) Ping(ctx context.Context) error {
	return db.Read(ctx, func(tx *Tx) error {
		var one int
		return tx.QueryRow(ctx, `select 1`).Scan(&one)
	})
}

func sqliteDSN(path string, pragmas []string, params ...string) string {
	q := url.Values{}
	for _, p := range pragmas {
		q.Add("_pragma", p)
	}
	for i := 0; i+1 < len(params); i += 2 {
		q.Set(params[i], params[i+1])
	}
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: q.Encode()}).String()
}
