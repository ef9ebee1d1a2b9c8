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

// Bury shreds again whom a restored backup has brought back: it takes over the
// tombstones that are newer than the backup and destroys the keys of every owner
// they stand for. It returns the owners, whose data the holders have to erase
// again, and is to be called before serving.
func (v *Vault) Bury(ctx context.Context, stones []Tombstone) ([]thimble.SubjectID, error) {
	dead := make(map[string]bool, len(stones))
	for _, s := range stones {
		dead[string(s.Mark)] = true
	}
	risen, err := v.risen(ctx, dead)
	if err == nil {
		for i, o := range risen {
			if _, err = v.Shred(ctx, o); err != nil {
				risen = risen[:i]
				break
			}
		}
	}
	if err == nil {
		// Last, so that the original hashes stay for those who were not restored.
		err = outage(v.store.Bury(ctx, stones))
	}
	if err != nil {
		return risen, fmt.Errorf("vault: applying %d tombstones: %w", len(stones), err)
	}
	return risen, nil
}

func (v *Vault) risen(ctx context.Context, dead map[string]bool) (risen []thimble.SubjectID, err error) {
	ever := v.cfg.Now().Add(100 * 365 * 24 * time.Hour)
	var after thimble.SubjectID
	for {
		owners, err := v.store.Owners(ctx, after, ever, sweepBatch)
		if err != nil || len(owners) == 0 {
			return risen, outage(err)
		}
		for _, o := range owners {
			mark, err := v.mark(ctx, o)
			if err != nil {
				return nil, err
			}
			if dead[string(mark)] {
				risen = append(risen, o)
			}
		}
		after = owners[len(owners)-1]
	}
}
