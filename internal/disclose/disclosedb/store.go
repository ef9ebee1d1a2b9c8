package disclosedb

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"thimble"
	"thimble/internal/disclose"
	"thimble/internal/disclose/wire"
	"thimble/internal/gate"
	"thimble/internal/ledger"
	"thimble/internal/sqldb"
)

// A Ledger commits to leaves and queues them in the caller's transaction.
type Ledger interface {
	Commit(entries ...ledger.Entry) ([]ledger.Opening, error)
	Enqueue(ctx context.Context, tx *sqldb.Tx, openings ...ledger.Opening) error
}

// A Vault seals, opens, and makes keyed hashes.
type Vault interface {
	thimble.Sealer
	Open(ctx context.Context, c thimble.Cell, sealed []byte) ([]byte, error)
	Index(ctx context.Context, kind, value string) ([]byte, error)
}

// A Gate judges; *gate.Gate does.
type Gate interface {
	Open(ctx context.Context, r gate.Request) (*gate.Grant, error)
}

// Subjects knows who exists; *subjectdb.Store does.
type Subjects interface {
	Alive(ctx context.Context, tx *sqldb.Tx, s thimble.SubjectID) (epoch int64, err error)
}

// Ways are the transports; *wire.Sender has them.
type Ways interface {
	Check(address string, hosts []string) error
	Post(ctx context.Context, h wire.Hook, m wire.Message) wire.Outcome
	Mail(ctx context.Context, r wire.Relay, l wire.Letter) wire.Outcome
	Drop(ctx context.Context, f *wire.Folder, recipient thimble.ID, m wire.Message) wire.Outcome
}

// Config holds what has working zero values.
type Config struct {
	Now  func() time.Time // nil means time.Now
	Log  *slog.Logger     // nil means silence
	Rand *rand.Rand       // for jitter and the order of people; nil means a random seed

	Relay  *wire.Relay  // nil: no mail server
	From   string       // of letters
	Folder *wire.Folder // nil: no drop folder
	// KeepLetters has letters stay in the outbox for a page of the console when there is
	// no mail server. It is for development.
	KeepLetters bool

	Schedule wire.Schedule
	Lease    time.Duration // of a try; 0 means a minute, which is longer than any try
	Poll     time.Duration // between looks for due messages; 0 means half a second
	Workers  int           // tries at a time; 0 means 4
}

// A Store keeps recipients, agreements and the outbox. It is a thimble.Holder, and the
// meter of the transports.
type Store struct {
	thimble.Static
	db     *sqldb.DB
	ledger Ledger
	vault  Vault
	people Subjects
	gate   Gate
	ways   Ways
	cfg    Config
	wake   chan struct{}

	mu    sync.Mutex
	known map[string]bool      // tokens of recipients that were read
	sent  map[thimble.ID]int64 // bytes by disclosure, of tries under way
	rng   *rand.Rand

	pause func(at string) // for tests: a crash point
}

// New returns the store of a core database. It sends nothing before [Store.Use].
func New(db *sqldb.DB, l Ledger, v Vault, s Subjects, g Gate, cfg Config) *Store {
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
		cfg.Poll = 500 * time.Millisecond
	}
	if cfg.Workers <= 0 {
		cfg.Workers = 4
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	}
	return &Store{
		db: db, ledger: l, vault: v, people: s, gate: g, cfg: cfg, wake: make(chan struct{}, 1),
		known: map[string]bool{}, sent: map[thimble.ID]int64{}, rng: cfg.Rand, pause: func(string) {},
	}
}

// Use gives the store its transports. It is called while it is wired.
func (s *Store) Use(w Ways) { s.ways = w }

// Known reports whether a token names a recipient that this process has read: for the
// gate, which permits nothing to a recipient that nobody knows.
func (s *Store) Known(token string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known[token]
}

func (s *Store) knows(r disclose.Recipient) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known[r.ID.Token(disclose.RecipientPrefix)] = true
}

func (s *Store) float() float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rng.Float64()
}

func (s *Store) shuffle(n int, swap func(i, j int)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rng.Shuffle(n, swap)
}

func (s *Store) now() time.Time { return s.cfg.Now().UTC().Truncate(time.Microsecond) }

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func instant(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}
