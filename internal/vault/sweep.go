package vault

import (
	"context"
	"fmt"
	"time"

	"thimble"
)

const sweepBatch = 1000

// Sweep removes keys that were made for owners who never came to be: an import
// makes keys first and commits people afterwards, and may die between. alive is
// given owners and returns those that do not exist. Only keys older than olderThan
// are asked about; it must exceed the longest import. It returns how many owners
// lost their keys.
func (v *Vault) Sweep(ctx context.Context, alive func(context.Context, []thimble.SubjectID) (dead []thimble.SubjectID, err error), olderThan time.Duration) (int, error) {
	before := v.cfg.Now().Add(-olderThan)
	var after thimble.SubjectID
	swept := 0
	for {
		owners, err := v.store.Owners(ctx, after, before, sweepBatch)
		if err != nil {
			return swept, fmt.Errorf("vault: sweeping: %w", outage(err))
		}
		if len(owners) == 0 {
			return swept, nil
		}
		dead, err := alive(ctx, owners)
		if err == nil && len(dead) > 0 {
			err = v.discard(ctx, dead)
		}
		if err != nil {
			return swept, fmt.Errorf("vault: sweeping: %w", err)
		}
		swept += len(dead)
		after = owners[len(owners)-1]
	}
}

func (v *Vault) discard(ctx context.Context, dead []thimble.SubjectID) error {
	gone, err := v.store.Discard(ctx, dead)
	v.cache.flush()
	if err != nil {
		return outage(err)
	}
	_, err = v.scrub(ctx, gone)
	return err
}
