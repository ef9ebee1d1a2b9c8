package retentiondb

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/retention"
	"thimble/internal/sqldb"
	"thimble/internal/subject"
	"thimble/internal/subject/subjectdb"
)

// A Ledger queues leaves in the caller's transaction.
type Ledger interface {
	Queue(ctx context.Context, tx *sqldb.Tx, e ledger.Entry) (ledger.Opening, error)
}

// People know who is there, and keep what a hold holds; *subjectdb.Store does.
type People interface {
	// Saw keeps the day on which each was there; it only moves forward.
	Saw(ctx context.Context, seen map[thimble.SubjectID]time.Time) error
	// SeenByNow takes back the days that have not come.
	SeenByNow(ctx context.Context, now time.Time) error
	// SeenOn returns the day on which a person was there last, by whichever of their
	// subjects; zero for nobody.
	SeenOn(ctx context.Context, who thimble.SubjectID) (time.Time, error)
	PersonTx(ctx context.Context, tx *sqldb.Tx, id thimble.SubjectID) (subject.Person, error)
	HoldTx(ctx context.Context, tx *sqldb.Tx, hold thimble.ID, lines ...subjectdb.HeldLine) error
}

// Events are what is held of a category outside of the core database.
type Events interface {
	// Older calls each for what is held of exactly a category from before an instant, with
	// a key that names it.
	Older(ctx context.Context, c thimble.Category, before time.Time, each func(key []byte) error) error
}

// Expired is what the desk did.
type Expired struct {
	Request string
	Holders []retention.Count
	Kept    []retention.Kept
}

// Config joins the store with what it may not know.
type Config struct {
	Now func() time.Time // nil means time.Now
	Log *slog.Logger     // nil discards
	// Law are the rules of the laws that apply to anybody.
	Law func(ctx context.Context) ([]retention.Rule, error)
	// Expire destroys what every holder has of a category from before an instant.
	Expire func(ctx context.Context, c thimble.Category, before time.Time) (Expired, error)
	// Erase forgets a person; an error of kind ErrConflict says that it is under way.
	Erase func(ctx context.Context, who thimble.SubjectID) error
	// Erasing reports whether an erasure of one of these is open; of none named, whether
	// any is.
	Erasing func(ctx context.Context, tx *sqldb.Tx, who ...thimble.SubjectID) (bool, error)
	// Narrowed is called in the transaction in which a purpose may use less than before.
	Narrowed func(ctx context.Context, tx *sqldb.Tx) error
	// Ask queues a run.
	Ask func(ctx context.Context, tx *sqldb.Tx) error
	// Key returns the secret under which what expired is named in proofs.
	Key    func(ctx context.Context) ([]byte, error)
	Events Events // nil: none
	Clocks Clocks // nil: what runs for each person by itself is not executed
	// Epoch returns the number of the ledger's epoch: another one begins when a backup was put
	// back. Nil: there is none.
	Epoch  func(ctx context.Context) (int64, error)
	Teller Teller // nil: nobody is told, and so nobody is forgotten for not having been there
	// Reads returns when each category was read last for a purpose, by holder.
	Reads func(ctx context.Context) (reads []Read, since time.Time, err error)
}

// A Store keeps schedules, holds and runs.
type Store struct {
	db     *sqldb.DB
	ledger Ledger
	people People
	cfg    Config
	cuts   atomic.Pointer[map[cut]time.Time]

	refusals atomic.Pointer[Refusals]
}

// New returns the store of a core database.
func New(db *sqldb.DB, l Ledger, p People, cfg Config) *Store {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Store{db: db, ledger: l, people: p, cfg: cfg}
}

func (s *Store) now() time.Time { return s.cfg.Now().UTC().Truncate(time.Microsecond) }

// micros is how an instant that may be open is kept: 0 for none.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func instant(at int64) time.Time {
	if at == 0 {
		return time.Time{}
	}
	return time.UnixMicro(at).UTC()
}

// Clock is the time by which schedules are counted.
func (s *Store) Clock() time.Time { return s.now() }
