package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/vault"
)

// The names in the folder of what is kept apart.
const (
	stonesName    = "tombstones"
	listedName    = "suppressions"
	statementName = "statement"
	epochsName    = "epochs"
	lockName      = "lock"
)

// A Statement says how far what is kept apart reaches. The ledger's key signs it.
type Statement struct {
	Installation string    `json:"installation"`
	Tombstones   Head      `json:"tombstones"`
	Suppressions Head      `json:"suppressions"`
	At           time.Time `json:"at"`
	// Checkpoint is the newest one that was signed before the tombstones were read: each
	// destruction that it commits to has its tombstone in the list.
	Checkpoint string `json:"checkpoint"`
	// Epoch is the number of the ledger's epoch, and Keys are its verifier keys, those of epochs
	// that have ended first.
	Epoch int64    `json:"epoch"`
	Keys  []string `json:"keys"`
}

const statementKind = "thimble kept apart 1"

// Seen is the checkpoint, verified.
func (s Statement) Seen() (ledger.Checkpoint, error) {
	return ledger.OpenCheckpoint([]byte(s.Checkpoint), s.Keys...)
}

// An Apart is the folder of what is kept apart, as an installation keeps it in step.
type Apart struct {
	dir    string
	mu     sync.Mutex
	epochs vault.Epochs
	dead   *list // tombstones
	listed *list // suppressions
	marks  map[string]bool
}

// OpenApart opens the folder, which must exist: a disk that is not mounted is no empty folder.
func OpenApart(dir string) (*Apart, error) {
	info, err := os.Stat(dir)
	if err != nil || !info.IsDir() {
		return nil, fmt.Errorf("backup: what is kept apart: there is no folder %s: %w", dir, thimble.ErrInvalid)
	}
	epochs, err := vault.NewEpochFolder(filepath.Join(dir, epochsName))
	if err != nil {
		return nil, fmt.Errorf("backup: what is kept apart: %w: %w", err, thimble.ErrUnavailable)
	}
	return &Apart{dir: dir, epochs: epochs, dead: listIn(dir, stonesName), listed: listIn(dir, listedName)}, nil
}

// A Keeping is what Keep brings in step.
type Keeping struct {
	Statement Statement // Tombstones is filled in
	Signer    note.Signer
	Stones    func(ctx context.Context, after int64) ([]vault.Tombstone, error)
	Epochs    func(ctx context.Context) ([]vault.Epoch, error)
	// Suppressed are all suppressions. They are read after the tombstones: whoever has one of those
	// has left theirs.
	Suppressed func(ctx context.Context) ([]Suppression, error)
}

// Keep brings the folder in step: new tombstones are appended, epoch keys that are new are
// copied and those that were destroyed are overwritten, and then the statement is signed.
// All of it is durable when it returns. The error is of kind ErrConflict when the folder
// knows of destructions that the installation does not: then that was put back from a backup.
func (a *Apart) Keep(ctx context.Context, k Keeping) (Head, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	unlock, err := lockFile(filepath.Join(a.dir, lockName), true)
	if err != nil {
		return Head{}, keeping(err)
	}
	defer unlock()
	before, known, err := a.state()
	if err != nil {
		return Head{}, err
	}
	if known && before.Installation != k.Statement.Installation {
		return Head{}, fmt.Errorf("backup: what is kept apart in %s: %w", a.dir, ErrForeign)
	}
	if err := errors.Join(a.stones(ctx, k), a.suppressions(ctx, k), a.copyEpochs(ctx, k)); err != nil {
		return Head{}, err
	}
	head := a.dead.head
	k.Statement.Tombstones, k.Statement.Suppressions = head, a.listed.head
	if b, err := before.Seen(); err == nil && before.Epoch == k.Statement.Epoch {
		if c, err := k.Statement.Seen(); err != nil || c.Size < b.Size {
			k.Statement.Checkpoint = before.Checkpoint // another process has read a newer one meanwhile
		}
	}
	// Epochs of the ledger that a restore has passed over are in no database any more.
	k.Statement.Keys = append(slices.DeleteFunc(before.Keys, func(key string) bool { return slices.Contains(k.Statement.Keys, key) }), k.Statement.Keys...)
	if known && before.Tombstones == head && before.Suppressions == a.listed.head && before.Checkpoint == k.Statement.Checkpoint {
		return head, nil
	}
	text, err := sign(statementKind, k.Statement, k.Signer)
	if err == nil {
		err = replaceFile(filepath.Join(a.dir, statementName), text)
	}
	return head, keeping(err)
}

func keeping(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("backup: keeping apart: %w: %w", err, thimble.ErrUnavailable)
}

// state reads the statement that is there.
func (a *Apart) state() (Statement, bool, error) {
	s, err := readStatement(a.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return s, false, nil
	}
	return s, err == nil, err
}

func readStatement(dir string) (s Statement, err error) {
	file, err := os.ReadFile(filepath.Join(dir, statementName))
	if err != nil {
		return s, fmt.Errorf("backup: what is kept apart has no statement: %w", err)
	}
	if err := read(statementKind, file, &s, func() []string { return s.Keys }); err != nil {
		return s, fmt.Errorf("backup: the statement of what is kept apart: %w", err)
	}
	if _, err := s.Seen(); err != nil && s.Checkpoint != "" {
		return s, fmt.Errorf("backup: the checkpoint of what is kept apart: %w", err)
	}
	return s, nil
}

// stones adds the tombstones that are not in the list.
func (a *Apart) stones(ctx context.Context, k Keeping) error {
	if !a.dead.same() {
		if err := a.compare(ctx, k); err != nil {
			a.dead.size = 0 // to be compared again
			return err
		}
	}
	more, err := allStones(ctx, a.dead.head.Count, k.Stones)
	if err != nil {
		return err
	}
	entries := make([]string, len(more))
	for i, t := range more {
		entries[i] = stoneEntry(t)
	}
	return a.dead.add(entries)
}

// compare holds the list against what the installation knows: it must know more.
func (a *Apart) compare(ctx context.Context, k Keeping) error {
	entries, _, err := a.dead.read()
	if err != nil {
		return err
	}
	kept, err := parseStones(entries)
	if err != nil {
		return err
	}
	here, err := allStones(ctx, 0, k.Stones)
	if err == nil && len(kept) > len(here) {
		err = fmt.Errorf("backup: %d destructions of keys were kept apart and %d are known here; this installation was put back from a backup: run `thimble restore`: %w", len(kept), len(here), thimble.ErrConflict)
	}
	if err == nil {
		err = Extends(here, kept)
	}
	return err
}

// suppressions adds those that are not in the list. One whose mark was made anew stays in it.
func (a *Apart) suppressions(ctx context.Context, k Keeping) error {
	if a.marks == nil || !a.listed.same() {
		entries, _, err := a.listed.read()
		if err != nil {
			return err
		}
		a.marks = make(map[string]bool, len(entries))
		for _, e := range entries {
			a.marks[e] = true
		}
	}
	all, err := k.Suppressed(ctx)
	if err != nil {
		return err
	}
	var more []string
	for _, s := range all {
		if e := s.entry(); !a.marks[e] {
			more = append(more, e)
		}
	}
	if err := a.listed.add(more); err != nil {
		return err
	}
	for _, e := range more {
		a.marks[e] = true
	}
	return nil
}

// allStones reads a list behind one of its tombstones.
func allStones(ctx context.Context, after int64, from func(context.Context, int64) ([]vault.Tombstone, error)) (all []vault.Tombstone, err error) {
	for {
		page, err := from(ctx, after)
		if err != nil || len(page) == 0 {
			return all, err
		}
		all, after = append(all, page...), page[len(page)-1].Seq
	}
}

// copyEpochs has the epoch keys that live, and no others.
func (a *Apart) copyEpochs(ctx context.Context, k Keeping) error {
	live, err := k.Epochs(ctx)
	if err != nil || len(live) == 0 {
		return err
	}
	kept, err := a.epochs.Epochs(ctx)
	if err != nil {
		return keeping(err)
	}
	for _, e := range live {
		i := slices.IndexFunc(kept, func(o vault.Epoch) bool { return o.Number == e.Number })
		switch {
		case i < 0:
			err = a.epochs.PutEpoch(ctx, e)
		case !bytes.Equal(kept[i].Commitment, e.Commitment):
			err = fmt.Errorf("epoch %d: %w", e.Number, ErrForeign)
		case !bytes.Equal(kept[i].Wrapped, e.Wrapped): // the root's key was rotated
			err = a.epochs.ReplaceEpoch(ctx, e)
		}
		if err != nil {
			return keeping(err)
		}
	}
	return keeping(a.epochs.DestroyEpochs(ctx, live[0].Number))
}
