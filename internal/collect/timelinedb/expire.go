package timelinedb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"thimble"
	"thimble/internal/collect/frame"
	"thimble/internal/collect/timeline"
	"thimble/internal/sqldb"
)

// Expire implements [thimble.Holder]: the parts of the category in the frames of before, by
// when they came in, leave the log, and the months that were made of them go.
func (s *Store) Expire(ctx context.Context, c thimble.Category, before time.Time) (thimble.Erasure, error) {
	if s.Rewriter == nil {
		return thimble.Erasure{}, fmt.Errorf("timeline: expiring %s: the log cannot be rewritten: %w", c, thimble.ErrUnavailable)
	}
	parts, err := s.expireParts(ctx, c, before)
	if err != nil {
		return thimble.Erasure{Erased: parts}, fmt.Errorf("timeline: expiring %s: %w", c, err)
	}
	months, err := s.expireMonths(ctx, c, before)
	if err != nil {
		return thimble.Erasure{Erased: parts + months}, fmt.Errorf("timeline: expiring what was made of %s: %w", c, err)
	}
	return thimble.Erasure{Erased: parts + months}, nil
}

// expireParts rewrites the frames of before. It goes on behind the frame up to which it has
// come for the category, whenever that was.
func (s *Store) expireParts(ctx context.Context, c thimble.Category, before time.Time) (removed int, err error) {
	f := &follower{name: "expire " + string(c), store: s, db: s.Core, table: "collect_positions"}
	var at int64
	if err := s.Core.Read(ctx, func(tx *sqldb.Tx) error { at, err = f.position(ctx, tx); return err }); err != nil {
		return 0, err
	}
	for {
		frames, err := s.Log.After(ctx, at, readAhead)
		if err != nil {
			return removed, err
		}
		from := at
		for i := range frames {
			if frames[i].Received >= before.UnixMicro() {
				frames = frames[:i]
				break
			}
			n, err := s.rewriteWithout(ctx, &frames[i], c)
			removed += n
			if err != nil {
				return removed, err
			}
			at = frames[i].Seq
		}
		if at == from {
			return removed, nil
		}
		if err := s.keepPosition(ctx, f.name, from, at); err != nil {
			return removed, err
		}
	}
}

// Older calls each for every part of exactly a category in the frames of before, by when
// they came in, with what names it. It reads the log and no position that an expiry keeps:
// it is how one is held against what is there.
func (s *Store) Older(ctx context.Context, c thimble.Category, before time.Time, each func(key []byte) error) error {
	for at := int64(0); ; {
		frames, err := s.Log.After(ctx, at, readAhead)
		if err != nil || len(frames) == 0 {
			return err
		}
		for _, f := range frames {
			if f.Received >= before.UnixMicro() {
				return nil
			}
			at = f.Seq
			for i := range f.Records {
				for j := range f.Records[i].Parts {
					if f.Records[i].Parts[j].Category != c {
						continue
					}
					if err := each(fmt.Appendf(nil, "%d/%d/%d", f.Seq, i, j)); err != nil {
						return err
					}
				}
			}
		}
	}
}

// keepPosition moves a position on, unless somebody else has moved it meanwhile.
func (s *Store) keepPosition(ctx context.Context, name string, from, to int64) error {
	return s.Core.Write(ctx, func(tx *sqldb.Tx) error {
		n, err := tx.Exec(ctx, `insert into collect_positions (name, seq, builder, lease_until) values ($1, $2, $3, 0)
			on conflict (name) do update set seq = excluded.seq where collect_positions.seq = $4`, name, to, s.id, from)
		if err == nil && n == 0 {
			err = errMoved
		}
		return err
	})
}

// rewriteWithout takes the parts of a category out of a frame.
func (s *Store) rewriteWithout(ctx context.Context, f *frame.Frame, c thimble.Category) (removed int, err error) {
	for i := range f.Records {
		for _, p := range f.Records[i].Parts {
			if p.Category.Within(c) {
				removed++
			}
		}
	}
	if removed == 0 {
		return 0, nil
	}
	_, err = s.Rewriter.Rewrite(ctx, f.Seq, func(_ int, r *frame.Record) bool {
		kept := r.Parts[:0]
		for _, p := range r.Parts {
			if !p.Category.Within(c) {
				kept = append(kept, p)
			}
		}
		r.Parts = kept
		return len(kept) > 0 || r.Subject.IsZero()
	})
	return removed, err
}

// expireMonths deletes the months of before. One that the instant falls into is made again
// from what is left in the log.
func (s *Store) expireMonths(ctx context.Context, c thimble.Category, before time.Time) (removed int, err error) {
	last := timeline.Month(before)
	for _, category := range s.categoriesWithin(c) {
		n, err := s.View.Drain(ctx, `delete from collect_months where category = $1 and month < $2`, string(category), last)
		removed += n
		if err != nil {
			return removed, err
		}
		if timeline.MonthTime(last).Equal(before) {
			continue
		}
		people, err := s.during(ctx, category, last)
		if err != nil {
			return removed, err
		}
		for _, who := range people {
			if err := s.Derive(ctx, who); err != nil {
				return removed, err
			}
		}
	}
	return removed, nil
}

// categoriesWithin are those that months are made of.
func (s *Store) categoriesWithin(c thimble.Category) (all []thimble.Category) {
	for _, one := range ProfileCategories() {
		if one.Within(c) {
			all = append(all, one)
		}
	}
	return all
}

// during returns who has a row of a category and month.
func (s *Store) during(ctx context.Context, c thimble.Category, month int64) ([]thimble.SubjectID, error) {
	return s.people(ctx, `select distinct subject_id from collect_months where category = $1 and month = $2 order by subject_id`, string(c), month)
}

// note notes the frames of places for compaction.
func (s *Store) note(ctx context.Context, places []timeline.Place) error {
	seqs := make([]int64, 0, len(places))
	for _, p := range places {
		if n := len(seqs); n == 0 || seqs[n-1] != p.Seq {
			seqs = append(seqs, p.Seq)
		}
	}
	if len(seqs) == 0 {
		return nil
	}
	err := s.Core.Write(ctx, func(tx *sqldb.Tx) error {
		stmt, err := tx.Prepare(ctx, `insert into collect_dead (seq, noted_at) values ($1, $2) 
			on conflict (seq) do update set noted_at = case when excluded.noted_at > collect_dead.noted_at then excluded.noted_at else collect_dead.noted_at + 1 end`)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, stmt.Close()) }()
		for _, seq := range seqs {
			if _, err := stmt.ExecContext(ctx, seq, s.Now().UnixMicro()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("timeline: noting %d frames for compaction: %w", len(seqs), err)
	}
	return nil
}
