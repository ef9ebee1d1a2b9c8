package timelinedb

import (
	"context"
	"fmt"
	"slices"

	"thimble"
	"thimble/internal/collect/frame"
	"thimble/internal/collect/timeline"
)

// A Walk goes through the log from its beginning until a frame, for who makes something of
// all of it. It reads no index of what people permit: each event is opened by a grant of the
// moment at which it is come to. What was appended after the frame is not in it, so that
// whoever walks to the same frame again, by the same grants, sees the same, but for what has
// expired, was erased or was mended meanwhile.
type Walk struct {
	Until      int64 // the number of the last frame
	Categories []thimble.Category
	// Of are the subjects whose events are wanted; nil wants everybody's.
	Of []thimble.SubjectID
	// Open returns the grant by which a subject's events are opened; nil for none. It is
	// called for each event: who knows the grant keeps it while it holds. Where one does not
	// open an event it is called again, and the event is left out when it returns the same.
	Open func(ctx context.Context, who thimble.SubjectID) (thimble.Grant, error)
}

// Walk calls f with the events, in the order of the log. Of an event of which nothing opens
// f is not told, nor of what is in a frame that cannot be read.
func (s *Store) Walk(ctx context.Context, w Walk, f func(timeline.Event) error) error {
	from, wants := int64(0), func(thimble.SubjectID) bool { return true }
	tell := func(e *found) error { return w.tell(ctx, e, f) }
	if w.Of != nil {
		of := make(map[thimble.SubjectID]bool, len(w.Of))
		for _, who := range w.Of {
			of[who] = true
		}
		wants = func(who thimble.SubjectID) bool { return of[who] }
		places, upTo, err := s.indexed(ctx, w.Of, timeline.Place{})
		if err != nil {
			return fmt.Errorf("timeline: walking through the log: %w", err)
		}
		// The newest come first in the index, and in the order of subjects.
		places = slices.DeleteFunc(places, func(p timeline.Place) bool { return p.Seq > w.Until })
		slices.Reverse(places)
		from = upTo
		if err := s.records(ctx, places, func(e *found) error {
			if e.record == nil || !wants(e.record.Subject) {
				return nil // it cannot be read, or it was compacted
			}
			return tell(e)
		}); err != nil {
			return err
		}
	}
	return s.frames(ctx, from, w.Until, func(at timeline.Place, r *frame.Record) error {
		if !wants(r.Subject) {
			return nil
		}
		return tell(&found{place: at, record: r})
	})
}

// frames calls f with the records of people behind a frame until another.
func (s *Store) frames(ctx context.Context, from, until int64, f func(timeline.Place, *frame.Record) error) error {
	for from < until {
		frames, err := s.Log.After(ctx, from, readAhead)
		if err != nil {
			return fmt.Errorf("timeline: walking through the log behind frame %d: %w", from, err)
		}
		if len(frames) == 0 {
			return nil
		}
		for i := range frames {
			if from = frames[i].Seq; from > until {
				return nil
			}
			for k := range frames[i].Records {
				r := &frames[i].Records[k]
				if r.Subject.IsZero() {
					continue
				}
				if err := f(timeline.Place{Seq: from, Index: k}, r); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// attempts bounds how many grants are asked for one event.
const attempts = 8

func (w *Walk) tell(ctx context.Context, at *found, f func(timeline.Event) error) error {
	if !says(at.record, w.Categories) {
		return nil
	}
	var before thimble.Grant
	for range attempts {
		g, err := w.Open(ctx, at.record.Subject)
		if err != nil || g == nil || g == before {
			return err // what the same grant refuses twice is not for it
		}
		e, err := openEvent(ctx, g, w.Categories, at)
		if err != nil && refused(err) {
			before = g // it may have ended since it was given
			continue
		}
		if err != nil || !e.Has() {
			return err
		}
		return f(e)
	}
	return fmt.Errorf("timeline: somebody's choices kept changing while the log was walked through: %w", thimble.ErrConflict)
}

// says reports whether a record has a part of some categories.
func says(r *frame.Record, categories []thimble.Category) bool {
	return slices.ContainsFunc(r.Parts, func(p frame.Part) bool { return slices.ContainsFunc(categories, p.Category.Within) })
}

// Came returns whose events of some categories came in behind a frame, each subject once, and
// up to which frame that is: until, or less when more subjects than most came. It opens
// nothing.
func (s *Store) Came(ctx context.Context, behind, until int64, categories []thimble.Category, most int) (who []thimble.SubjectID, reached int64, err error) {
	seen := map[thimble.SubjectID]bool{}
	var last []thimble.SubjectID // of the frame that is gone through, new ones
	at := behind
	settle := func() bool {
		if len(who) > 0 && len(last) > 0 && len(who)+len(last) > most {
			return false
		}
		who, last, reached = append(who, last...), nil, at
		return true
	}
	reached = behind
	err = s.frames(ctx, behind, until, func(p timeline.Place, r *frame.Record) error {
		if p.Seq != at {
			if !settle() {
				return errEnough
			}
			at = p.Seq
		}
		if !seen[r.Subject] && says(r, categories) {
			seen[r.Subject] = true
			last = append(last, r.Subject)
		}
		return nil
	})
	if err == nil && settle() {
		reached = until
	}
	if err != nil && err != errEnough { //nolint:errorlint // it is ours
		return nil, behind, err
	}
	return who, reached, nil
}
