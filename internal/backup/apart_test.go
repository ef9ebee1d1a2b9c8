package backup_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"thimble"
	"thimble/internal/backup"
	"thimble/internal/ledger"
	"thimble/internal/vault"
)

// kept is an installation's part in what is kept apart.
type kept struct {
	t      *testing.T
	dir    string
	folder *backup.Apart
	s      *ledger.Signer
	stones []vault.Tombstone
	marks  []backup.Suppression
	days   []vault.Epoch
	size   int64
}

func newKept(t *testing.T) *kept {
	t.Helper()
	k := &kept{t: t, dir: t.TempDir(), s: signer(t, "shop.example/log")}
	k.open()
	return k
}

func (k *kept) open() {
	k.t.Helper()
	var err error
	if k.folder, err = backup.OpenApart(k.dir); err != nil {
		k.t.Fatal(err)
	}
}

// dies destroys a person's keys: a tombstone, a suppression, and a leaf.
func (k *kept) dies() {
	n := int64(len(k.stones) + 1)
	k.stones = append(k.stones, vault.Tombstone{Seq: n, Mark: bytes.Repeat([]byte{byte(n)}, 16), KeyHash: [32]byte{byte(n)}})
	k.marks = append(k.marks, backup.Suppression{Mark: bytes.Repeat([]byte{byte(100 + n)}, 16), Gen: 1})
	k.size++
}

func (k *kept) head(size int64) []byte {
	k.t.Helper()
	c, err := ledger.SignCheckpoint(k.s, tlog.Tree{N: size, Hash: tlog.Hash{byte(size)}})
	if err != nil {
		k.t.Fatal(err)
	}
	return c.Note
}

func (k *kept) keep() (backup.Head, error) {
	return k.folder.Keep(k.t.Context(), backup.Keeping{
		Statement: backup.Statement{Installation: hex.EncodeToString(installation), At: time.Now(), Checkpoint: string(k.head(k.size)), Epoch: 1, Keys: []string{k.s.VerifierKey()}},
		Signer:    k.s,
		Stones: func(_ context.Context, after int64) ([]vault.Tombstone, error) {
			return k.stones[after:min(int64(len(k.stones)), after+3)], nil
		},
		Suppressed: func(context.Context) ([]backup.Suppression, error) { return k.marks, nil },
		Epochs:     func(context.Context) ([]vault.Epoch, error) { return k.days, nil },
	})
}

func (k *kept) mustKeep() {
	k.t.Helper()
	if _, err := k.keep(); err != nil {
		k.t.Fatal(err)
	}
}

func TestWhatIsKeptApartIsThatOfTheInstallation(t *testing.T) {
	k := newKept(t)
	k.days = []vault.Epoch{{Number: 1, Day: 1, Wrapped: []byte("first"), Commitment: []byte("1")}}
	k.mustKeep()
	for range 5 {
		k.dies()
		k.mustKeep()
	}
	k.open() // another process
	for range 5 {
		k.dies()
	}
	k.days = []vault.Epoch{{Number: 2, Day: 2, Wrapped: []byte("second"), Commitment: []byte("2")}, {Number: 3, Day: 3, Wrapped: []byte("third"), Commitment: []byte("3")}}
	k.mustKeep()

	got, err := backup.ReadApart(k.dir)
	if err != nil {
		t.Fatal(err)
	}

	if err := errors.Join(backup.Extends(got.Stones, k.stones), backup.Extends(k.stones, got.Stones)); err != nil || len(got.Listed) != 10 {
		t.Errorf("%d tombstones and %d suppressions, want the 10 of each: %v", len(got.Stones), len(got.Listed), err)
	}
	days, err := got.Epochs.Epochs(t.Context())
	if err != nil || len(days) != 2 || days[0].Number != 2 {
		t.Errorf("keys of days: %v, %v, want the two that live", days, err)
	}
	if err := filepath.WalkDir(k.dir, func(path string, _ os.DirEntry, err error) error {
		if b, readErr := os.ReadFile(path); readErr == nil && bytes.Contains(b, []byte("first")) {
			t.Errorf("%s has the key that was destroyed", path)
		}
		return err
	}); err != nil {
		t.Error(err)
	}
	if _, err := got.Reaches(k.head(10)); err != nil {
		t.Errorf("the checkpoint of its own size: %v", err)
	}
	if _, err := got.Reaches(k.head(4)); err != nil {
		t.Errorf("an older checkpoint: %v", err)
	}
	if _, err := got.Reaches(k.head(11)); !errors.Is(err, thimble.ErrConflict) {
		t.Errorf("a newer checkpoint: %v, want that there are too few", err)
	}
}

func TestALineThatWasBeingWrittenIsWrittenAgain(t *testing.T) {
	k := newKept(t)
	k.dies()
	k.mustKeep()
	for _, name := range []string{"tombstones", "suppressions"} {
		f, err := os.OpenFile(filepath.Join(k.dir, name), os.O_APPEND|os.O_WRONLY, 0)
		if err == nil {
			_, err = f.WriteString("2 0202")
		}
		if err = errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := backup.ReadApart(k.dir); err != nil || len(got.Stones) != 1 {
		t.Errorf("half a line: %d tombstones, %v, want one", len(got.Stones), err)
	}
	k.open()
	k.dies()
	k.mustKeep()
	if got, err := backup.ReadApart(k.dir); err != nil || len(got.Stones) != 2 || len(got.Listed) != 2 {
		t.Errorf("%d tombstones, %d suppressions, %v, want two", len(got.Stones), len(got.Listed), err)
	}
}

func TestAnOlderInstallationIsRefused(t *testing.T) {
	k := newKept(t)
	for range 4 {
		k.dies()
	}
	k.mustKeep()
	k.open()
	all := k.stones
	k.stones = all[:3]
	if _, err := k.keep(); !errors.Is(err, thimble.ErrConflict) || !strings.Contains(err.Error(), "put back from a backup") {
		t.Errorf("an installation that knows less: %v, want a refusal", err)
	}
	k.stones = append(append([]vault.Tombstone{}, all[:3]...), vault.Tombstone{Seq: 4, Mark: bytes.Repeat([]byte{9}, 16)})
	if _, err := k.keep(); !errors.Is(err, backup.ErrForeign) {
		t.Errorf("an installation that knows another: %v, want a refusal", err)
	}
	k.stones = all
	if head, err := k.keep(); err != nil || head.Count != 4 {
		t.Errorf("the control: %v, %v", head, err)
	}
}

func TestAFolderThatIsNotThereIsNoEmptyOne(t *testing.T) {
	if _, err := backup.OpenApart(filepath.Join(t.TempDir(), "not mounted")); !errors.Is(err, thimble.ErrInvalid) {
		t.Errorf("got %v, want a refusal", err)
	}
}
