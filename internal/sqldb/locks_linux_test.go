package sqldb_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"thimble/internal/sqldb"
)

// Closing a file releases all of a process's locks on it, whoever took them. Without its lock
// another process that closes the database takes itself for the last, and removes the log.
func TestASearchLeavesSQLiteItsLocks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "core.db")
	db, err := sqldb.Open(t.Context(), sqldb.Config{Set: sqldb.Core, Path: path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // its locks are gone by then
	if err := db.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, scanned, err := db.Search(t.Context(), [][]byte{[]byte("0123456789abcdef")}); err != nil || !scanned {
			t.Fatalf("searched: %t, %v", scanned, err)
		}
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	const ofDescription, shared = 36, 1<<30 + 2 // F_OFD_GETLK; where SQLite's shared lock is
	lock := syscall.Flock_t{Type: syscall.F_WRLCK, Start: shared, Len: 510}
	if err := syscall.FcntlFlock(f.Fd(), ofDescription, &lock); err != nil {
		t.Skip("this system does not tell of locks: ", err)
	}
	if lock.Type != syscall.F_RDLCK {
		t.Errorf("the lock on the database is of type %d, want a shared one", lock.Type)
	}
}
