package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"
)

func (db *DB) connectSQLite(cfg Config) error {
	db.engine = SQLite
	synchronous := "synchronous(FULL)" // NORMAL loses acknowledged commits in a power cut
	if cfg.Set == View {
		synchronous = "synchronous(NORMAL)" // which is made again from where it is
	}
	pragmas := []string{
		fmt.Sprintf("busy_timeout(%d)", cfg.Busy.Milliseconds()),
		fmt.Sprintf("page_size(%d)", pageSize(cfg.Set)), // which a database has from its beginning
		"journal_mode(WAL)",
		synchronous,
		"secure_delete(ON)", // a deleted key must not stay in a free page
		"foreign_keys(ON)",
		"cell_size_check(ON)",
		"trusted_schema(OFF)",
		"temp_store(MEMORY)", // no plain bytes in temporary files
		"mmap_size(0)",
		"cache_size(-16384)",
		"wal_autocheckpoint(0)", // a checkpoint inside a commit is the p99 tail
	}
	writer, err := newConnector(sqliteDSN(cfg.Path, pragmas, "_txlock", "immediate"), true)
	if err != nil {
		return err
	}
	reader, err := newConnector(sqliteDSN(cfg.Path, append(pragmas, "query_only(ON)")), false)
	if err != nil {
		return err
	}
	db.write, db.read, db.lookers = sql.OpenDB(writer), sql.OpenDB(reader), newLookers(reader)
	db.write.SetMaxOpenConns(1)
	db.writer = make(chan struct{}, 1)
	db.read.SetMaxOpenConns(cfg.Readers)
	db.read.SetMaxIdleConns(cfg.Readers)
	// SQLite creates the file with the process's mask; personal data is nobody else's.
	db.file, err = os.OpenFile(cfg.Path, os.O_CREATE|os.O_RDWR, 0o600)
	return err
}

// pageSize is larger where values are: a page of the write-ahead log is two writes.
func pageSize(set string) int64 {
	if set == Log {
		return 16 << 10
	}
	return 4 << 10
}

const (
	checkpointEvery = time.Second
	checkpointBusy  = 30 * time.Millisecond // while much is written: a large fold holds up the commits beside it
	walPassive      = 4 << 20               // bytes of log that start a passive checkpoint
	walRestart      = 64 << 20              // bytes of log that are worth holding the writer for a moment
	walTruncate     = 256 << 20             // bytes of the log's file that are given back
)

// checkpoints folds the write-ahead log into the file while nobody waits for it.
func (db *DB) checkpoints(ctx context.Context) {
	pause, before := checkpointEvery, int64(0)
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		size, err := db.walBytes(ctx)
		pause = checkpointEvery
		if err == nil && size > walPassive {
			var folded int64
			folded, err = db.fold(ctx, size, before)
			if folded != before {
				pause = checkpointBusy
			}
			before = folded
		}
		if err != nil && ctx.Err() == nil {
			db.log.WarnContext(ctx, "checkpoint postponed", slog.String("set", db.set), slog.String("cause", err.Error()))
		}
	}
}

// fold makes a passive checkpoint, and returns how many pages of the log are in the file.
// Writers go on meanwhile, so that there is always something left, and the log would grow for
// ever. When it is large, what was written meanwhile is folded too, and what was written
// during that, which is little, while they wait. The next one begins the log's file anew: it
// keeps its size, since a file that grows costs each commit a sync more. When all is in the
// file since the fold before, of so many pages, nobody writes, and nobody need wait.
func (db *DB) fold(ctx context.Context, size, before int64) (folded int64, err error) {
	logged, folded, err := db.passive(ctx)
	if err != nil || logged*pageSize(db.set) < walRestart || logged == folded && folded == before {
		return folded, err
	}
	if size > walTruncate {
		return 0, db.Truncate(ctx)
	}
	if _, _, err = db.passive(ctx); err != nil {
		return folded, err
	}
	if err := db.lock(ctx); err != nil {
		return folded, err
	}
	defer db.unlock()
	_, folded, err = db.passive(ctx)
	return folded, err
}

func (db *DB) passive(ctx context.Context) (logged, folded int64, err error) {
	db.folding.Lock()
	defer db.folding.Unlock()
	var busy int
	err = db.read.QueryRowContext(ctx, `pragma wal_checkpoint(passive)`).Scan(&busy, &logged, &folded)
	return logged, folded, err
}

func (db *DB) walBytes(ctx context.Context) (int64, error) {
	var seq int
	var name, path string
	if err := db.read.QueryRowContext(ctx, `pragma database_list`).Scan(&seq, &name, &path); err != nil {
		return 0, err
	}
	info, err := os.Stat(path + "-wal")
	if os.IsNotExist(err) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// Truncate folds the write-ahead log into the file and empties it, so that
// deleted bytes lie nowhere. PostgreSQL's log is not ours to truncate; there the
// call does nothing.
func (db *DB) Truncate(ctx context.Context) error {
	if db.engine != SQLite {
		return nil
	}
	if err := db.lock(ctx); err != nil {
		return err
	}
	defer db.unlock()
	db.folding.Lock() // of two checkpoints at once SQLite refuses one
	defer db.folding.Unlock()
	var busy, logged, folded int
	err := db.write.QueryRowContext(ctx, `pragma wal_checkpoint(truncate)`).Scan(&busy, &logged, &folded)
	if err != nil {
		return fmt.Errorf("sqldb: truncating the log of %s: %w", db.set, err)
	}
	if busy != 0 {
		return fmt.Errorf("sqldb: truncating the log of %s: a reader holds it: %w", db.set, errBusy)
	}
	// SQLite does not sync the emptied log: after a power cut it could be full again.
	return syncFile(db.cfg.Path + "-wal")
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("sqldb: syncing an emptied log: %w", err)
	}
	return errors.Join(f.Sync(), f.Close())
}
