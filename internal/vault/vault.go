package vault

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"thimble"
)

// Config has working zero values.
type Config struct {
	Now  func() time.Time // nil means time.Now
	Rand io.Reader        // nil means crypto/rand

	CacheSize int           // opened data keys kept in memory; 0 means 20,000 (about 1 KiB each)
	CacheTTL  time.Duration // how long one is kept; 0 means 5 minutes
	// Pulse is how soon a key shredded by another process is dropped here; 0 means a second.
	Pulse time.Duration

	// EpochDays is how long an epoch key lives after its day; 0 means 30. A backup of
	// the data keys opens for as long.
	EpochDays int
	// Epochs keeps the wrapped epoch keys; nil means the Store, which must then
	// implement it, and whose backups must leave them out.
	Epochs Epochs
	// RootTTL is how long an epoch key is used before the root is asked again; 0
	// means 15 minutes. RootOutage is how much longer while the root does not
	// answer; 0 means an hour. A root that refuses is obeyed at once.
	RootTTL, RootOutage time.Duration
	// RootWait is how long a root may take to answer; 0 means 5 seconds.
	RootWait time.Duration
}

func (c Config) withDefaults() Config {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Rand == nil {
		c.Rand = rand.Reader
	} else {
		c.Rand = &serialReader{r: c.Rand}
	}
	c.CacheSize = cmp.Or(c.CacheSize, 20_000)
	c.CacheTTL = cmp.Or(c.CacheTTL, 5*time.Minute)
	c.Pulse = cmp.Or(c.Pulse, time.Second)
	c.EpochDays = cmp.Or(c.EpochDays, 30)
	c.RootTTL = cmp.Or(c.RootTTL, 15*time.Minute)
	c.RootOutage = cmp.Or(c.RootOutage, time.Hour)
	c.RootWait = cmp.Or(c.RootWait, 5*time.Second)
	return c
}

// serialReader makes a test's source of randomness safe for goroutines.
type serialReader struct {
	mu sync.Mutex
	r  io.Reader
}

func (s *serialReader) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return io.ReadFull(s.r, p)
}

// A Vault seals and opens cells. It is safe for concurrent use.
type Vault struct {
	store Store
	cfg   Config
	ring  *ring
	cache *cache

	installation atomic.Pointer[[]byte]
	indexes      sync.Map // kind → *index

	pulsing sync.Mutex
	pulsed  atomic.Int64 // nanoseconds of the clock
	known   Pulse
}

var _ thimble.Sealer = (*Vault)(nil)

// New returns a vault over a store and a root. It does nothing yet: [Vault.Init]
// makes or checks the first keys.
func New(store Store, root Root, cfg Config) *Vault {
	cfg = cfg.withDefaults()
	epochs := cfg.Epochs
	if epochs == nil {
		epochs, _ = store.(Epochs) // Init tells when it is not one
	}
	return &Vault{
		store: store,
		cfg:   cfg,
		ring:  newRing(root, epochs, cfg),
		cache: newCache(cfg.CacheSize, cfg.CacheTTL),
	}
}

// Init makes the installation's id, first epoch key and own key when the store is
// empty, and otherwise proves that the root opens them. The error of a wrong or
// destroyed root, or of lost epoch keys, is of kind thimble.ErrDenied; that of a
// root that does not answer of kind thimble.ErrUnavailable.
func (v *Vault) Init(ctx context.Context) error {
	if v.ring.epochs == nil {
		return fmt.Errorf("vault: opening: a place for the epoch keys is needed: %w", thimble.ErrInvalid)
	}
	id := make([]byte, 16)
	if _, err := io.ReadFull(v.cfg.Rand, id); err != nil {
		return fmt.Errorf("vault: drawing the installation's id: %w", err)
	}
	id, err := v.store.Install(ctx, id)
	if err != nil {
		return fmt.Errorf("vault: opening: %w", err)
	}
	v.installation.Store(&id)
	if err := v.initKeys(ctx, id); err != nil {
		return fmt.Errorf("vault: opening the first keys: %w", err)
	}
	return nil
}

func (v *Vault) initKeys(ctx context.Context, id []byte) error {
	var nobody thimble.SubjectID
	rows, err := v.store.Keys(ctx, nobody, "", false)
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		// Only an empty store gets a first epoch: where keys lie and epochs do not,
		// the epochs are lost, and a new one would hide it.
		if _, err := v.ring.newest(ctx, id); err != nil {
			if err = v.ring.extend(ctx, id, v.day()); err != nil {
				return err
			}
		}
		key, err := v.newKey(ctx, nobody, "", false, 0)
		if err != nil {
			return err
		}
		if _, err := v.store.Insert(ctx, []Guarded{{Key: key}}); err != nil {
			return err
		}
	}
	_, err = v.lookup(ctx, nobody, "", 0)
	return err
}

func (v *Vault) id(ctx context.Context) ([]byte, error) {
	if id := v.installation.Load(); id != nil {
		return *id, nil
	}
	return nil, errNew
}

// day returns the number of the day since 1970 in UTC.
func (v *Vault) day() int64 { return v.cfg.Now().Unix() / (24 * 60 * 60) }
