package timelinedb

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"thimble"
	"thimble/internal/collect/frame"
	"thimble/internal/collect/framedb"
	"thimble/internal/collect/timeline"
	"thimble/internal/sqldb"
)

// Listen has f told of events: those whose person permits the purpose at that moment, opened
// as far as the categories reach, in the order of the log, at least once. While f returns
// an error the same events are told again, and the listener lags ([Store.Lags]). It is
// called before [Store.Run]. The error is of kind ErrInvalid for a name that is taken or
// not one of small letters, and without categories.
func (s *Store) Listen(name string, purpose thimble.Purpose, categories []thimble.Category, f func(context.Context, []timeline.Event) error) error {
	switch {
	case name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz._-") != "" || len(name) > 64:
		return fmt.Errorf("timeline: the name of a listener must be small letters: %w", thimble.ErrInvalid)
	case len(categories) == 0 || purpose == "":
		return fmt.Errorf("timeline: listener %s must name a purpose and categories: %w", name, thimble.ErrInvalid)
	case slices.ContainsFunc(s.followers, func(f *follower) bool { return f.name == name }):
		return fmt.Errorf("timeline: the name of listener %s is taken: %w", name, thimble.ErrInvalid)
	}
	u := s.use(name, purpose, categories...)
	s.listeners = append(s.listeners, u)
	s.followers = append(s.followers, &follower{
		name: name, store: s, db: s.Core, table: "collect_positions", most: tellBatch,
		take: func(ctx context.Context, next func() ([]frame.Frame, error)) (*taken, error) {
			return s.tell(ctx, u, next, f)
		},
	})
	return nil
}

// tellBatch is how many records are read before a listener is told.
const tellBatch = 5_000

// tell reads a batch for a listener and tells it. Only then the cursor moves.
func (s *Store) tell(ctx context.Context, u *uses, next func() ([]frame.Frame, error), f func(context.Context, []timeline.Event) error) (*taken, error) {
	var events []timeline.Event
	for {
		frames, err := next()
		if err != nil {
			return nil, err
		}
		if len(frames) == 0 {
			break
		}
		for i := range frames {
			for k := range frames[i].Records {
				e, err := s.told(ctx, u, timeline.Place{Seq: frames[i].Seq, Index: k}, &frames[i].Records[k])
				if err != nil {
					return nil, err
				}
				if e.Has() {
					events = append(events, e)
				}
			}
		}
	}
	if len(events) > 0 {
		if err := f(ctx, events); err != nil {
			return nil, fmt.Errorf("timeline: telling %s: %w", u.actor, err)
		}
	}
	return &taken{}, nil
}

// told returns the event of a record, with nothing opened if the gate says no.
func (s *Store) told(ctx context.Context, u *uses, at timeline.Place, r *frame.Record) (e timeline.Event, err error) {
	if r.Subject.IsZero() || !slices.ContainsFunc(r.Parts, func(p frame.Part) bool { return u.has(p.Category) }) {
		return e, nil
	}
	g, err := u.of(ctx, r.Subject)
	if err != nil || g == nil {
		return e, err
	}
	e, err = openEvent(ctx, g, u.categories, &found{place: at, record: r})
	if err != nil && refused(err) {
		return timeline.Event{}, nil // they have changed their mind since the grant was given
	}
	return e, err
}

// A Lag is how far a listener is behind the log.
type Lag struct {
	Name   string
	Frames int64
	// Events is how many records wait; of very many, about.
	Events int64
	// Since is how long the oldest of them waits; 0 when none does.
	Since time.Duration
}

// Lags returns how far each listener is behind, what is built in among them ("view").
func (s *Store) Lags(ctx context.Context) ([]Lag, error) {
	all := make([]Lag, 0, len(s.followers))
	for _, f := range s.followers {
		var at int64
		err := f.db.Read(ctx, func(tx *sqldb.Tx) (err error) { at, err = f.position(ctx, tx); return err })
		var b framedb.Behind
		if err == nil {
			b, err = s.Log.Behind(ctx, at)
		}
		if err != nil {
			return nil, fmt.Errorf("timeline: asking how far %s is: %w", f.name, err)
		}
		l := Lag{Name: f.name, Frames: b.Frames, Events: b.Events}
		if !b.Since.IsZero() {
			l.Since = max(0, s.Now().Sub(b.Since))
		}
		all = append(all, l)
	}
	return all, nil
}
