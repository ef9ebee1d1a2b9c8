package vault

import (
	"context"
	"fmt"
	"time"

	"thimble"
)

// Tombstones returns up to limit tombstones after the given number, the oldest
// first. They are to be kept outside the backup set.
func (v *Vault) Tombstones(ctx context.Context, after int64, limit int) ([]Tombstone, error) {
	stones, err := v.store.Tombstones(ctx, after, limit)
	if err != nil {
		return nil, fmt.Errorf("vault: listing tombstones: %w", outage(err))
	}
	return stones, nil
}

// TakeOver adds the tombstones that are missing here, in their order and with their hashes,
// so that the list is the one that was kept apart. No key is destroyed by it: [Vault.Bury]
// does that.
func (v *Vault) TakeOver(ctx context.Context, stones []Tombstone) error {
	if err := v.store.Bury(ctx, stones); err != nil {
		return fmt.Errorf("vault: taking over %d tombstones: %w", len(stones), outage(err))
	}
	return nil
}

// Buried returns which of the owners have a tombstone among the stones.
func (v *Vault) Buried(ctx context.Context, stones []Tombstone, owners []thimble.SubjectID) ([]thimble.SubjectID, error) {
	dead, err := v.among(ctx, marked(stones), owners)
	if err != nil {
		return nil, fmt.Errorf("vault: looking for %d owners among tombstones: %w", len(owners), err)
	}
	return dead, nil
}

// Bury shreds again whom a restored backup has brought back: it takes over the
// tombstones that are newer than the backup and destroys the keys of every owner
// they stand for. It returns the owners, whose data the holders have to erase
// again, and is to be called before serving.
func (v *Vault) Bury(ctx context.Context, stones []Tombstone) ([]thimble.SubjectID, error) {
	// First, so that a destruction that follows finds the tombstone, and its hash stays.
	err := v.TakeOver(ctx, stones)
	if err != nil {
		return nil, err
	}
	risen, err := v.risen(ctx, marked(stones))
	for i := 0; err == nil && i < len(risen); i++ {
		if _, err = v.Shred(ctx, risen[i]); err != nil {
			risen = risen[:i]
		}
	}
	if err != nil {
		return risen, fmt.Errorf("vault: applying %d tombstones: %w", len(stones), err)
	}
	return risen, nil
}

func marked(stones []Tombstone) map[string]bool {
	marks := make(map[string]bool, len(stones))
	for _, s := range stones {
		marks[string(s.Mark)] = true
	}
	return marks
}

func (v *Vault) risen(ctx context.Context, dead map[string]bool) (risen []thimble.SubjectID, err error) {
	ever := v.cfg.Now().Add(100 * 365 * 24 * time.Hour)
	var after thimble.SubjectID
	for {
		owners, err := v.store.Owners(ctx, after, ever, sweepBatch)
		if err != nil || len(owners) == 0 {
			return risen, outage(err)
		}
		some, err := v.among(ctx, dead, owners)
		if err != nil {
			return nil, err
		}
		risen, after = append(risen, some...), owners[len(owners)-1]
	}
}

// among returns the owners whose marks are given.
func (v *Vault) among(ctx context.Context, marks map[string]bool, owners []thimble.SubjectID) (some []thimble.SubjectID, err error) {
	for _, o := range owners {
		mark, err := v.mark(ctx, o)
		if err != nil {
			return nil, err
		}
		if marks[string(mark)] {
			some = append(some, o)
		}
	}
	return some, nil
}
