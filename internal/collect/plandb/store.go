package plandb

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"thimble"
	"thimble/internal/collect/plan"
	"thimble/internal/ledger"
	"thimble/internal/sqldb"
)

// A Ledger queues leaves in the caller's transaction.
type Ledger interface {
	Queue(ctx context.Context, tx *sqldb.Tx, e ledger.Entry) (ledger.Opening, error)
}

// Config has working zero values.
type Config struct {
	Now   func() time.Time // nil means time.Now
	Log   *slog.Logger     // nil means silence
	Every time.Duration    // between looks for a newer version; 0 means 400 ms
}

// A Force is the plan in force. It does not change.
type Force struct {
	Version  int
	Text     []byte
	Plan     *plan.Plan
	Compiled *plan.Compiled
}

// A Store keeps the versions.
type Store struct {
	db     *sqldb.DB
	ledger Ledger
	cfg    Config
	force  atomic.Pointer[Force]
	seen   atomic.Int64 // the newest version that was read
}

// Open reads the plan in force, and writes nothing: until [Store.Begin] has recorded a
// first version, the plan that ships is in force.
func Open(ctx context.Context, db *sqldb.DB, l Ledger, cfg Config) (*Store, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Every == 0 {
		cfg.Every = 400 * time.Millisecond
	}
	s := &Store{db: db, ledger: l, cfg: cfg}
	shipped, err := forceOf(plan.DefaultText())
	if err != nil {
		return nil, err
	}
	s.force.Store(shipped)
	if err := s.Refresh(ctx); err != nil {
		return nil, fmt.Errorf("plan: reading the one in force: %w", err)
	}
	return s, nil
}

func forceOf(text []byte) (*Force, error) {
	p, err := plan.Read(text)
	if err != nil {
		return nil, err
	}
	c, err := plan.Compile(p)
	if err != nil {
		return nil, err
	}
	return &Force{Version: p.Version, Text: text, Plan: p, Compiled: c}, nil
}

// InForce returns the plan in force.
func (s *Store) InForce() *Force { return s.force.Load() }

// Compiled returns the plan in force for who reads events by it.
func (s *Store) Compiled() *plan.Compiled { return s.force.Load().Compiled }

// stands puts a plan in force, unless a newer one is.
func (s *Store) stands(f *Force) {
	for {
		was := s.force.Load()
		if was.Version > f.Version || s.force.CompareAndSwap(was, f) {
			return
		}
	}
}

// Begin records the plan that ships as the first version, if there is none. It is called
// before anything is served.
func (s *Store) Begin(ctx context.Context) error {
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		n, err := newest(ctx, tx)
		if err != nil || n > 0 {
			return err
		}
		f, err := forceOf(plan.DefaultText())
		if err != nil {
			return err
		}
		return s.insert(ctx, tx, f, nil, Author{Reason: "the plan that ships"}, 0)
	})
	if err != nil {
		return fmt.Errorf("plan: recording the first version: %w", err)
	}
	return s.Refresh(ctx)
}

// newest returns the number of the newest version, 0 for none.
func newest(ctx context.Context, tx *sqldb.Tx) (n int, err error) {
	err = tx.QueryRow(ctx, `select coalesce(max(version), 0) from collect_plans`).Scan(&n)
	return n, err
}

// Refresh takes up a version that another process has put in force.
func (s *Store) Refresh(ctx context.Context) error {
	var f *Force
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		f = nil
		n, err := newest(ctx, tx)
		if err != nil || n == 0 || int64(n) == s.seen.Load() {
			return err
		}
		f, err = s.read(ctx, tx, n)
		return err
	})
	if err != nil {
		return err
	}
	if f != nil {
		s.stands(f)
		s.seen.Store(int64(f.Version))
	}
	return nil
}

// read reads one version, and holds it against its hash.
func (s *Store) read(ctx context.Context, tx *sqldb.Tx, version int) (*Force, error) {
	var hash []byte
	var body string
	err := tx.QueryRow(ctx, `select hash, body from collect_plans where version = $1`, version).Scan(&hash, &body)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("plan: version %d: there is none: %w", version, thimble.ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256([]byte(body)); string(sum[:]) != string(hash) {
		return nil, fmt.Errorf("plan: version %d is not what was recorded; put the database back from a backup: %w", version, thimble.ErrInvalid)
	}
	f, err := forceOf([]byte(body))
	if err != nil {
		return nil, fmt.Errorf("plan: version %d: %w", version, err)
	}
	if f.Version != version {
		return nil, fmt.Errorf("plan: version %d: its text says %d: %w", version, f.Version, thimble.ErrInvalid)
	}
	return f, nil
}

// Run looks for newer versions until ctx ends. While none can be read, the plan that was
// last heard of stays in force: a change of it is told to nobody as done but by who made
// it.
func (s *Store) Run(ctx context.Context) error {
	tick := time.NewTicker(s.cfg.Every)
	defer tick.Stop()
	for failing := false; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		err := s.Refresh(ctx)
		if err != nil && ctx.Err() == nil && !failing {
			s.cfg.Log.ErrorContext(ctx, "the newest tracking plan is not taken up", slog.String("cause", err.Error()))
		}
		failing = err != nil
	}
}
