package vault_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"filippo.io/age"

	"thimble"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
	"thimble/internal/vault"
	"thimble/internal/vault/vaulttest"
)

func fileRoot(t *testing.T, dir string, lock vault.Lock, recovery ...age.Recipient) vault.Root {
	t.Helper()
	root, err := vault.NewFileRoot(filepath.Join(dir, "root.age"), lock, recovery...)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func TestASealedFileIsARoot(t *testing.T) {
	vaulttest.TestRoot(t, func(t *testing.T) vaulttest.RootCase {
		dir := t.TempDir()
		return vaulttest.RootCase{
			Open: func(t *testing.T) vault.Root {
				return fileRoot(t, dir, vault.IdentityFile(filepath.Join(dir, "root.key")))
			},
			Other: vaultRoot,
		}
	})
}

func vaultRoot(t *testing.T) vault.Root { return vaulttest.Root(t) }

func TestTheRootsFilesAreNobodyElses(t *testing.T) {
	dir := t.TempDir()
	fileRoot(t, dir, vault.IdentityFile(filepath.Join(dir, "root.key")))
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 2 {
		t.Fatalf("files = %v, %v, want root.age and root.key and no left-over", files, err)
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, %v, want 0600", f.Name(), info.Mode(), err)
		}
	}
	sealed, err := os.ReadFile(filepath.Join(dir, "root.age"))
	if err != nil || !bytes.HasPrefix(sealed, []byte("age-encryption.org/v1\n")) {
		t.Errorf("the root's file does not begin as an age file: %v", err)
	}
}

func TestTheWrongLockIsDenied(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "root.age")
	right := vault.QuickPassphrase("correct horse battery staple")
	root := fileRoot(t, dir, right)
	wrapped, err := root.Wrap(ctx, make([]byte, 32), nil)
	if err != nil {
		t.Fatal(err)
	}

	if _, err := fileRoot(t, dir, right).Unwrap(ctx, wrapped, nil); err != nil {
		t.Errorf("the right passphrase: %v", err)
	}
	_, err = vault.NewFileRoot(path, vault.QuickPassphrase("incorrect horse"))
	wantKind(t, "another passphrase", err, thimble.ErrDenied)
	_, err = vault.NewFileRoot(path, vault.IdentityFile(filepath.Join(dir, "new.key")))
	wantKind(t, "an identity", err, thimble.ErrDenied)

	sealed, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, damaged := range [][]byte{{}, sealed[:len(sealed)-1], append(bytes.Clone(sealed[:len(sealed)-1]), sealed[len(sealed)-1]^1)} {
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err = vault.NewFileRoot(path, right)
		wantKind(t, "a damaged file", err, thimble.ErrDenied)
	}
	if err := os.WriteFile(filepath.Join(dir, "bad.key"), []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = vault.NewFileRoot(path, vault.IdentityFile(filepath.Join(dir, "bad.key")))
	wantKind(t, "an identity file that is none", err, thimble.ErrInvalid)
}

func TestARecoveryIdentityOpensTheRoot(t *testing.T) {
	dir := t.TempDir()
	safe, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	root := fileRoot(t, dir, vault.IdentityFile(filepath.Join(dir, "root.key")), safe.Recipient())
	wrapped, err := root.Wrap(ctx, []byte("k"), nil)
	if err != nil {
		t.Fatal(err)
	}
	// The identity file is lost; the one from the safe takes its place.
	if err := os.WriteFile(filepath.Join(dir, "root.key"), []byte(safe.String()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := fileRoot(t, dir, vault.IdentityFile(filepath.Join(dir, "root.key"))).Unwrap(ctx, wrapped, nil); err != nil {
		t.Error(err)
	}
}

func TestAVaultRefusesARootThatIsNotItsOwn(t *testing.T) {
	sqldbtest.Each(t, sqldb.Keys, func(t *testing.T, db *sqldb.DB) {
		root := vaulttest.Root(t)
		v := vaulttest.Open(t, vaultStore(db), root, vault.Config{})
		ada := vaulttest.Owner(t, v)
		sealed := mustSeal(t, v, mailCell(ada), "ada")

		// The file was lost, and a new one made in its place.
		err := vault.New(vaultStore(db), vaulttest.Root(t), vault.Config{}).Init(ctx)
		wantKind(t, "another root", err, thimble.ErrDenied)

		again := vaulttest.Open(t, vaultStore(db), root, vault.Config{})
		wantOpens(t, again, mailCell(ada), sealed, "ada")
	})
}

func TestLostEpochKeysAreNotReplaced(t *testing.T) {
	db := sqldbtest.SQLite(t, sqldb.Keys)
	folder, err := vault.NewEpochFolder(filepath.Join(t.TempDir(), "epochs"))
	if err != nil {
		t.Fatal(err)
	}
	root := vaulttest.Root(t)
	vaulttest.Open(t, vaultStore(db), root, vault.Config{Epochs: folder})
	if n, err := vaultStore(db).Epochs(ctx); err != nil || len(n) != 0 {
		t.Errorf("the database holds %d epoch keys, %v, want none: they lie in the folder", len(n), err)
	}

	empty, err := vault.NewEpochFolder(filepath.Join(t.TempDir(), "epochs"))
	if err != nil {
		t.Fatal(err)
	}
	err = vault.New(vaultStore(db), root, vault.Config{Epochs: empty}).Init(ctx)
	wantKind(t, "an empty folder", err, thimble.ErrDenied)
	if all, err := empty.Epochs(ctx); err != nil || len(all) != 0 {
		t.Errorf("a new epoch was made: %v, %v", all, err)
	}
}
