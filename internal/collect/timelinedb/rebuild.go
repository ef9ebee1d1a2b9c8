package timelinedb

import (
	"context"
	"fmt"
	"slices"
	"time"

	"thimble/internal/sqldb"
)

// Rebuild drops what is built about people and reads the log from its beginning; the next
// step begins. Demand stays: it counts people who are gone by now.
func (s *Store) Rebuild(ctx context.Context) error {
	s.view.mu.Lock()
	defer s.view.mu.Unlock()
	err := s.View.Write(ctx, func(tx *sqldb.Tx) error {
		at, err := s.view.position(ctx, tx)
		if err != nil {
			return err
		}
		counted, err := demandUpTo(ctx, tx)
		if err != nil {
			return err
		}
		for _, text := range []string{`delete from collect_postings`, `delete from collect_months`, `update collect_cursors set seq = 0 where name = 'view'`} {
			if _, err := tx.Exec(ctx, text); err != nil {
				return err
			}
		}
		_, err = tx.Exec(ctx, `insert into collect_cursors (name, seq, builder, lease_until) values ('demand', $1, $2, 0)
			on conflict (name) do update set seq = excluded.seq`, max(at, counted), s.id)
		return err
	})
	if err != nil {
		return fmt.Errorf("timeline: dropping what is built: %w", err)
	}
	s.view.leased = time.Time{} // the cursor is read again
	return nil
}

// demandUpTo is up to which frame demand was counted before the view was built again.
func demandUpTo(ctx context.Context, tx *sqldb.Tx) (int64, error) {
	return (&follower{name: "demand", table: "collect_cursors"}).position(ctx, tx)
}

// Checked is what reading the whole log found.
type Checked struct {
	Frames     int
	Records    int
	Unreadable []int64 // numbers of frames
	Mended     []int64 // that were unreadable, and are not any more
}

// Check reads the whole log, and mends what is behind it: of frames that could not be read
// and can be now, everybody who went on without them is told.
func (s *Store) Check(ctx context.Context) (c Checked, err error) {
	for at := int64(0); ; {
		frames, err := s.Log.After(ctx, at, readAhead)
		if err != nil {
			return c, fmt.Errorf("timeline: reading the log behind frame %d: %w", at, err)
		}
		if len(frames) == 0 {
			break
		}
		for i := range frames {
			c.Frames++
			c.Records += len(frames[i].Records)
			at = frames[i].Seq
			if frames[i].Unreadable {
				c.Unreadable = append(c.Unreadable, at)
			}
		}
	}
	noted, err := s.Log.Unreadable(ctx)
	if err != nil {
		return c, fmt.Errorf("timeline: asking what could not be read: %w", err)
	}
	for _, seq := range noted {
		if !slices.Contains(c.Unreadable, seq) {
			c.Mended = append(c.Mended, seq)
		}
	}
	if len(c.Mended) == 0 {
		return c, nil
	}
	return c, s.mend(ctx, c.Mended)
}

// mend has whoever went on without frames read them: all that lies behind the first of them
// is told again, as it is after a crash, and what is built about people is built again.
func (s *Store) mend(ctx context.Context, seqs []int64) error {
	before := seqs[0] - 1
	err := s.Core.Write(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, `update collect_positions set seq = $1 where seq > $1`, before)
		return err
	})
	if err != nil {
		return fmt.Errorf("timeline: going back to frame %d: %w", before, err)
	}
	for _, f := range s.followers {
		f.back()
	}
	var at int64
	err = s.View.Read(ctx, func(tx *sqldb.Tx) (err error) { at, err = s.view.position(ctx, tx); return err })
	if err == nil && at > before {
		err = s.Rebuild(ctx)
	}
	if err == nil {
		err = s.Log.Mended(ctx, seqs...)
	}
	if err != nil {
		return fmt.Errorf("timeline: mending what is behind frame %d: %w", before, err)
	}
	return nil
}

// back has the position read again before the next step.
func (f *follower) back() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.leased = time.Time{}
}
