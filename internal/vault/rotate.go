package vault

import (
	"context"
	"errors"
	"fmt"

	"thimble"
)

// Rotation says what a rotation did.
type Rotation struct {
	Epoch     int64 // the newest epoch, under which all keys now lie
	Rewrapped int   // data keys
	Destroyed int   // epoch keys
	// Postponed says that epoch keys were due and kept, because the clock has leapt by
	// more than the time they live. If it is right, the next rotation of a later
	// day destroys them.
	Postponed bool
}

const rewrapBatch = 2000

// Rotate makes today's epoch key, wraps every data key anew under it, and destroys
// the epoch keys whose day is at least [Config.EpochDays] past. Cells are sealed and
// opened all the while. Call it daily; after an interruption, call it again.
//
// A stored key that does not open is left as it is, and its epoch is kept: the error,
// of kind thimble.ErrDenied, counts such keys.
func (v *Vault) Rotate(ctx context.Context) (Rotation, error) {
	r, err := v.rotate(ctx)
	if err != nil {
		return r, fmt.Errorf("vault: rotating: %w", outage(err))
	}
	return r, nil
}

func (v *Vault) rotate(ctx context.Context) (r Rotation, err error) {
	id, err := v.id(ctx)
	if err != nil {
		return r, err
	}
	today := v.day()
	epochs, err := v.ring.epochs.Epochs(ctx)
	if err != nil {
		return r, err
	}
	if len(epochs) == 0 {
		return r, errEpoch
	}
	if last := epochs[len(epochs)-1].Day; last != today {
		if err := v.ring.extend(ctx, id, today); err != nil {
			return r, err
		}
		if epochs, err = v.ring.epochs.Epochs(ctx); err != nil {
			return r, err
		}
	}
	r.Postponed = v.leapt(epochs, today)
	v.ring.forgetTop() // another process may have extended it
	if r.Epoch, err = v.ring.newest(ctx, id); err != nil {
		return r, err
	}
	if r.Rewrapped, err = v.rewrap(ctx, r.Epoch); err != nil {
		return r, err
	}
	below := v.due(epochs, today)
	if r.Postponed = r.Postponed && below > epochs[0].Number; r.Postponed {
		return r, nil
	}
	r.Destroyed, err = v.destroy(ctx, epochs, below)
	return r, err
}

// due returns the number of the first epoch that is to be kept. An epoch counts
// from its own day, or from its successor's when that is earlier: after a clock
// that ran ahead was set right, days go backwards once.
func (v *Vault) due(epochs []Epoch, today int64) int64 {
	for i, e := range epochs[:len(epochs)-1] {
		if min(e.Day, epochs[i+1].Day) > today-int64(v.cfg.EpochDays) {
			return e.Number
		}
	}
	return epochs[len(epochs)-1].Number
}

// leapt reports whether today is the first day after a gap longer than epochs live:
// the clock may have leapt. All rotations of that day see it, and those of the days
// after it do not.
func (v *Vault) leapt(epochs []Epoch, today int64) bool {
	n := len(epochs)
	return n > 1 && epochs[n-1].Day == today && today > epochs[n-2].Day+int64(v.cfg.EpochDays)
}

func (v *Vault) destroy(ctx context.Context, epochs []Epoch, below int64) (int, error) {
	var dead [][]byte
	for _, e := range epochs {
		if e.Number < below {
			dead = append(dead, e.Wrapped)
		}
	}
	if len(dead) == 0 {
		return 0, nil
	}
	left, err := v.store.RaiseFloor(ctx, below)
	if err != nil {
		return 0, err
	}
	if left > 0 {
		// Another process wrapped under an old epoch while this one was re-wrapping.
		// It does not next time: destruction waits for the next rotation.
		return 0, nil
	}
	if err := v.ring.epochs.DestroyEpochs(ctx, below); err != nil {
		return 0, err
	}
	v.ring.drop(below)
	return len(dead), v.scrubBytes(ctx, dead)
}

// rewrap wraps all data keys under the epoch. The store replaces a wrapping only if
// it is still the one that was read, so that a key shredded or expired meanwhile
// does not come back.
//
// While the store writes one batch the next is read and wrapped: the cursor is past
// what is being written.
func (v *Vault) rewrap(ctx context.Context, epoch int64) (done int, err error) {
	type written struct {
		n   int
		err error
	}
	writing := make(chan written, 1)
	writing <- written{}
	var after Cursor
	broken := 0
	for {
		keys, err := v.store.Batch(ctx, epoch, after, rewrapBatch)
		var changes []Exchange
		if err == nil && len(keys) > 0 {
			var bad int
			after = cursorOf(&keys[len(keys)-1])
			changes, bad, err = v.rewrapped(ctx, keys, func(k *Key, _ *[32]byte) { k.Epoch = epoch })
			broken += bad
		}
		before := <-writing
		if done += before.n; before.err != nil || err != nil {
			return done, errors.Join(before.err, err)
		}
		if len(keys) == 0 {
			break
		}
		go func() {
			n, err := v.store.Exchange(ctx, changes)
			writing <- written{n, err}
		}()
	}
	if broken > 0 {
		return done, fmt.Errorf("%d stored keys do not open: %w", broken, thimble.ErrDenied)
	}
	return done, nil
}

// rewrapped opens keys, lets change work on them and wraps them again.
func (v *Vault) rewrapped(ctx context.Context, keys []Key, change func(*Key, *[32]byte)) (changes []Exchange, broken int, err error) {
	changes = make([]Exchange, 0, len(keys))
	for i := range keys {
		plain, err := v.unwrapKey(ctx, &keys[i])
		if errors.Is(err, thimble.ErrDenied) {
			broken++
			continue
		}
		if err != nil {
			return nil, broken, err
		}
		x := Exchange{Key: keys[i], Old: keys[i].Wrapped}
		change(&x.Key, &plain)
		err = v.wrapKey(ctx, &x.Key, &plain)
		clear(plain[:])
		if err != nil {
			return nil, broken, err
		}
		changes = append(changes, x)
	}
	return changes, broken, nil
}

func cursorOf(k *Key) Cursor {
	return Cursor{Owner: k.Owner, Class: k.Class, Chain: k.Chain, Gen: k.Gen, Begun: true}
}

// RewrapEpochs wraps every epoch key anew with the root: after the root's own key was
// rotated, or, with [Succeed], to move to another root. It returns how many.
func (v *Vault) RewrapEpochs(ctx context.Context) (int, error) {
	n, err := v.rewrapEpochs(ctx)
	if err != nil {
		return n, fmt.Errorf("vault: wrapping epoch keys anew: %w", outage(err))
	}
	return n, nil
}

func (v *Vault) rewrapEpochs(ctx context.Context) (int, error) {
	id, err := v.id(ctx)
	if err != nil {
		return 0, err
	}
	epochs, err := v.ring.epochs.Epochs(ctx)
	if err != nil {
		return 0, err
	}
	var old [][]byte
	for i, e := range epochs {
		plain, err := v.ring.plain(ctx, id, e)
		if err != nil {
			return i, err
		}
		old = append(old, e.Wrapped)
		e.Wrapped, err = v.ring.wrap(ctx, &plain, id, e.Number)
		clear(plain[:])
		if err != nil {
			return i, err
		}
		if err := v.ring.epochs.ReplaceEpoch(ctx, e); err != nil {
			return i, err
		}
	}
	return len(epochs), v.scrubBytes(ctx, old)
}

// Succeed returns a root that wraps with next and opens what either has wrapped.
// Serve with it, call [Vault.RewrapEpochs], then serve with next alone.
func Succeed(next, former Root) Root { return succession{next, former} }

type succession struct{ next, former Root }

func (s succession) Wrap(ctx context.Context, plain, aad []byte) ([]byte, error) {
	return s.next.Wrap(ctx, plain, aad)
}

func (s succession) Unwrap(ctx context.Context, wrapped, aad []byte) ([]byte, error) {
	plain, err := s.next.Unwrap(ctx, wrapped, aad)
	if err == nil {
		return plain, nil
	}
	// Whatever the next root says about a foreign wrapping, the former may know it.
	plain, formerErr := s.former.Unwrap(ctx, wrapped, aad)
	if formerErr == nil {
		return plain, nil
	}
	if errors.Is(err, thimble.ErrUnavailable) {
		return nil, err
	}
	return nil, formerErr
}
