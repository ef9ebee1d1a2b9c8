package vault_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"thimble"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
	"thimble/internal/vault"
	"thimble/internal/vault/vaultdb"
	"thimble/internal/vault/vaulttest"
)

func vaultStore(db *sqldb.DB) *vaultdb.Store { return vaultdb.New(db) }

func TestAShreddedPersonIsUnreadableEverywhere(t *testing.T) {
	sqldbtest.Installations(t, func(t *testing.T, open sqldbtest.Opener) {
		db := open(sqldb.Keys)
		root := vaulttest.Root(t)
		store := vaultdb.New(db)
		v := vaulttest.Open(t, store, root, vault.Config{})
		other := vaulttest.Open(t, vaultdb.New(open(sqldb.Keys)), root, vault.Config{Pulse: time.Nanosecond})
		ada, bob := vaulttest.Owner(t, v), vaulttest.Owner(t, v)
		cell := mailCell(ada)
		dated := cell
		dated.Class, dated.At = "orders", time.Now()
		sealed, sealedDated := mustSeal(t, v, cell, "ada"), mustSeal(t, v, dated, "shirt")
		kept := mustSeal(t, v, mailCell(bob), "bob")
		wantOpens(t, other, cell, sealed, "ada")

		done, err := v.Shred(ctx, ada)
		if err != nil {
			t.Fatal(err)
		}

		if !done.Existed || done.KeyHash == [32]byte{} || done.Scanned != (db.Engine() == sqldb.SQLite) {
			t.Errorf("shredded = %+v", done)
		}
		for name, v := range map[string]*vault.Vault{"here": v, "another process": other} {
			_, err = v.Open(ctx, cell, sealed)
			wantKind(t, name+", base class", err, thimble.ErrDenied)
			_, err = v.Open(ctx, dated, sealedDated)
			wantKind(t, name+", dated", err, thimble.ErrDenied)
			_, err = v.Seal(ctx, cell, nil)
			wantKind(t, name+", sealing anew", err, thimble.ErrNotFound)
			_, err = v.Seal(ctx, dated, nil)
			if err == nil {
				t.Errorf("%s: sealed in a class of a shredded person", name)
			}
			wantKind(t, name+", ensuring again", v.Ensure(ctx, bob, ada), thimble.ErrDenied)
			wantOpens(t, v, mailCell(bob), kept, "bob")
		}
		again, err := v.Shred(ctx, ada)
		if err != nil || again.Existed || again.KeyHash != done.KeyHash {
			t.Errorf("shredding again = %+v, %v, want the same hash and nothing destroyed", again, err)
		}
		_, err = v.Shred(ctx, thimble.SubjectID{})
		wantKind(t, "shredding the installation", err, thimble.ErrInvalid)
	})
}

// grep returns the files below dir that hold needle.
func grep(t *testing.T, dir string, needle []byte) (found []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(b, needle) {
			found = append(found, filepath.Base(f))
		}
	}
	return found
}

func TestNoFileHoldsTheKeyOfAShreddedPerson(t *testing.T) {
	n, victims := 3000, 60
	if rounds(0) > 0 {
		n, victims = 100_000, 1000
	}
	dir := t.TempDir()
	db, err := sqldb.Open(ctx, sqldb.Config{Set: sqldb.Keys, Path: filepath.Join(dir, "keys.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	store := vaultdb.New(db)
	v := vaulttest.Open(t, store, vaulttest.Root(t), vault.Config{})
	var owners []thimble.SubjectID
	for len(owners) < n {
		batch := make([]thimble.SubjectID, 500) // several transactions: pages split and balance
		for i := range batch {
			batch[i] = newID(t)
		}
		if err := v.Ensure(ctx, batch...); err != nil {
			t.Fatal(err)
		}
		owners = append(owners, batch...)
	}
	var worst time.Duration
	for i := range victims {
		owner := owners[i*len(owners)/victims]
		keys, err := store.Keys(ctx, owner, "", false)
		if err != nil || len(keys) != 1 {
			t.Fatal(keys, err)
		}
		if i == 0 && len(grep(t, dir, keys[0].Wrapped)) == 0 {
			t.Fatal("the live key is in no file: the scan looks in the wrong place")
		}
		start := time.Now()
		if _, err := v.Shred(ctx, owner); err != nil {
			t.Fatal(err)
		}
		worst = max(worst, time.Since(start))
		if i%10 == 0 {
			if found := grep(t, dir, keys[0].Wrapped); found != nil {
				t.Fatalf("the shredded key is still in %v", found)
			}
		}
	}
	t.Logf("%d owners, %d shredded, the slowest in %s", n, victims, worst)
}
