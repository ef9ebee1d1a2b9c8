package timelinedb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"thimble"
	"thimble/internal/collect/frame"
	"thimble/internal/collect/timeline"
)

// An over says of the parts of a category of somebody whether they are to leave the log.
type over = func(context.Context, thimble.SubjectID, thimble.Category) (bool, error)

// Lapse takes out of the log the parts in the frames of before, by when they came in, that
// are over, and makes again what was made of whom they were about. It may be interrupted
// anywhere, and be called again.
func (s *Store) Lapse(ctx context.Context, before time.Time, over over) (removed int, err error) {
	if s.Rewriter == nil {
		return 0, fmt.Errorf("timeline: taking out what is over: the log cannot be rewritten: %w", thimble.ErrUnavailable)
	}
	touched := map[thimble.SubjectID]bool{}
	err = s.eachFrame(ctx, before, func(f *frame.Frame) error {
		n, err := s.rewriteOver(ctx, f, over, touched)
		removed += n
		return err
	})
	for who := range touched {
		err = errors.Join(err, s.Derive(ctx, who))
	}
	if err != nil {
		return removed, fmt.Errorf("timeline: taking out what is over: %w", err)
	}
	return removed, nil
}

// eachFrame calls f with each frame of before, in the order of the log.
func (s *Store) eachFrame(ctx context.Context, before time.Time, f func(*frame.Frame) error) error {
	for at := int64(0); ; {
		frames, err := s.Log.After(ctx, at, readAhead)
		if err != nil || len(frames) == 0 {
			return err
		}
		for i := range frames {
			if frames[i].Received >= before.UnixMicro() {
				return nil
			}
			if err := f(&frames[i]); err != nil {
				return err
			}
			at = frames[i].Seq
		}
	}
}

func (s *Store) rewriteOver(ctx context.Context, f *frame.Frame, over over, touched map[thimble.SubjectID]bool) (removed int, err error) {
	type place struct{ record, part int }
	out := map[place]bool{}
	for i := range f.Records {
		r := &f.Records[i]
		for j := range r.Parts {
			if r.Subject.IsZero() {
				continue
			}
			is, err := over(ctx, r.Subject, r.Parts[j].Category)
			if err != nil {
				return 0, err
			}
			if is {
				out[place{i, j}], touched[r.Subject] = true, true
			}
		}
	}
	if len(out) == 0 {
		return 0, nil
	}
	_, err = s.Rewriter.Rewrite(ctx, f.Seq, func(i int, r *frame.Record) bool {
		kept := r.Parts[:0]
		for j, p := range r.Parts {
			if !out[place{i, j}] {
				kept = append(kept, p)
			}
		}
		r.Parts = kept
		return len(kept) > 0 || r.Subject.IsZero()
	})
	return len(out), err
}

// Parts calls each for every part in the frames of before, with what names it.
func (s *Store) Parts(ctx context.Context, before time.Time, each func(who thimble.SubjectID, c thimble.Category, key []byte) error) error {
	return s.eachFrame(ctx, before, func(f *frame.Frame) error {
		for i := range f.Records {
			for j := range f.Records[i].Parts {
				if err := each(f.Records[i].Subject, f.Records[i].Parts[j].Category, fmt.Appendf(nil, "%d/%d/%d", f.Seq, i, j)); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// Held counts the parts of somebody in the frames of before, by category, as the index finds
// them.
func (s *Store) Held(ctx context.Context, who thimble.SubjectID, before time.Time) (map[thimble.Category]int64, error) {
	held := map[thimble.Category]int64{}
	err := s.each(ctx, []thimble.SubjectID{who}, timeline.Place{}, func(f *found) (bool, error) {
		if f.record != nil && f.record.Received < before.UnixMicro() {
			for _, p := range f.record.Parts {
				held[p.Category]++
			}
		}
		return true, nil
	})
	if err != nil {
		return nil, fmt.Errorf("timeline: counting what is held of a person: %w", err)
	}
	return held, nil
}

// Seen returns when the newest event of some subjects came in; zero for none.
func (s *Store) Seen(ctx context.Context, who ...thimble.SubjectID) (at time.Time, err error) {
	err = s.each(ctx, who, timeline.Place{}, func(f *found) (bool, error) {
		at = f.received
		if f.record != nil {
			at = time.UnixMicro(f.record.Received).UTC()
		}
		return false, nil
	})
	if err != nil {
		return time.Time{}, fmt.Errorf("timeline: when a person was there last: %w", err)
	}
	return at, nil
}

// Present calls each for whom every record behind a frame is about, with when it came in, in
// the order of the log, and returns the last frame that it read. A log that ends before that
// frame is another one, and is read from its start.
func (s *Store) Present(ctx context.Context, after int64, each func(who thimble.SubjectID, at time.Time)) (last int64, err error) {
	doing := func(err error) error { return fmt.Errorf("timeline: who has been there: %w", err) }
	if after > 0 {
		b, err := s.Log.Behind(ctx, after-1)
		if err != nil {
			return after, doing(err)
		}
		if b.Frames == 0 {
			after = 0
		}
	}
	for last = after; ; {
		frames, err := s.Log.After(ctx, last, readAhead)
		if err != nil {
			return last, doing(err)
		}
		if len(frames) == 0 {
			return last, nil
		}
		for i := range frames {
			for k := range frames[i].Records {
				if r := &frames[i].Records[k]; !r.Subject.IsZero() {
					each(r.Subject, time.UnixMicro(r.Received).UTC())
				}
			}
			last = frames[i].Seq
		}
	}
}

// takeOut takes the records of somebody out of the log who is there still although they are
// erased: other records of theirs are held, and their keys live. Compaction, which takes out
// whoever is gone, would leave them.
func (s *Store) takeOut(ctx context.Context, who thimble.SubjectID, places []timeline.Place, indexed int64) error {
	missing, err := s.People.Missing(ctx, []thimble.SubjectID{who})
	if err != nil || len(missing) > 0 || s.Rewriter == nil {
		return err
	}
	frames := map[int64]bool{}
	for _, p := range places {
		frames[p.Seq] = true
	}
	for at := indexed; ; { // what is not indexed yet
		some, err := s.Log.After(ctx, at, readAhead)
		if err != nil {
			return fmt.Errorf("timeline: taking somebody out of the log: %w", err)
		}
		if len(some) == 0 {
			break
		}
		for i := range some {
			at = some[i].Seq
			for k := range some[i].Records {
				if some[i].Records[k].Subject == who {
					frames[at] = true
				}
			}
		}
	}
	for seq := range frames {
		if _, err := s.Rewriter.Rewrite(ctx, seq, func(_ int, r *frame.Record) bool { return r.Subject != who }); err != nil {
			return fmt.Errorf("timeline: taking somebody out of the log: %w", err)
		}
	}
	return nil
}
