package vault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"thimble"
)

// ring holds the opened epoch keys in memory and asks the root for the others.
type ring struct {
	root   Root
	epochs Epochs
	cfg    Config

	mu     sync.RWMutex
	opened map[int64]*epochKey
	top    int64

	asking chan struct{} // one question to the root at a time, and waiting obeys the context
}

type epochKey struct {
	x *xaes
	// Guarded by ring.mu.
	asked time.Time // when the root last confirmed it
	retry time.Time // while the root is out: not to be asked before
}

func newRing(root Root, epochs Epochs, cfg Config) *ring {
	return &ring{root: root, epochs: epochs, cfg: cfg, opened: map[int64]*epochKey{}, asking: make(chan struct{}, 1)}
}

// get returns the opened epoch key of a number.
func (r *ring) get(ctx context.Context, installation []byte, number int64) (*xaes, error) {
	now := r.cfg.Now()
	r.mu.RLock()
	k := r.opened[number]
	fresh := k != nil && (now.Sub(k.asked) < r.cfg.RootTTL || now.Before(k.retry))
	r.mu.RUnlock()
	if fresh {
		return k.x, nil
	}
	if err := r.lock(ctx); err != nil {
		return nil, err
	}
	defer r.unlock()
	return r.ask(ctx, installation, number)
}

func (r *ring) ask(ctx context.Context, installation []byte, number int64) (*xaes, error) {
	now := r.cfg.Now()
	r.mu.RLock()
	k := r.opened[number]
	fresh := k != nil && (now.Sub(k.asked) < r.cfg.RootTTL || now.Before(k.retry))
	r.mu.RUnlock()
	if fresh {
		return k.x, nil // another goroutine has asked meanwhile
	}
	e, err := r.find(ctx, number)
	var x *xaes
	if err == nil {
		x, err = r.unwrap(ctx, installation, e)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err == nil:
		r.opened[number] = &epochKey{x: x, asked: now}
		return x, nil
	case errors.Is(err, thimble.ErrUnavailable) && k != nil && now.Sub(k.asked) < r.cfg.RootTTL+r.cfg.RootOutage:
		k.retry = now.Add(10 * time.Second)
		return k.x, nil
	}
	delete(r.opened, number)
	return nil, err
}

func (r *ring) find(ctx context.Context, number int64) (Epoch, error) {
	all, err := r.epochs.Epochs(ctx)
	if err != nil {
		return Epoch{}, outage(err)
	}
	for _, e := range all {
		if e.Number == number {
			return e, nil
		}
	}
	return Epoch{}, errEpoch
}

func (r *ring) unwrap(ctx context.Context, installation []byte, e Epoch) (*xaes, error) {
	plain, err := r.plain(ctx, installation, e)
	defer clear(plain[:])
	if err != nil {
		return nil, err
	}
	return newXAES(&plain)
}

func (r *ring) plain(ctx context.Context, installation []byte, e Epoch) (plain [32]byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.RootWait)
	defer cancel()
	got, err := r.root.Unwrap(ctx, e.Wrapped, epochAAD(installation, e.Number))
	if err != nil {
		return plain, fmt.Errorf("epoch %d: %w", e.Number, outage(err))
	}
	defer clear(got)
	if len(got) != len(plain) || !committed((*[32]byte)(got), e.Commitment) {
		return plain, errWrapped
	}
	return [32]byte(got), nil
}

// newest returns the number of the newest epoch, or an error of kind
// thimble.ErrDenied when there is none.
func (r *ring) newest(ctx context.Context, installation []byte) (int64, error) {
	r.mu.RLock()
	top := r.top
	r.mu.RUnlock()
	if top > 0 {
		return top, nil
	}
	all, err := r.epochs.Epochs(ctx)
	if err != nil {
		return 0, outage(err)
	}
	if len(all) == 0 {
		return 0, errEpoch
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.top = all[len(all)-1].Number
	return r.top, nil
}

// extend makes a new epoch key for a day. When another process makes it at the
// same time, one of the two is kept, and both use it.
func (r *ring) extend(ctx context.Context, installation []byte, day int64) error {
	all, err := r.epochs.Epochs(ctx)
	if err != nil {
		return outage(err)
	}
	e := Epoch{Number: 1, Day: day}
	if n := len(all); n > 0 {
		e.Number = all[n-1].Number + 1
	}
	var key [32]byte
	defer clear(key[:])
	if _, err := io.ReadFull(r.cfg.Rand, key[:]); err != nil {
		return err
	}
	e.Commitment = commitment(&key)
	if e.Wrapped, err = r.wrap(ctx, &key, installation, e.Number); err != nil {
		return err
	}
	if err := r.epochs.PutEpoch(ctx, e); err != nil {
		return outage(err)
	}
	r.forgetTop()
	_, err = r.newest(ctx, installation)
	return err
}

func (r *ring) wrap(ctx context.Context, key *[32]byte, installation []byte, number int64) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.RootWait)
	defer cancel()
	wrapped, err := r.root.Wrap(ctx, key[:], epochAAD(installation, number))
	if err != nil {
		return nil, fmt.Errorf("epoch %d: %w", number, outage(err))
	}
	return wrapped, nil
}

// forgetTop makes the next use look which epoch is the newest.
func (r *ring) forgetTop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.top = 0
}

// drop forgets the keys of destroyed epochs.
func (r *ring) drop(below int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for number := range r.opened {
		if number < below {
			delete(r.opened, number)
		}
	}
	r.top = 0
}

func (r *ring) lock(ctx context.Context) error {
	select {
	case r.asking <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting for the root: %w (%w)", ctx.Err(), thimble.ErrUnavailable)
	}
}

func (r *ring) unlock() { <-r.asking }

func epochAAD(installation []byte, number int64) []byte {
	aad := appendPart(nil, "thimble epoch 1")
	aad = appendPart(aad, installation)
	return appendNumber(aad, number)
}
