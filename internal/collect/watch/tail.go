package watch

import (
	"slices"
	"time"

	"thimble/internal/collect/plan"
	"thimble/internal/collect/segment"
)

// A Shape is an event without its values.
type Shape struct {
	At      time.Time // in whole seconds
	Event   string    // of the plan, or as [plan.ShownEvent] shows it
	Call    string
	Planned bool
	// Properties are those that the plan may keep, Unknown the names of those it does not
	// know, as [plan.Shown] shows them.
	Properties []Property
	Unknown    []string
	Broken     []string // the paths that broke the plan
}

// A Property is a path of the plan with the type that came.
type Property struct {
	Path, Shape string
}

const (
	tailLength = 20
	tailEvery  = 250 * time.Millisecond // of one event at most; the others are only counted
	tailNames  = 64
)

// A tail is the newest events of a source.
type tail struct {
	shapes []Shape
	next   int
	last   time.Time
}

// note keeps the shape of the first event of a body, now and then.
func (t *tail) note(b *segment.Body, now time.Time) {
	if len(b.Events) == 0 || now.Sub(t.last) < tailEvery {
		return
	}
	t.last = now
	s := shapeOfEvent(b, &b.Events[0])
	s.At = now.Truncate(time.Second)
	if len(t.shapes) < tailLength {
		t.shapes = append(t.shapes, s)
		return
	}
	t.shapes[t.next] = s
	t.next = (t.next + 1) % tailLength
}

func shapeOfEvent(b *segment.Body, ev *segment.Event) Shape {
	s := Shape{Call: ev.Call.String(), Event: ev.Call.String(), Planned: ev.Message != nil}
	switch {
	case ev.Message != nil:
		s.Event = titleOf(ev.Message)
	case ev.Call == segment.Track:
		s.Event = plan.ShownEvent(b.Bytes(ev.Name))
	}
	b.Walk(ev, func(f *plan.Field, got segment.Shape) {
		if len(s.Properties) < tailNames {
			s.Properties = append(s.Properties, Property{f.Path, got.String()})
		}
	})
	for i := range b.Unknown {
		if u := &b.Unknown[i]; u.Index == ev.Index && u.Message != nil && len(s.Unknown) < tailNames {
			s.Unknown = append(s.Unknown, u.Within+plan.Shown(b.Bytes(u.Name)))
		}
	}
	for _, v := range b.Violations {
		if v.Index == ev.Index && len(s.Broken) < tailNames && !slices.Contains(s.Broken, v.Path) {
			s.Broken = append(s.Broken, v.Path)
		}
	}
	return s
}

// Tail returns the newest events of a source as shapes, the newest first: one of each
// quarter of a second, of this process.
func (w *Watch) Tail(number uint32) []Shape {
	v, ok := w.sources.Load(number)
	if !ok {
		return nil
	}
	s := v.(*source)
	s.mu.Lock()
	defer s.mu.Unlock()
	all := slices.Concat(s.tail.shapes[s.tail.next:], s.tail.shapes[:s.tail.next])
	slices.Reverse(all)
	return all
}
