package systemsdb

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"thimble"
	"thimble/internal/disclose/wire"
	"thimble/internal/ledger"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/systems"
	"thimble/internal/sqldb"
	"thimble/internal/subject"
)

// A Ledger queues leaves in the caller's transaction.
type Ledger interface {
	Queue(ctx context.Context, tx *sqldb.Tx, e ledger.Entry) (ledger.Opening, error)
}

// A Vault seals and opens what the installation keeps.
type Vault interface {
	thimble.Sealer
	Open(ctx context.Context, c thimble.Cell, sealed []byte) ([]byte, error)
}

// People knows what the outside calls them; *subjectdb.Store does.
type People interface {
	IdentifiersTx(ctx context.Context, tx *sqldb.Tx, ids ...thimble.SubjectID) ([]subject.Identifier, error)
}

// Pseudonyms knows what recipients call people; *disclosedb.Store does.
type Pseudonyms interface {
	PseudonymTx(ctx context.Context, tx *sqldb.Tx, recipient thimble.ID, who thimble.SubjectID) (string, error)
}

// Ways are the transports; *wire.Sender has them.
type Ways interface {
	Check(address string, hosts []string) error
	Post(ctx context.Context, h wire.Hook, m wire.Message) wire.Outcome
}

// A Speaker tells systems in a protocol of their own.
type Speaker interface {
	// Takes asks whether a system can be told so; a *systems.FieldError says why not.
	Takes(s systems.System) error
	Speak(ctx context.Context, s systems.System, secret string, n systems.Notice, t systems.Task) Said
}

// Said is what came of telling a system, or of asking it how far it is.
type Said struct {
	wire.Outcome
	Events []systems.Event // that follow from its answer, in order
	Remote string          // how it calls the task; "" when it has not said
	Again  time.Duration   // ask again after this; 0: it says so by itself
}

// Cases keep the steps of what happens to tasks; *casesdb.Store does.
type Cases interface {
	HeardTx(ctx context.Context, tx *sqldb.Tx, id thimble.ID, t cases.Task, by, staff string) error
	// ChainTx returns with which token another firm passed a request on; "" for none.
	ChainTx(ctx context.Context, tx *sqldb.Tx, id thimble.ID) (thimble.Personal[string], error)
}

// Parts are what a store stands on.
type Parts struct {
	Ledger     Ledger
	Vault      Vault
	People     People
	Pseudonyms Pseudonyms
}

// Config has working zero values.
type Config struct {
	Now      func() time.Time
	Log      *slog.Logger // nil means silence
	Rand     *rand.Rand   // for jitter; nil means a random seed
	Base     string       // the address of this installation, before the path for answers
	Schedule wire.Schedule
	Lease    time.Duration // of a try; 0 means a minute, which is longer than any try
	Poll     time.Duration // between looks for what is due; 0 means two seconds
}

// A Store keeps systems and tasks. It is a thimble.Holder, and the meter of its transports.
type Store struct {
	thimble.Static
	db       *sqldb.DB
	parts    Parts
	cases    Cases
	ways     Ways
	speakers map[systems.Means]Speaker
	cfg      Config
	wake     chan struct{}

	mu  sync.Mutex
	rng *rand.Rand
}

// New returns the store of a core database. It tells nobody before [Store.Use].
func New(db *sqldb.DB, p Parts, cfg Config) *Store {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Lease <= 0 {
		cfg.Lease = time.Minute
	}
	if cfg.Poll <= 0 {
		cfg.Poll = 2 * time.Second
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	}
	return &Store{db: db, parts: p, cfg: cfg, rng: cfg.Rand, wake: make(chan struct{}, 1)}
}

// Use gives the store its transports, and who speaks which protocol; nil for nobody.
func (s *Store) Use(w Ways, sp map[systems.Means]Speaker) { s.ways, s.speakers = w, sp }

// Report gives the store the cases that its tasks belong to.
func (s *Store) Report(c Cases) { s.cases = c }

func (s *Store) now() time.Time { return s.cfg.Now().UTC().Truncate(time.Microsecond) }

func (s *Store) hurry() {
	select {
	case s.wake <- struct{}{}:
	default: // it is awake already
	}
}

func (s *Store) float() float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rng.Float64()
}

func instant(micro int64) time.Time {
	if micro == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micro).UTC()
}

func micro(at time.Time) int64 {
	if at.IsZero() {
		return 0
	}
	return at.UnixMicro()
}

func wrap(doing string, err error) error {
	if err != nil {
		err = fmt.Errorf("systems: %s: %w", doing, err)
	}
	return err
}

func denied(err error) error {
	if errors.Is(err, thimble.ErrUnavailable) {
		return err // it is to be said again
	}
	return fmt.Errorf("systems: an answer was not taken: %w", thimble.ErrDenied)
}
