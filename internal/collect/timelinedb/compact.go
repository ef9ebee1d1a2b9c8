package timelinedb

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"thimble"
	"thimble/internal/collect/frame"
	"thimble/internal/gate"
	"thimble/internal/sqldb"
)

// Compacted says what a compaction did.
type Compacted struct {
	Frames  int `json:"frames"`  // rewritten
	Records int `json:"records"` // taken out
	Rows    int `json:"rows"`    // of the view, of whoever is gone
	Waiting int `json:"waiting"` // frames that still wait
}

// compactName is the position up to which the log was searched for records of whoever is
// gone. It never passes what is indexed: whoever is erased later is found by the index.
const compactName = "compact"

// Compact takes the records of whoever is gone out of the log: those in frames that an
// erasure has noted, and those that came in since the last time for somebody who was gone
// already. It may be interrupted anywhere; the next call goes on.
func (s *Store) Compact(ctx context.Context) (done Compacted, err error) {
	if done.Rows, err = s.sweep(ctx); err != nil {
		return done, fmt.Errorf("timeline: looking for rows of whoever is gone: %w", err)
	}
	if s.Rewriter == nil {
		return done, fmt.Errorf("timeline: the log cannot be rewritten: %w", thimble.ErrUnavailable)
	}
	if err := s.search(ctx, &done); err != nil {
		return done, fmt.Errorf("timeline: searching the log for whoever is gone: %w", err)
	}
	if err := s.compactNoted(ctx, &done); err != nil {
		return done, fmt.Errorf("timeline: compacting what was noted: %w", err)
	}
	done.Waiting, err = s.Waiting(ctx)
	return done, err
}

// Waiting counts the frames that hold records of whoever is gone, as far as is known.
func (s *Store) Waiting(ctx context.Context) (n int, err error) {
	err = s.Core.Read(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(ctx, `select count(*) from collect_dead`).Scan(&n)
	})
	if err != nil {
		return 0, fmt.Errorf("timeline: counting what waits for compaction: %w", err)
	}
	return n, nil
}

// search reads the frames that came in since the last time.
func (s *Store) search(ctx context.Context, done *Compacted) error {
	var at, until int64
	err := s.Core.Read(ctx, func(tx *sqldb.Tx) (err error) {
		at, err = (&follower{name: compactName, table: "collect_positions"}).position(ctx, tx)
		return err
	})
	if err == nil {
		err = s.View.Read(ctx, func(tx *sqldb.Tx) (err error) { until, err = s.view.position(ctx, tx); return err })
	}
	for err == nil && at < until {
		var frames []frame.Frame
		if frames, err = s.Log.After(ctx, at, readAhead); err != nil || len(frames) == 0 {
			break
		}
		if frames, err = s.compactFrames(ctx, frames, until, done); err != nil || len(frames) == 0 {
			break
		}
		from := at
		at = frames[len(frames)-1].Seq
		err = s.keepPosition(ctx, compactName, from, at)
	}
	return err
}

// SearchAgain has the next compaction search all of the log: it was put back from a backup, and
// holds records of people who were taken out of it since.
func (s *Store) SearchAgain(ctx context.Context) error {
	err := s.Core.Write(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, `delete from collect_positions where name = $1`, compactName)
		return err
	})
	if err != nil {
		return fmt.Errorf("timeline: having the log searched again: %w", err)
	}
	return nil
}

// compactFrames takes whoever is gone out of frames up to one, and returns those.
func (s *Store) compactFrames(ctx context.Context, frames []frame.Frame, until int64, done *Compacted) ([]frame.Frame, error) {
	for i := range frames {
		if frames[i].Seq > until {
			return frames[:i], nil
		}
	}
	gone, err := s.gone(ctx, frames)
	if err != nil {
		return nil, err
	}
	for i := range frames {
		if err := s.compactFrame(ctx, &frames[i], gone, done); err != nil {
			return nil, err
		}
	}
	return frames, nil
}

// gone returns whose records are in frames and who is not there.
func (s *Store) gone(ctx context.Context, frames []frame.Frame) (map[thimble.SubjectID]bool, error) {
	seen := map[thimble.SubjectID]bool{}
	var people []thimble.SubjectID
	for i := range frames {
		for k := range frames[i].Records {
			if who := frames[i].Records[k].Subject; !who.IsZero() && !seen[who] {
				seen[who] = true
				people = append(people, who)
			}
		}
	}
	missing, err := s.People.Missing(ctx, people)
	clear(seen)
	for _, who := range missing {
		seen[who] = true
	}
	return seen, err
}

func (s *Store) compactFrame(ctx context.Context, f *frame.Frame, gone map[thimble.SubjectID]bool, done *Compacted) error {
	if !slices.ContainsFunc(f.Records, func(r frame.Record) bool { return gone[r.Subject] }) {
		return nil
	}
	n, err := s.Rewriter.Rewrite(ctx, f.Seq, func(_ int, r *frame.Record) bool { return !gone[r.Subject] })
	done.Records += n
	if n > 0 {
		done.Frames++
	}
	return err
}

// notedAtOnce bounds how many noted frames are looked at together.
const notedAtOnce = 64

func (s *Store) compactNoted(ctx context.Context, done *Compacted) error {
	after := int64(0)
	for {
		seqs, at, err := s.noted(ctx, after)
		if err != nil || len(seqs) == 0 {
			return err
		}
		after = seqs[len(seqs)-1]
		frames, err := s.Log.At(ctx, seqs...)
		if err == nil {
			_, err = s.compactFrames(ctx, frames, after, done)
		}
		if err != nil {
			return err
		}
		// Only now: what was noted stays noted until it is done. So does what was noted
		// again meanwhile, for somebody who was there when this began.
		err = s.Core.Write(ctx, func(tx *sqldb.Tx) error {
			for i, seq := range seqs {
				if frames[i].Unreadable {
					continue // until it is mended
				}
				if _, err := tx.Exec(ctx, `delete from collect_dead where seq = $1 and noted_at = $2`, seq, at[i]); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
}

// noted returns frames that are noted, and when each was.
func (s *Store) noted(ctx context.Context, after int64) (seqs, at []int64, err error) {
	err = s.Core.Read(ctx, func(tx *sqldb.Tx) error {
		seqs, at = nil, nil
		rows, err := tx.Query(ctx, `select seq, noted_at from collect_dead where seq > $1 order by seq limit $2`, after, notedAtOnce)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var seq, when int64
			if err := rows.Scan(&seq, &when); err != nil {
				return err
			}
			seqs, at = append(seqs, seq), append(at, when)
		}
		return rows.Err()
	})
	return seqs, at, err
}

// sweptAtOnce bounds how many people of the view are looked up together.
const sweptAtOnce = 1000

// sweep deletes rows of whoever is gone, and builds those again that are no longer permitted:
// a crash has left them behind.
func (s *Store) sweep(ctx context.Context) (rows int, err error) {
	return s.everybody(ctx, s.review)
}

// forgetGone deletes rows of whoever is gone.
func (s *Store) forgetGone(ctx context.Context) (rows int, err error) {
	return s.everybody(ctx, func(context.Context, []thimble.SubjectID) error { return nil })
}

// everybody goes through the people of the view, deletes the rows of whoever is gone, and
// hands the others to f.
func (s *Store) everybody(ctx context.Context, f func(context.Context, []thimble.SubjectID) error) (rows int, err error) {
	var after thimble.SubjectID
	for {
		people, err := s.someone(ctx, after)
		if err != nil || len(people) == 0 {
			return rows, err
		}
		after = people[len(people)-1]
		missing, err := s.People.Missing(ctx, people)
		if err != nil {
			return rows, err
		}
		for _, who := range missing {
			n, err := s.erase(ctx, who)
			rows += n
			if err != nil {
				return rows, err
			}
		}
		if err := f(ctx, people); err != nil {
			return rows, err
		}
	}
}

// repair deletes the rows of whoever is gone, once after a start: a power cut takes the last
// commits of the view with it, and rows that were deleted are there again.
func (s *Store) repair(ctx context.Context) {
	for pause := tick; ; pause = min(2*pause, time.Minute) {
		rows, err := s.forgetGone(ctx)
		if err == nil && rows > 0 {
			s.Logger.WarnContext(ctx, "rows of whoever is gone were there again, and are deleted", slog.Int("rows", rows))
		}
		if err == nil || ctx.Err() != nil {
			return
		}
		s.Logger.ErrorContext(ctx, "rows of whoever is gone are not looked for yet", slog.String("cause", err.Error()))
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// review builds the months again of those who no longer permit what they were built for,
// and of whom a crash has kept that from being heard. It opens nothing, so that no use is
// written down.
func (s *Store) review(ctx context.Context, people []thimble.SubjectID) error {
	for _, who := range people {
		rows, _, err := s.rows(ctx, []thimble.SubjectID{who})
		if err != nil || len(rows) == 0 {
			if err != nil {
				return err
			}
			continue
		}
		stale, err := s.stale(ctx, who, rows)
		if err == nil && stale {
			err = s.Derive(ctx, who)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// stale reports whether somebody has rows that nothing permits any more. A restriction is
// no reason: what is restricted is kept.
func (s *Store) stale(ctx context.Context, who thimble.SubjectID, rows []row) (bool, error) {
	var may [3]bool
	for use, u := range s.uses() {
		v, err := s.Gate.Decide(ctx, gate.Request{Actor: gate.Actor{Kind: gate.Machine, Name: u.actor}, Subject: who, Purpose: u.purpose, Categories: u.categories})
		if err != nil {
			return false, err
		}
		may[use] = v.Allowed
	}
	for _, r := range rows {
		profile := false
		for use, u := range s.uses() {
			profile = profile || may[use] && u.has(r.category)
		}
		if len(r.interactions) > 0 && !may[0] || len(r.profile) > 0 && !profile {
			return true, nil
		}
	}
	return false, nil
}

// someone returns people of the view behind one, in the order of their ids.
func (s *Store) someone(ctx context.Context, after thimble.SubjectID) ([]thimble.SubjectID, error) {
	return s.people(ctx, `select subject_id from collect_postings where subject_id > $1
		union select subject_id from collect_months where subject_id > $1 order by subject_id limit $2`, after[:], sweptAtOnce)
}

// people returns the subjects that a query finds in the view.
func (s *Store) people(ctx context.Context, query string, args ...any) (people []thimble.SubjectID, err error) {
	err = s.View.Read(ctx, func(tx *sqldb.Tx) (err error) {
		people, err = sqldb.Column[thimble.SubjectID](ctx, tx, query, args...)
		return err
	})
	return people, err
}
