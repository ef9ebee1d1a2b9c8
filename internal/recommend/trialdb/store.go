package trialdb

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"thimble"
	"thimble/internal/decision/decisiondb"
	"thimble/internal/gate"
	"thimble/internal/ledger"
	"thimble/internal/order"
	"thimble/internal/recommend/trial"
	"thimble/internal/sqldb"
)

// A Ledger queues leaves in the caller's transaction; *ledgerdb.Log does.
type Ledger interface {
	Queue(ctx context.Context, tx *sqldb.Tx, e ledger.Entry) (ledger.Opening, error)
}

// A Gate judges requests; *gate.Gate does.
type Gate interface {
	Open(ctx context.Context, r gate.Request) (*gate.Grant, error)
	Decide(ctx context.Context, r gate.Request) (gate.Verdict, error)
}

// People knows who exists; *subjectdb.Store does.
type People interface {
	Alive(ctx context.Context, tx *sqldb.Tx, s thimble.SubjectID) (epoch int64, err error)
}

// Orders reads people's orders, sealed; *orderdb.Store does.
type Orders interface {
	Of(ctx context.Context, s thimble.SubjectID, limit int) ([]order.Sealed, error)
}

// Decisions reads decisions, sealed; *decisiondb.Store does.
type Decisions interface {
	Get(ctx context.Context, id thimble.ID) (decisiondb.Sealed, error)
}

// Deps are what a store stands on.
type Deps struct {
	DB        *sqldb.DB // the set core
	Ledger    Ledger
	Gate      Gate
	People    People
	Orders    Orders
	Decisions Decisions
	Key       func(ctx context.Context) ([]byte, error) // a secret of the installation
	Now       func() time.Time                          // nil means time.Now
	Log       *slog.Logger                              // nil means silence
	// Ask queues a count in the caller's transaction; nil queues none.
	Ask func(ctx context.Context, tx *sqldb.Tx) error
}

// A Store keeps experiments.
type Store struct {
	Deps
	runs  atomic.Pointer[runs]
	shown counter
}

// runs is what runs, as it was read at an instant.
type runs struct {
	at  time.Time
	all []trial.Experiment
}

// New returns a store.
func New(d Deps) *Store {
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.Ask == nil {
		d.Ask = func(context.Context, *sqldb.Tx) error { return nil }
	}
	return &Store{Deps: d}
}

// runsFor is how old what is known to run may be: another process may have started or
// stopped something.
const runsFor = time.Second

// running returns what runs at a placement now.
func (s *Store) running(ctx context.Context, placement string) (e trial.Experiment, ok bool, err error) {
	now := s.Now()
	r := s.runs.Load()
	if r == nil || now.Sub(r.at) >= runsFor || now.Before(r.at) {
		all, err := s.read(ctx, `where ended_at = 0`)
		if err != nil {
			return e, false, err
		}
		r = &runs{at: now, all: all}
		s.runs.Store(r)
	}
	for _, e := range r.all {
		for _, p := range e.Design.Placements {
			if p == placement && e.Running(now) {
				return e, true, nil
			}
		}
	}
	return e, false, nil
}

// A slot is one row of the counts by day.
type slot struct {
	day       int64
	placement string
	model     int64
}

// A counter holds counts of lists back, so that one that is shown costs no commit.
type counter struct {
	mu    sync.Mutex
	at    time.Time
	lists map[slot]int64
}

const flushEvery = 5 * time.Second

func dayOf(t time.Time) int64 { return t.Unix() / (24 * 60 * 60) }

// add counts a list and reports whether it is time to write.
func (c *counter) add(at slot, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lists == nil {
		c.lists, c.at = map[slot]int64{}, now
	}
	c.lists[at]++
	due := now.Sub(c.at) >= flushEvery
	if due {
		c.at = now
	}
	return due
}

func (c *counter) take() map[slot]int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	lists := c.lists
	c.lists = nil
	return lists
}

func (c *counter) back(lists map[slot]int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lists == nil {
		c.lists = map[slot]int64{}
	}
	for at, n := range lists {
		c.lists[at] += n
	}
}

// Flush writes the counts that wait.
func (s *Store) Flush(ctx context.Context) error {
	lists := s.shown.take()
	if len(lists) == 0 {
		return nil
	}
	err := s.DB.Write(ctx, func(tx *sqldb.Tx) error {
		for at, n := range lists {
			if err := count(ctx, tx, at, "shown", n); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		s.shown.back(lists)
	}
	return err
}

func count(ctx context.Context, tx *sqldb.Tx, at slot, column string, n int64) error {
	if _, err := tx.Exec(ctx, `insert into recommend_days (day, placement, model, shown, clicked, added, bought, returned) values ($1, $2, $3, 0, 0, 0, 0, 0)
		on conflict (day, placement, model) do nothing`, at.day, at.placement, at.model); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `update recommend_days set `+column+` = `+column+` + $1 where day = $2 and placement = $3 and model = $4`, n, at.day, at.placement, at.model)
	return err
}
