// Package vaulttest gives tests a real vault on a real database.
package vaulttest

import (
	"context"
	"path/filepath"
	"testing"

	"thimble"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
	"thimble/internal/vault"
	"thimble/internal/vault/vaultdb"
)

// Root returns a sealed file's root in a temporary folder.
func Root(tb testing.TB) vault.Root {
	tb.Helper()
	dir := tb.TempDir()
	root, err := vault.NewFileRoot(filepath.Join(dir, "root.age"), vault.IdentityFile(filepath.Join(dir, "root.key")))
	if err != nil {
		tb.Fatal(err)
	}
	return root
}

// New returns an initialised vault on the keys set db, with a root of its own.
func New(tb testing.TB, db *sqldb.DB) *vault.Vault {
	tb.Helper()
	return Open(tb, vaultdb.New(db), Root(tb), vault.Config{})
}

// Open returns an initialised vault.
func Open(tb testing.TB, store vault.Store, root vault.Root, cfg vault.Config) *vault.Vault {
	tb.Helper()
	v := vault.New(store, root, cfg)
	if err := v.Init(context.Background()); err != nil {
		tb.Fatal(err)
	}
	return v
}

// SQLite returns an initialised vault in a temporary folder.
func SQLite(tb testing.TB) *vault.Vault {
	tb.Helper()
	return New(tb, sqldbtest.SQLite(tb, sqldb.Keys))
}

// Owner draws an id and makes its key.
func Owner(tb testing.TB, v *vault.Vault) thimble.SubjectID {
	tb.Helper()
	id, err := thimble.NewSubjectID(nil)
	if err == nil {
		err = v.Ensure(context.Background(), id)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return id
}
