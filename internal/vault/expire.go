package vault

import (
	"context"
	"fmt"
	"time"

	"thimble"
)

// ExpireBefore destroys the keys of a class for the months before month's: each
// chain keeps the link of that month, which leads to later ones and to no earlier
// one. Cells of the class without a date stay. It returns how many chains were cut,
// and is to be called again after an interruption.
func (v *Vault) ExpireBefore(ctx context.Context, class string, month time.Time) (int, error) {
	n, err := v.expireBefore(ctx, class, month)
	if err != nil {
		return n, fmt.Errorf("vault: expiring class %s: %w", class, outage(err))
	}
	return n, nil
}

func (v *Vault) expireBefore(ctx context.Context, class string, month time.Time) (int, error) {
	m, err := monthOf(month)
	if err != nil {
		return 0, err
	}
	if m == 0 || class == "" {
		return 0, fmt.Errorf("a class and a month were expected; the base class does not expire by month: %w", thimble.ErrInvalid)
	}
	id, err := v.id(ctx)
	if err != nil {
		return 0, err
	}
	epoch, err := v.ring.newest(ctx, id)
	if err != nil {
		return 0, err
	}
	// First the floor, so that no chain can begin below it; then the chains; then
	// the floor again, whose change tells other processes to drop what they read
	// in between.
	if err := v.store.RaiseMonthFloor(ctx, class, m); err != nil {
		return 0, err
	}
	cut, gone, err := v.cutChains(ctx, class, m, epoch)
	v.cache.evict(func(at place) bool { return at.class == class && at.month > 0 && at.month < m })
	if err != nil {
		return cut, err
	}
	if err := v.store.RaiseMonthFloor(ctx, class, m); err != nil {
		return cut, err
	}
	return cut, v.scrubBytes(ctx, gone)
}

func (v *Vault) cutChains(ctx context.Context, class string, month int, epoch int64) (cut int, gone [][]byte, err error) {
	// A second pass meets what a rotation has re-wrapped during the first.
	for range 4 {
		n, old, broken, err := v.cutPass(ctx, class, month, epoch)
		cut, gone = cut+n, append(gone, old...)
		switch {
		case err != nil:
			return cut, gone, err
		case broken > 0:
			return cut, gone, fmt.Errorf("%d stored keys do not open: %w", broken, thimble.ErrDenied)
		case len(old) == 0:
			return cut, gone, nil
		}
	}
	return cut, gone, fmt.Errorf("other writers kept changing the keys: %w", thimble.ErrConflict)
}

func (v *Vault) cutPass(ctx context.Context, class string, month int, epoch int64) (cut int, old [][]byte, broken int, err error) {
	var after Cursor
	for {
		keys, err := v.store.Chains(ctx, class, month, after, rewrapBatch)
		if err != nil || len(keys) == 0 {
			return cut, old, broken, err
		}
		after = cursorOf(&keys[len(keys)-1])
		changes, bad, err := v.rewrapped(ctx, keys, func(k *Key, link *[32]byte) {
			*link = advance(*link, month-k.Month)
			k.Month, k.Epoch = month, epoch
		})
		if err != nil {
			return cut, old, broken, err
		}
		n, err := v.store.Exchange(ctx, changes)
		if err != nil {
			return cut, old, broken, err
		}
		cut, broken = cut+n, broken+bad
		for i := range changes {
			old = append(old, changes[i].Old)
		}
	}
}
