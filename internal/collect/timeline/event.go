package timeline

import (
	"encoding/json"
	"fmt"
	"time"

	"thimble"
	"thimble/internal/collect/frame"
)

// An Event is one of a person, opened as far as a grant reaches.
type Event struct {
	Place    Place
	Subject  thimble.SubjectID // whose it is, of the person's members
	Source   uint32
	Received time.Time
	// Categories are those of the parts that were opened, and Absent those of parts
	// that could not be: their keys have expired.
	Categories []thimble.Category
	Absent     []thimble.Category

	parts [][]byte
}

// NewEvent returns an event of which nothing was opened yet.
func NewEvent(seq int64, index int, r *frame.Record) Event {
	return Event{Place: Place{Seq: seq, Index: index}, Subject: r.Subject, Source: r.Source, Received: time.UnixMicro(r.Received).UTC()}
}

// Opened adds a part that was opened.
func (e *Event) Opened(c thimble.Category, plain []byte) {
	e.Categories, e.parts = append(e.Categories, c), append(e.parts, plain)
}

// Has reports whether something of the event was opened.
func (e *Event) Has() bool { return len(e.parts) > 0 }

// What reads all parts that were opened.
func (e *Event) What() What {
	var w What
	for _, p := range e.parts {
		w.Add(p)
	}
	w.Done()
	return w
}

// Part reads the part of one category, by its place in Categories.
func (e *Event) Part(i int) What {
	var w What
	w.Add(e.parts[i])
	w.Done()
	return w
}

// When is when it happened, or when it came in if the part that says so is not open.
func (e *Event) When(w *What) time.Time {
	if w.At.IsZero() {
		return e.Received
	}
	return w.At
}

// Own is the category of the part that says what happened, or of the first if that is not
// open.
func (e *Event) Own() thimble.Category {
	for i, c := range e.Categories {
		if w := e.Part(i); w.Type != "" {
			return c
		}
	}
	if len(e.Categories) > 0 {
		return e.Categories[0]
	}
	return ""
}

// Details returns everything that was opened, by the plan's names, without what [What]
// says of every event. The error is of kind ErrInvalid: the parts contradict each other.
func (e *Event) Details() (details map[string]any, err error) {
	whole, err := frame.Merge(e.parts...)
	if err == nil {
		err = json.Unmarshal(whole, &details)
	}
	if err != nil {
		return nil, fmt.Errorf("timeline: an event whose parts do not fit together: %w", thimble.ErrInvalid)
	}
	for _, known := range []string{"plan", "type", "event", "time"} {
		delete(details, known)
	}
	return details, nil
}
