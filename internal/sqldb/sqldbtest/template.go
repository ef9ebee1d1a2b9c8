package sqldbtest

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"thimble/internal/sqldb"
)

var sets = []string{sqldb.Core, sqldb.Keys, sqldb.Log, sqldb.View}

// Migrated puts an SQLite file of a set where none is yet, migrated and empty. To open it
// finds nothing left to do.
func Migrated(tb testing.TB, set, path string) {
	tb.Helper()
	if _, err := os.Stat(path); err == nil {
		return
	}
	file, err := migrated[set]()
	if err == nil {
		err = os.WriteFile(path, file, 0o600)
	}
	if err != nil {
		tb.Fatal(err)
	}
}

// migrated has the bytes of a migrated file of each set, made when they are first asked for.
var migrated = func() map[string]func() ([]byte, error) {
	files := map[string]func() ([]byte, error){}
	for _, set := range sets {
		files[set] = sync.OnceValues(func() ([]byte, error) { return migrate(set) })
	}
	return files
}()

func migrate(set string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "thimble-migrated-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, set+".db")
	db, err := sqldb.Open(context.Background(), sqldb.Config{Set: set, Path: path})
	if err != nil {
		return nil, err
	}
	if err := db.Close(); err != nil { // which folds the write-ahead log into the file
		return nil, err
	}
	return os.ReadFile(path)
}

var (
	templates sync.Mutex
	templated = map[string]string{} // server → template
)

// template makes a migrated database on the server, once, and returns its name, which
// is that of its migrations: processes that share a server share it.
func template(server string) (string, error) {
	templates.Lock()
	defer templates.Unlock()
	if name := templated[server]; name != "" {
		return name, nil
	}
	sum, err := fingerprint()
	if err != nil {
		return "", err
	}
	name := "thimble_migrated_" + sum
	if err := makeTemplate(server, name); err != nil {
		return "", fmt.Errorf("sqldbtest: making a template: %w", err)
	}
	templated[server] = name
	return name, nil
}

// makeTemplate migrates under another name, so that what was interrupted is no template.
func makeTemplate(server, name string) error {
	ctx := context.Background()
	pool, err := sql.Open("pgx", server)
	if err != nil {
		return err
	}
	defer pool.Close()
	admin, err := pool.Conn(ctx) // the lock is the session's
	if err != nil {
		return err
	}
	defer admin.Close()
	if _, err := admin.ExecContext(ctx, `select pg_advisory_lock(hashtext($1))`, name); err != nil {
		return err
	}
	var there bool
	if err := admin.QueryRowContext(ctx, `select exists (select 1 from pg_database where datname = $1)`, name).Scan(&there); err != nil || there {
		return err
	}
	making := name + "_making"
	for _, text := range []string{"drop database if exists " + making + " with (force)", "create database " + making} {
		if _, err := admin.ExecContext(ctx, text); err != nil {
			return err
		}
	}
	at, err := within(server, making)
	if err != nil {
		return err
	}
	for _, set := range sets {
		db, err := sqldb.Open(ctx, sqldb.Config{Set: set, URL: at})
		if err != nil {
			return err
		}
		if err := db.Close(); err != nil {
			return err
		}
	}
	_, err = admin.ExecContext(ctx, "alter database "+making+" rename to "+name)
	return err
}

// fingerprint is a hash of all migrations.
func fingerprint() (string, error) {
	h := sha256.New()
	all := sqldb.Migrations()
	err := fs.WalkDir(all, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(all, path)
		fmt.Fprintf(h, "%s %d\n", path, len(b))
		_, written := h.Write(b)
		return errors.Join(err, written)
	})
	return fmt.Sprintf("%x", h.Sum(nil)[:8]), err
}
