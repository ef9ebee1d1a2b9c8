package timelinedb

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"

	"thimble"
	"thimble/internal/collect/timeline"
)

// A window says where everybody's records are in the frames that are not built in yet. It
// is filled by those who read, so that each frame is gone through once for all of them.
type window struct {
	mu       sync.Mutex
	from, to int64 // it knows the frames behind from, up to to
	places   map[thimble.SubjectID][]timeline.Place
	n        int // places
}

// of returns where some subjects' records are behind a frame, in the order of the log; when
// more than most records wait, of the first of them.
func (w *window) of(ctx context.Context, log Log, members []thimble.SubjectID, built int64, most int) (places []timeline.Place, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.places == nil || built < w.from || built > w.to {
		w.from, w.to, w.n, w.places = built, built, 0, map[thimble.SubjectID][]timeline.Place{}
	}
	if built-w.from > w.to-built {
		w.drop(built)
	}
	for w.n <= most {
		frames, err := log.Follow(ctx, w.to, readAhead)
		if err != nil {
			return nil, fmt.Errorf("reading what is not built in yet: %w", err)
		}
		if len(frames) == 0 {
			break
		}
		for i := range frames {
			w.to = frames[i].Seq
			for k := range frames[i].Records {
				if who := frames[i].Records[k].Subject; !who.IsZero() {
					w.places[who] = append(w.places[who], timeline.Place{Seq: w.to, Index: k})
					w.n++
				}
			}
		}
	}
	for _, who := range members {
		places = append(places, after(w.places[who], built)...)
	}
	slices.SortFunc(places, func(a, b timeline.Place) int { return cmp.Or(cmp.Compare(a.Seq, b.Seq), cmp.Compare(a.Index, b.Index)) })
	return places, nil
}

// drop forgets what lies up to a frame. It is called when that is more than half, so that it
// costs little for each.
func (w *window) drop(built int64) {
	w.from, w.n = built, 0
	for who, places := range w.places {
		left := slices.Clone(after(places, built))
		if w.n += len(left); len(left) == 0 {
			delete(w.places, who)
			continue
		}
		w.places[who] = left
	}
}

// after returns the places behind a frame.
func after(places []timeline.Place, seq int64) []timeline.Place {
	i, _ := slices.BinarySearchFunc(places, seq+1, func(p timeline.Place, seq int64) int { return int(p.Seq - seq) })
	return places[i:]
}

// unbuiltFor is how many times as many records may wait as a read of events goes through: here,
// all who read go through them once.
const unbuiltFor = 10

// unbuilt returns what somebody's records that came in behind a frame will add to their
// months: what is permitted to be built, of what a grant opens. Of too many records it
// returns what is known of them.
func (s *Store) unbuilt(ctx context.Context, g thimble.Grant, built int64) (map[thimble.SubjectID]*person, error) {
	members := g.Members()
	places, err := s.window.of(ctx, s.Log, members, built, unbuiltFor*s.MostBehind)
	if err != nil || len(places) == 0 {
		return nil, err
	}
	b := s.newBatch()
	b.reader = g
	err = s.records(ctx, places, func(f *found) error {
		if f.record == nil || !slices.Contains(members, f.record.Subject) {
			return nil // it cannot be read, or it was compacted
		}
		return b.fold(ctx, b.of(f.record.Subject), f.record, nil)
	})
	if err != nil {
		return nil, err
	}
	if !alive(ctx, g) {
		return nil, fmt.Errorf("they have changed their mind: %w", thimble.ErrDenied)
	}
	return b.people, nil
}
