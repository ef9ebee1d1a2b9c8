package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"thimble"
	"thimble/internal/backup"
	"thimble/internal/sqldb"
	"thimble/internal/vault/vaultdb"
)

// epochsTable has the keys of days where the keys lie in PostgreSQL. They are kept apart, and in
// no backup.
const epochsTable = "vault_epochs"

// urlOf is the database of PostgreSQL that a set lies in, "" for SQLite.
func (c *Config) urlOf(set string) string {
	if set == sqldb.Keys && c.KeysURL != "" {
		return c.KeysURL
	}
	return c.DatabaseURL
}

// rows has put seal the rows of a set in PostgreSQL as of one instant.
func (c *copier) rows(ctx context.Context, db *sqldb.DB, path string, look func(context.Context, *sqldb.DB) error, put func(*os.File) error) error {
	c.m.PostgreSQL = append(c.m.PostgreSQL, db.Set())
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("app: copying %s: %w: %w", db.Set(), err, thimble.ErrUnavailable)
	}
	defer f.Close()
	err = db.Dump(ctx, f, func(seen context.Context) error { return look(seen, db) }, epochsTable)
	if err != nil {
		return err
	}
	if _, err := f.Seek(0, 0); err != nil {
		return fmt.Errorf("app: copying %s: %w: %w", db.Set(), err, thimble.ErrUnavailable)
	}
	return put(f)
}

// mayPutBack refuses another kind of database than the backup is of, and one of PostgreSQL that
// has tables of Thimble already.
func mayPutBack(ctx context.Context, cfg Config, c backup.Choice) error {
	for set, m := range map[string]*backup.Manifest{sqldb.Core: c.Core, sqldb.Keys: c.Rest} {
		url := cfg.urlOf(set)
		if rows := slices.Contains(m.PostgreSQL, set); rows != (url != "") {
			kinds := map[bool]string{true: "PostgreSQL", false: "SQLite"}
			return fmt.Errorf("%s of backup %d is of %s, and the configuration has it in %s; it is put back into what it came from: %w", set, m.Number, kinds[rows], kinds[!rows], thimble.ErrInvalid)
		}
		if url == "" {
			continue
		}
		empty, err := sqldb.Empty(ctx, url)
		if err != nil {
			return err
		}
		if !empty {
			return fmt.Errorf("the database for %s has tables of Thimble already; put an installation back into an empty one, or drop what a restore that was cut short has left: the schemas core, keys, log and view: %w", set, thimble.ErrConflict)
		}
	}
	return nil
}

// load puts the rows of a set that were unpacked into PostgreSQL, and the keys of days beside the
// others. A set in SQLite is there already.
func (u *unpacking) load(ctx context.Context, set string, name ...string) (err error) {
	url := u.cfg.urlOf(set)
	if url == "" {
		return nil
	}
	path := filepath.Join(append([]string{u.stage.Dir}, name...)...)
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("app: putting %s back: %w: %w", set, err, thimble.ErrUnavailable)
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(path)) }()
	db, err := sqldb.Open(ctx, sqldb.Config{Set: set, URL: url})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := db.Load(ctx, f); err != nil || set != sqldb.Keys {
		return err
	}
	all, err := u.kept.Epochs.Epochs(ctx)
	if err != nil {
		return err
	}
	for _, e := range all {
		if err := vaultdb.New(db).PutEpoch(ctx, e); err != nil {
			return err
		}
	}
	return nil
}
