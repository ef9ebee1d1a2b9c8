package vault

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"thimble"
)

// Shredded is the proof of a destroyed key.
type Shredded struct {
	// KeyHash commits to the destroyed keys; it is the same however often Shred is
	// called for the owner, and says nothing about the keys or the owner.
	KeyHash [32]byte
	// Existed reports whether this call destroyed keys; a repeated one did not.
	Existed bool
	// Scanned reports whether the live files were read and no key found. It is false
	// on PostgreSQL, whose files are not ours to read.
	Scanned bool
}

// Shred destroys all keys of an owner, so that what they sealed can be opened by
// nobody: here at once, in other processes within [Config.Pulse], in backups of the
// keys once their epoch keys are destroyed. The owner gets no key again. It may be
// called again after any failure, and finishes what is left.
//
// The error is of kind thimble.ErrUnavailable when the bytes are deleted but a
// reader keeps them in the write-ahead log: call again.
func (v *Vault) Shred(ctx context.Context, owner thimble.SubjectID) (Shredded, error) {
	if owner.IsZero() {
		return Shredded{}, fmt.Errorf("vault: shredding the installation's key would lose everything: %w", thimble.ErrInvalid)
	}
	done, err := v.shred(ctx, owner)
	if err != nil {
		return Shredded{}, fmt.Errorf("vault: shredding the keys of a person: %w", err)
	}
	return done, nil
}

func (v *Vault) shred(ctx context.Context, owner thimble.SubjectID) (Shredded, error) {
	mark, err := v.mark(ctx, owner)
	if err != nil {
		return Shredded{}, err
	}
	dead, stone, err := v.store.Shred(ctx, owner, mark, keyHash)
	// Even when the answer was lost, the keys may be gone.
	v.cache.evict(func(at place) bool { return at.owner == owner })
	if err != nil {
		return Shredded{}, outage(err)
	}
	scanned, err := v.scrub(ctx, dead)
	if err != nil {
		return Shredded{}, err
	}
	return Shredded{KeyHash: stone.KeyHash, Existed: len(dead) > 0, Scanned: scanned}, nil
}

// scrub takes deleted keys out of the live files. A reader that holds the
// write-ahead log is waited for, as long as the context allows and at most ten
// seconds.
func (v *Vault) scrub(ctx context.Context, dead []Key) (scanned bool, err error) {
	needles := make([][]byte, len(dead))
	for i := range dead {
		needles[i] = dead[i].Wrapped
	}
	return v.scrubNeedles(ctx, needles)
}

func (v *Vault) scrubBytes(ctx context.Context, needles [][]byte) error {
	_, err := v.scrubNeedles(ctx, needles)
	return err
}

func (v *Vault) scrubNeedles(ctx context.Context, needles [][]byte) (scanned bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for pause := 5 * time.Millisecond; ; pause *= 2 {
		found, scanned, err := v.store.Scrub(ctx, needles)
		switch {
		case err == nil && found == 0:
			return scanned, nil
		case err == nil:
			err = fmt.Errorf("%d wrapped keys are still in the files", found)
		}
		select {
		case <-ctx.Done():
			return false, fmt.Errorf("%w (%w)", err, thimble.ErrUnavailable)
		case <-time.After(pause):
		}
	}
}

// keyHash commits to keys by their commitments, which fit one key each.
func keyHash(keys []Key) [32]byte {
	buf := appendPart(nil, "thimble shred 1")
	for _, k := range keys {
		buf = appendPart(buf, k.Class)
		buf = appendNumber(buf, int64(k.Gen))
		buf = appendPart(buf, k.Commitment)
	}
	return sha256.Sum256(buf)
}

// feelPulse drops what other processes have destroyed, at most once a pulse.
func (v *Vault) feelPulse(ctx context.Context, at time.Time) error {
	now := at.UnixNano()
	if since := now - v.pulsed.Load(); since >= 0 && since < int64(v.cfg.Pulse) {
		return nil
	}
	v.pulsing.Lock()
	defer v.pulsing.Unlock()
	if since := now - v.pulsed.Load(); since >= 0 && since < int64(v.cfg.Pulse) {
		return nil
	}
	p, err := v.store.Pulse(ctx)
	if err != nil {
		return outage(err)
	}
	if p.Shreds != v.known.Shreds || p.Months != v.known.Months {
		v.cache.flush()
	}
	if p.Floor != v.known.Floor {
		v.ring.drop(p.Floor)
	}
	v.known = p
	v.pulsed.Store(now)
	return nil
}
