package backup

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/vault"
)

// Kept is what was kept apart, as it is read for a restore.
type Kept struct {
	Statement
	Stones []vault.Tombstone
	Heads  []Head // of the list up to each of them
	Listed []Suppression
	Epochs vault.Epochs
}

// ReadApart reads the folder and holds the list against the statement. It changes nothing.
func ReadApart(dir string) (k Kept, err error) {
	if k.Statement, err = readStatement(dir); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("backup: %s does not hold what was kept apart, without which nobody who was erased can be told from the others: %w", dir, thimble.ErrInvalid)
		}
		return k, err
	}
	if err := k.lists(dir); err != nil {
		return k, err
	}
	if _, err := os.Stat(filepath.Join(dir, epochsName)); err != nil {
		return k, fmt.Errorf("backup: %s has no epoch keys: %w", dir, thimble.ErrInvalid)
	}
	k.Epochs, err = vault.NewEpochFolder(filepath.Join(dir, epochsName))
	return k, err
}

// lists reads the lists.
func (k *Kept) lists(dir string) error {
	entries, heads, err := listIn(dir, stonesName).read()
	if err == nil {
		k.Heads = heads
		err = signed(stonesName, heads, k.Tombstones)
	}
	if err == nil {
		k.Stones, err = parseStones(entries)
	}
	if err != nil {
		return err
	}
	entries, heads, err = listIn(dir, listedName).read()
	if err == nil {
		err = signed(listedName, heads, k.Suppressions)
	}
	for _, e := range entries {
		s, bad := parseSuppression(e)
		k.Listed, err = append(k.Listed, s), errors.Join(err, bad)
	}
	return err
}

// Reaches holds what was kept apart against a checkpoint that somebody else saw of the ledger:
// tombstones from before it may be fewer than there were erasures.
func (k Kept) Reaches(seen []byte) (ledger.Checkpoint, error) {
	c, err := ledger.OpenCheckpoint(seen, k.Keys...)
	if err != nil {
		return c, fmt.Errorf("backup: the checkpoint that was seen is none of this installation's ledger: %w", err)
	}
	own, err := k.Seen()
	if err != nil {
		return c, fmt.Errorf("backup: what is kept apart reaches no checkpoint: %w", err)
	}
	if c.Origin != own.Origin {
		if !slices.ContainsFunc(k.Keys[:len(k.Keys)-1], func(key string) bool { _, err := ledger.OpenCheckpoint(seen, key); return err == nil }) {
			return c, fmt.Errorf("backup: the checkpoint that was seen is of a later epoch of the ledger than what is kept apart: %w", thimble.ErrConflict)
		}
		return c, nil // of an epoch that has ended, before all that this one knows
	}
	if c.Size > own.Size {
		return c, fmt.Errorf("backup: too few tombstones: the ledger was seen with %d entries, and what is kept apart reaches to %d; erasures may lie between. Give the newest copy of it: %w", c.Size, own.Size, thimble.ErrConflict)
	}
	if c.Size == own.Size && c.Root != own.Root {
		return c, fmt.Errorf("backup: the checkpoint that was seen is of another history of the ledger: %w", ErrForeign)
	}
	return c, nil
}

// Of reports whether it is an installation's.
func (k Kept) Of(installation []byte) error {
	if k.Installation != hex.EncodeToString(installation) {
		return fmt.Errorf("backup: what is kept apart: %w", ErrForeign)
	}
	return nil
}

// Knows holds the list against heads that a backup, or a leaf of the ledger, commits to.
func (k Kept) Knows(committed ...Head) error {
	for _, c := range committed {
		if c != (Head{}) && !slices.Contains(k.Heads, c) {
			return fmt.Errorf("backup: the ledger commits to %d tombstones of which those that were kept apart are no continuation; they are an older copy, or another installation's: %w", c.Count, ErrForeign)
		}
	}
	return nil
}

// SignedBy reports whether a verifier key is among the ledger's.
func (k Kept) SignedBy(key string) bool { return slices.Contains(k.Keys, key) }

// Newest returns which is the newest of the checkpoint that was seen and the one up to which
// this was kept.
func (k Kept) Newest(seen []byte) (ledger.Checkpoint, error) {
	c, err := k.Reaches(seen)
	if err != nil {
		return c, err
	}
	own, err := k.Seen()
	if err != nil || c.Origin == own.Origin && c.Size > own.Size {
		return c, err
	}
	return own, nil
}
