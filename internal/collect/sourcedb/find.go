package sourcedb

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"thimble"
	"thimble/internal/collect/intake"
	"thimble/internal/collect/source"
	"thimble/internal/sqldb"
)

// How old what is known may be. A key that another process has ended is refused here
// when [stale] has passed, so within a second.
const (
	fresh = 500 * time.Millisecond // younger: nobody reads
	stale = 950 * time.Millisecond // older: whoever asks waits for it to be read
)

// known is what the database said at one moment. It is never changed.
type known struct {
	since   time.Time // before it was read
	sources map[source.Hash]opened
	origins map[string]bool // of any source that is in force
}

// opened is a source as one key opens it.
type opened struct {
	*source.Source
	key source.Key
}

// ErrUnknown says that a key was ended or never was: the two are told alike. It is of
// kind thimble.ErrDenied.
var ErrUnknown = fmt.Errorf("source: there is no such write key (%w)", thimble.ErrDenied)

// Find returns the source that a write key opens. The error is of kind thimble.ErrDenied
// for an unknown, ended or misspelt key, and of kind thimble.ErrUnavailable when the
// database was not heard of for a second.
func (s *Store) Find(ctx context.Context, key string) (intake.Source, error) {
	of, err := s.Open(ctx, key)
	if err != nil {
		return intake.Source{}, err
	}
	return of.Source, nil
}

// Open is [Store.Find] with all that is known of the source. What it returns is shared
// and must not be changed.
func (s *Store) Open(ctx context.Context, key string) (*source.Source, error) {
	hash, err := source.HashOf(key)
	if err != nil {
		return nil, err
	}
	k, err := s.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	of, ok := k.sources[hash]
	if !ok || !of.key.Live(s.now()) {
		return nil, ErrUnknown
	}
	return of.Source, nil
}

// Origin reports whether pages of an origin may send for any source: a browser's question
// before it sends names no key.
func (s *Store) Origin(ctx context.Context, origin string) (bool, error) {
	k, err := s.snapshot(ctx)
	return err == nil && k.origins[origin], err
}

// snapshot returns what is known, and reads it again when it is not fresh. One reads, the
// others go on with what there is while it may be used.
func (s *Store) snapshot(ctx context.Context) (*known, error) {
	k := s.known.Load()
	if k != nil && time.Since(k.since) < fresh {
		return k, nil
	}
	if k != nil && time.Since(k.since) < stale {
		if !s.reading.TryLock() {
			return k, nil
		}
	} else {
		s.reading.Lock()
	}
	defer s.reading.Unlock()
	if k = s.known.Load(); k != nil && time.Since(k.since) < fresh {
		return k, nil // somebody read it meanwhile
	}
	read, err := s.read(ctx)
	switch {
	case err == nil:
		s.known.Store(read)
		return read, nil
	case k != nil && time.Since(k.since) < stale:
		return k, nil
	}
	return nil, fmt.Errorf("source: the keys cannot be read: %w (%w)", err, thimble.ErrUnavailable)
}

// patience bounds a read, which others wait for.
const patience = 2 * time.Second

func (s *Store) read(ctx context.Context) (*known, error) {
	// Whoever reads does so for all: that they go away stops nobody.
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer stop()
	k := &known{since: time.Now(), sources: map[source.Hash]opened{}, origins: map[string]bool{}}
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all, err := sources(ctx, tx, `where ended_at is null`)
		if err != nil {
			return err
		}
		by := map[uint32]*source.Source{}
		for i := range all {
			by[all[i].Number] = &all[i]
			for _, o := range all[i].Origins {
				k.origins[o] = true
			}
		}
		return eachKey(ctx, tx, func(of uint32, hash source.Hash, key source.Key) {
			if one := by[of]; one != nil {
				k.sources[hash] = opened{one, key}
			}
		})
	})
	return k, err
}

// forget has the next who asks read anew. A read that began before is not kept: it waits
// for the lock that is held here, or its result is dropped below.
func (s *Store) forget() {
	s.reading.Lock()
	defer s.reading.Unlock()
	s.known.Store(nil)
}

// LogValue implements slog.LogValuer: a store prints nothing of its keys.
func (*Store) LogValue() slog.Value { return slog.StringValue("sources") }
