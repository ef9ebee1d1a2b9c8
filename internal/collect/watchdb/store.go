package watchdb

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"thimble"
	"thimble/internal/collect/watch"
	"thimble/internal/sqldb"
)

// Kept is how long figures are kept.
const Kept = 30 * 24 * time.Hour

// How many rows there are of a source at most.
const (
	MaxViolations = 1000
	MaxProposals  = 500
)

// Config has working zero values.
type Config struct {
	Now   func() time.Time // nil means time.Now
	Log   *slog.Logger     // nil means silence
	Every time.Duration    // between writes; 0 means 3 s
}

// A Store keeps figures in the core database.
type Store struct {
	db    *sqldb.DB
	watch *watch.Watch
	cfg   Config
}

// New returns the store of what a watch sees.
func New(db *sqldb.DB, w *watch.Watch, cfg Config) *Store {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Every == 0 {
		cfg.Every = 3 * time.Second
	}
	return &Store{db: db, watch: w, cfg: cfg}
}

// Run writes what was seen until ctx ends, and then the rest.
func (s *Store) Run(ctx context.Context) error {
	tick := time.NewTicker(s.cfg.Every)
	defer tick.Stop()
	for failing := false; ; {
		select {
		case <-ctx.Done():
			rest, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			if err := s.Flush(rest); err != nil {
				s.cfg.Log.ErrorContext(rest, "the last figures of what came in were not written", slog.String("cause", err.Error()))
			}
			return nil
		case <-tick.C:
		}
		err := s.Flush(ctx)
		if err != nil && ctx.Err() == nil && !failing {
			s.cfg.Log.ErrorContext(ctx, "figures of what came in wait to be written", slog.String("cause", err.Error()))
		}
		failing = err != nil
	}
}

// Flush writes what was seen since the last time.
func (s *Store) Flush(ctx context.Context) error {
	b := s.watch.Take()
	if b.Empty() {
		return nil
	}
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		for _, m := range b.Minutes {
			if err := addMinute(ctx, tx, m); err != nil {
				return err
			}
		}
		if err := addViolations(ctx, tx, b.Violations); err != nil {
			return err
		}
		return addProposals(ctx, tx, b.Proposals)
	})
	if err != nil {
		s.watch.Return(b)
		return fmt.Errorf("watch: writing figures: %w", err)
	}
	return nil
}

func addMinute(ctx context.Context, tx *sqldb.Tx, m watch.Minute) error {
	d := m.Dropped
	_, err := tx.Exec(ctx, `insert into collect_minutes as c (source, minute, events, kept, denied, nobody, repeated, unplanned, broken, gone, not_kept, violations, unknown)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) on conflict (source, minute) do update set
		events = c.events + excluded.events, kept = c.kept + excluded.kept, denied = c.denied + excluded.denied, nobody = c.nobody + excluded.nobody,
		repeated = c.repeated + excluded.repeated, unplanned = c.unplanned + excluded.unplanned, broken = c.broken + excluded.broken, gone = c.gone + excluded.gone, not_kept = c.not_kept + excluded.not_kept,
		violations = c.violations + excluded.violations, unknown = c.unknown + excluded.unknown`,
		m.Source, m.At, m.Events, m.Kept, d[0], d[1], d[2], d[3], d[4], d[5], d[6], m.Violations, m.Unknown)
	return err
}

// trim lets the rows of a source go that came last longest ago, so that it has as many as
// it may. Those of others are not touched: whoever sends much costs only themselves.
func trim(ctx context.Context, tx *sqldb.Tx, table, key string, source uint32, most int) error {
	var n int
	if err := tx.QueryRow(ctx, `select count(*) from `+table+` where source = $1`, source).Scan(&n); err != nil || n <= most {
		return err
	}
	_, err := tx.Exec(ctx, `delete from `+table+` where (`+key+`) in (select `+key+` from `+table+` where source = $1 order by last_at, n limit $2)`, source, n-most)
	return err
}

func addViolations(ctx context.Context, tx *sqldb.Tx, all []watch.Violation) error {
	sources := map[uint32]bool{}
	for _, v := range all {
		sources[v.Source] = true
		_, err := tx.Exec(ctx, `insert into collect_violations as c (source, event, path, expected, got, n, first_at, last_at) values ($1, $2, $3, $4, $5, $6, $7, $8)
			on conflict (source, event, path, expected, got) do update set n = c.n + excluded.n,
			last_at = case when excluded.last_at > c.last_at then excluded.last_at else c.last_at end`,
			v.Source, v.Event, v.Path, v.Expected, v.Got, v.N, v.First.UnixMicro(), v.Last.UnixMicro())
		if err != nil {
			return err
		}
	}
	for source := range sources {
		if err := trim(ctx, tx, "collect_violations", "source, event, path, expected, got", source, MaxViolations); err != nil {
			return err
		}
	}
	return nil
}

func addProposals(ctx context.Context, tx *sqldb.Tx, all []watch.Proposal) error {
	sources := map[uint32]bool{}
	for _, p := range all {
		sources[p.Source] = true
		if err := addProposal(ctx, tx, p); err != nil {
			return err
		}
	}
	for source := range sources {
		if err := trim(ctx, tx, "collect_proposals", "id", source, MaxProposals); err != nil {
			return err
		}
	}
	return nil
}

func addProposal(ctx context.Context, tx *sqldb.Tx, p watch.Proposal) error {
	id, err := thimble.NewID(nil)
	if err != nil {
		return err
	}
	sure := int(p.Confidence * 1000)
	_, err = tx.Exec(ctx, `insert into collect_proposals as c (id, event, within, name, shape, category, transform, confidence, why, n, first_at, last_at, later, source)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0, $13) on conflict (event, within, name) do update set n = c.n + excluded.n,
		last_at = case when excluded.last_at > c.last_at then excluded.last_at else c.last_at end,
		shape = case when c.shape = '' or c.shape = excluded.shape then excluded.shape when excluded.shape = '' then c.shape else 'mixed' end,
		category = case when excluded.confidence > c.confidence then excluded.category else c.category end,
		transform = case when excluded.confidence > c.confidence then excluded.transform else c.transform end,
		why = case when excluded.confidence > c.confidence then excluded.why else c.why end,
		confidence = case when excluded.confidence > c.confidence then excluded.confidence else c.confidence end`,
		id, p.Event, p.Within, p.Name, p.Shape, string(p.Category), string(p.Transform), sure, p.Why, p.N, p.First.UnixMicro(), p.Last.UnixMicro(), p.Source)
	return err
}

// Prune lets go of what is older than [Kept].
func (s *Store) Prune(ctx context.Context) (int64, error) {
	before := s.cfg.Now().Add(-Kept)
	var gone int64
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		gone = 0
		for _, q := range []struct {
			text  string
			limit int64
		}{
			{`delete from collect_minutes where minute < $1`, before.Unix() / 60},
			{`delete from collect_violations where last_at < $1`, before.UnixMicro()},
			{`delete from collect_proposals where last_at < $1`, before.UnixMicro()},
		} {
			n, err := tx.Exec(ctx, q.text, q.limit)
			if err != nil {
				return err
			}
			gone += n
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("watch: letting old figures go: %w", err)
	}
	return gone, nil
}
