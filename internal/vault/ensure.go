package vault

import (
	"context"
	"errors"
	"fmt"
	"time"

	"thimble"
)

// Ensure makes the base key of each owner that has none, all in one transaction.
// The error is of kind thimble.ErrDenied when one of them was shredded; then no key
// is made.
func (v *Vault) Ensure(ctx context.Context, owners ...thimble.SubjectID) error {
	if err := v.ensure(ctx, "", false, owners); err != nil {
		return fmt.Errorf("vault: making keys for %d owners: %w", len(owners), err)
	}
	return nil
}

// EnsureClass makes, in one transaction, the keys of a class for owners that have
// a base key: for cells with a date when at is given, otherwise for cells without.
// Seal makes them one by one; this is for imports. The error is of kind
// thimble.ErrNotFound when an owner has no base key.
func (v *Vault) EnsureClass(ctx context.Context, class string, at time.Time, owners ...thimble.SubjectID) error {
	if class == "" {
		return v.Ensure(ctx, owners...)
	}
	if err := v.ensure(ctx, class, !at.IsZero(), owners); err != nil {
		return fmt.Errorf("vault: making keys of class %s for %d owners: %w", class, len(owners), err)
	}
	return nil
}

// begin makes the keys of a class on its first use by an owner.
func (v *Vault) begin(ctx context.Context, c *thimble.Cell, month int) (*keyset, error) {
	if c.Class == "" {
		return nil, fmt.Errorf("the owner has no key; it was never made, or was shredded: %w", thimble.ErrNotFound)
	}
	var err error
	if c.Owner.IsZero() {
		err = v.insert(ctx, c.Class, month > 0, []thimble.SubjectID{c.Owner})
	} else {
		err = v.ensure(ctx, c.Class, month > 0, []thimble.SubjectID{c.Owner})
	}
	if err != nil {
		return nil, err
	}
	return v.lookup(ctx, c.Owner, c.Class, month)
}

func (v *Vault) ensure(ctx context.Context, class string, chain bool, owners []thimble.SubjectID) error {
	seen := make(map[thimble.SubjectID]bool, len(owners))
	fresh := make([]thimble.SubjectID, 0, len(owners))
	now := v.cfg.Now()
	for _, o := range owners {
		if o.IsZero() {
			return fmt.Errorf("an owner was expected, the installation's key is made by Init: %w", thimble.ErrInvalid)
		}
		if seen[o] || !chain && v.cache.get(place{owner: o, class: class}, now) != nil {
			continue
		}
		seen[o] = true
		fresh = append(fresh, o)
	}
	if len(fresh) == 0 {
		return nil
	}
	return v.insert(ctx, class, chain, fresh)
}

// insert tries again when an epoch or a month has been destroyed meanwhile.
func (v *Vault) insert(ctx context.Context, class string, chain bool, owners []thimble.SubjectID) error {
	var err error
	for range 3 {
		if err = v.insertOnce(ctx, class, chain, owners); !errors.Is(err, thimble.ErrConflict) {
			return outage(err)
		}
		v.ring.forgetTop()
	}
	return err
}

func (v *Vault) insertOnce(ctx context.Context, class string, chain bool, owners []thimble.SubjectID) error {
	month := 0
	if chain {
		floor, err := v.store.MonthFloor(ctx, class)
		if err != nil {
			return err
		}
		month = max(floor, 1)
	}
	turn := v.cache.turn()
	rows := make([]Guarded, len(owners))
	sets := make([]*keyset, len(owners))
	for i, o := range owners {
		k, plain, err := v.drawKey(ctx, o, class, chain, month)
		if err != nil {
			return err
		}
		dk, err := newDataKey(o, k.Gen, &plain)
		clear(plain[:])
		if err != nil {
			return err
		}
		rows[i] = Guarded{Key: k, NeedsBase: class != ""}
		if rows[i].Mark, err = v.mark(ctx, o); err != nil {
			return err
		}
		sets[i] = &keyset{keys: []dataKey{dk}}
	}
	added, err := v.store.Insert(ctx, rows)
	if err != nil {
		return err
	}
	// Only when each key is ours: one that was there first is another key. A chain's key is
	// that of a month, which is made from it when it is asked for.
	if added == len(rows) && !chain {
		now := v.cfg.Now()
		for i, o := range owners {
			v.cache.put(place{owner: o, class: class}, sets[i], now, turn)
		}
	}
	return nil
}
