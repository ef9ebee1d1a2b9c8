package intake

import (
	"context"

	"thimble"
	"thimble/internal/collect/segment"
	"thimble/internal/subject"
)

// People knows whose an identifier is, and takes down who is new and who is one; package
// intakedb does it.
type People interface {
	// FindAll returns the subject of each identifier, zero for none.
	FindAll(ctx context.Context, ids []subject.Identifier) ([]thimble.SubjectID, error)
	// Make makes a person for each identifier that nobody has.
	Make(ctx context.Context, ids []subject.Identifier) ([]Made, error)
	// Join takes down that identifiers are of people who are there, unless they are not
	// those any more that were judged.
	Join(ctx context.Context, all []Joining) ([]Joined, error)
}

// A Made is what became of a new identifier.
type Made struct {
	Who thimble.SubjectID // zero for nobody
	// Gone says that somebody with it was forgotten, Shared that it is a device that
	// several people use.
	Gone, Shared bool
}

// newPerHour is how many people the events of one public source may make in an hour. A
// public key is anybody's: what lies beyond is counted and makes nobody.
const newPerHour = 20_000

// strangers makes people of whom something may be kept.
func (w *work) strangers() error {
	if len(w.unknown) == 0 {
		return nil
	}
	born := w.run.door.Moment()
	at := map[name]int{}
	var ids []subject.Identifier
	for _, i := range w.unknown {
		it := &w.items[i]
		if !it.who.IsZero() {
			continue
		}
		if ok, err := w.welcome(it); err != nil {
			return err
		} else if !ok {
			continue
		}
		if _, there := at[it.name]; there {
			continue
		}
		kind, value := w.claim(it)
		if id, err := subject.NewIdentifier(kind, string(value)); err == nil {
			at[it.name], ids = len(ids), append(ids, id)
		}
	}
	if !w.src.Trusted() {
		ids = ids[:w.in.budget.take(w.src.Number, len(ids), w.arrival.At)]
	}
	if len(ids) == 0 {
		return nil
	}
	made, err := w.in.deps.People.Make(w.ctx, ids)
	if err != nil {
		return unavailable(err)
	}
	for _, i := range w.unknown {
		it := &w.items[i]
		if n, ok := at[it.name]; ok && n < len(made) {
			w.meet(it, made[n], born)
		}
	}
	return nil
}

// welcome reports whether a person may be made of an event: something of it may be kept
// without anybody's consent, or it brings their own.
func (w *work) welcome(it *item) (bool, error) {
	if it.drop != "" {
		return it.drop == heard && it.ev.Call != segment.Alias && w.brings(it), nil
	}
	if err := w.mask(it); err != nil {
		return false, err
	}
	return it.mask>>it.ev.Message.Class&1 == 1 || w.brings(it), nil
}

func (w *work) meet(it *item, m Made, born uint64) {
	switch {
	case m.Gone:
		it.drop = Gone
	case !m.Who.IsZero():
		it.who = m.Who
		w.in.who.put(it.name, m.Who, born)
	}
}
