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

// A flight is one read that all wait for who ask meanwhile.
type flight struct {
	landed chan struct{}
	got    *known
	err    error
}

var landed = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

// snapshot returns what is known, and has it read again when it is not fresh. While it may
// be used nobody waits for that, however long the database takes; afterwards all wait for
// one read, and nobody longer than [patience].
func (s *Store) snapshot(ctx context.Context) (*known, error) {
	k := s.known.Load()
	if k != nil && time.Since(k.since) < fresh {
		return k, nil
	}
	f := s.board(ctx)
	if k != nil && time.Since(k.since) < stale {
		return k, nil
	}
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case <-f.landed:
		return f.got, f.err
	case <-ctx.Done():
		return nil, unreadable(ctx.Err())
	case <-late.C:
		return nil, unreadable(context.DeadlineExceeded)
	}
}

func unreadable(err error) error {
	return fmt.Errorf("source: the keys cannot be read: %w (%w)", err, thimble.ErrUnavailable)
}

// board returns the read that is under way, or begins one. There is one at a time also
// when the database does not let go of it.
func (s *Store) board(ctx context.Context) *flight {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.flight != nil {
		return s.flight
	}
	if k := s.known.Load(); k != nil && time.Since(k.since) < fresh {
		return &flight{landed: landed, got: k} // it was read meanwhile
	}
	f := &flight{landed: make(chan struct{})}
	s.flight = f
	ctx = context.WithoutCancel(ctx) // whoever asked first may go, and the others wait
	go func() {
		defer close(f.landed)
		if f.got, f.err = s.load(ctx); f.err != nil {
			f.err = unreadable(f.err)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.flight != f {
			return // what was read is from before a change here
		}
		s.flight = nil
		if f.err == nil {
			s.known.Store(f.got)
		}
	}()
	return f
}

// patience bounds a read, and how long somebody waits for one.
const patience = 2 * time.Second

func (s *Store) read(ctx context.Context) (*known, error) {
	ctx, stop := context.WithTimeout(ctx, patience)
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

// forget has the next who asks read anew. A read that began before is not kept, and nobody
// waits for it who asks from now on.
func (s *Store) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flight = nil
	s.known.Store(nil)
}

// LogValue implements slog.LogValuer: a store prints nothing of its keys.
func (*Store) LogValue() slog.Value { return slog.StringValue("sources") }
