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
	Event   string    // of the plan, or as it may be shown
	Call    string
	Planned bool
	// Properties are those that the plan may keep, Unknown the names of those it does not
	// know, as they may be shown.
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
func (w *Watch) note(of *source, b *segment.Body, by sender, now time.Time) {
	t := &of.tail
	if len(b.Events) == 0 || now.Sub(t.last) < tailEvery {
		return
	}
	t.last = now
	s := w.shapeOfEvent(of, b, &b.Events[0], by)
	s.At = now.Truncate(time.Second)
	if len(t.shapes) < tailLength {
		t.shapes = append(t.shapes, s)
		return
	}
	t.shapes[t.next] = s
	t.next = (t.next + 1) % tailLength
}

func (w *Watch) shapeOfEvent(of *source, b *segment.Body, ev *segment.Event, by sender) Shape {
	s := Shape{Call: ev.Call.String(), Event: ev.Call.String(), Planned: ev.Message != nil}
	switch {
	case ev.Message != nil:
		s.Event = titleOf(ev.Message)
	case ev.Call == segment.Track:
		s.Event = w.called(of, b, ev, by)
	}
	b.Walk(ev, func(f *plan.Field, got segment.Shape) {
		if len(s.Properties) < tailNames {
			s.Properties = append(s.Properties, Property{f.Path, got.String()})
		}
	})
	for i := range b.Unknown {
		if u := &b.Unknown[i]; u.Index == ev.Index && u.Message != nil && len(s.Unknown) < tailNames {
			text := b.Bytes(u.Name)
			s.Unknown = append(s.Unknown, u.Within+of.names.sent(w.property(u, text), text, by, plan.Shown))
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
