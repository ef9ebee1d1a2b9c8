package watchdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"thimble"
	"thimble/internal/collect/plan"
	"thimble/internal/collect/watch"
	"thimble/internal/sqldb"
)

// Minutes returns what came from a source since a time, the oldest minute first; minutes in
// which nothing came are left out. Source 0 is all of them.
func (s *Store) Minutes(ctx context.Context, source uint32, since time.Time) (all []watch.Minute, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, `select source, minute, events, kept, denied, nobody, repeated, unplanned, broken, gone, not_kept, violations, unknown
			from collect_minutes where minute >= $1 and (source = $2 or $2 = 0) order by minute, source`, since.Unix()/60, source)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var m watch.Minute
			d := &m.Dropped
			if err := rows.Scan(&m.Source, &m.At, &m.Events, &m.Kept, &d[0], &d[1], &d[2], &d[3], &d[4], &d[5], &d[6], &m.Violations, &m.Unknown); err != nil {
				return err
			}
			all = append(all, m)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("watch: reading figures: %w", err)
	}
	return all, nil
}

// A Sum is what came from a source in a span of time.
type Sum struct {
	Source uint32
	watch.Counts
	Last time.Time // the newest minute in which something came
}

// Sums returns what came since a time, by source.
func (s *Store) Sums(ctx context.Context, since time.Time) (all []Sum, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, `select source, sum(events), sum(kept), sum(denied), sum(nobody), sum(repeated), sum(unplanned), sum(broken), sum(gone), sum(not_kept), sum(violations), sum(unknown), max(minute)
			from collect_minutes where minute >= $1 group by source order by source`, since.Unix()/60)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var m Sum
			var last int64
			d := &m.Dropped
			if err := rows.Scan(&m.Source, &m.Events, &m.Kept, &d[0], &d[1], &d[2], &d[3], &d[4], &d[5], &d[6], &m.Violations, &m.Unknown, &last); err != nil {
				return err
			}
			m.Last = time.Unix(last*60, 0).UTC()
			all = append(all, m)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("watch: reading figures: %w", err)
	}
	return all, nil
}

// Violations returns the broken rules of a source, those that came last first. Source 0 is
// all of them.
func (s *Store) Violations(ctx context.Context, source uint32, limit int) (all []watch.Violation, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, `select source, event, path, expected, got, n, first_at, last_at from collect_violations
			where source = $1 or $1 = 0 order by last_at desc, n desc, event, path, expected, got limit $2`, source, limit)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var v watch.Violation
			var first, last int64
			if err := rows.Scan(&v.Source, &v.Event, &v.Path, &v.Expected, &v.Got, &v.N, &first, &last); err != nil {
				return err
			}
			v.First, v.Last = time.UnixMicro(first).UTC(), time.UnixMicro(last).UTC()
			all = append(all, v)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("watch: reading violations: %w", err)
	}
	return all, nil
}

// A Proposal is one that waits to be decided.
type Proposal struct {
	ID thimble.ID
	watch.Proposal
	Later time.Time // until when nobody wants to decide; zero: now
}

// ProposalPrefix begins the tokens of proposals.
const ProposalPrefix = "prop"

const proposalColumns = `select id, event, within, name, shape, category, transform, confidence, why, n, first_at, last_at, later, source from collect_proposals `

func scanProposal(row interface{ Scan(...any) error }) (p Proposal, err error) {
	var first, last, later, sure int64
	var category, transform string
	err = row.Scan(&p.ID, &p.Event, &p.Within, &p.Name, &p.Shape, &category, &transform, &sure, &p.Why, &p.N, &first, &last, &later, &p.Source)
	p.Category, p.Transform, p.Confidence = thimble.Category(category), plan.Transform(transform), float64(sure)/1000
	p.First, p.Last = time.UnixMicro(first).UTC(), time.UnixMicro(last).UTC()
	if later > 0 {
		p.Later = time.UnixMicro(later).UTC()
	}
	return p, err
}

// maxRead is how many proposals are looked at for a list.
const maxRead = 20 * MaxProposals

// Proposals returns what the plan in force does not know, the most frequent first. What it
// knows by now is left out, as is what was put off, unless that is asked for.
func (s *Store) Proposals(ctx context.Context, force *plan.Compiled, later bool, limit int) (all []Proposal, err error) {
	now := s.cfg.Now()
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, proposalColumns+`order by n desc, event, within, name limit $1`, maxRead)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			p, err := scanProposal(rows)
			if err != nil {
				return err
			}
			if len(all) < limit && p.Later.After(now) == later && !watch.Known(force, p.Event, p.Within, p.Name) {
				all = append(all, p)
			}
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("watch: reading proposals: %w", err)
	}
	return all, nil
}

// Proposal returns one. The error is of kind ErrNotFound when there is none.
func (s *Store) Proposal(ctx context.Context, id thimble.ID) (p Proposal, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		p, err = scanProposal(tx.QueryRow(ctx, proposalColumns+`where id = $1`, id))
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		err = thimble.ErrNotFound
	}
	if err != nil {
		return Proposal{}, fmt.Errorf("watch: proposal %s: %w", id.Token(ProposalPrefix), err)
	}
	return p, nil
}

// Later puts a proposal off until a time; the zero time has it wait again.
func (s *Store) Later(ctx context.Context, id thimble.ID, until time.Time) error {
	var at int64
	if !until.IsZero() {
		at = until.UnixMicro()
	}
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		n, err := tx.Exec(ctx, `update collect_proposals set later = $1 where id = $2`, at, id)
		if err == nil && n == 0 {
			err = thimble.ErrNotFound
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("watch: putting off %s: %w", id.Token(ProposalPrefix), err)
	}
	return nil
}
