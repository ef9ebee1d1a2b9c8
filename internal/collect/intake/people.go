package intake

import (
	"context"
	"strings"

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
	// Join takes down that identifiers are of people who are there.
	Join(ctx context.Context, all []Joining) ([]Joined, error)
}

// A Made is what became of a new identifier.
type Made struct {
	Who thimble.SubjectID // zero for nobody
	// Gone says that somebody with it was forgotten, Shared that it is a device that
	// several people use.
	Gone, Shared bool
}

// A Joining says that an identifier is of somebody. A device or an account that is of a
// subject of its own is linked with theirs, where Links says so.
type Joining struct {
	To    thimble.SubjectID
	ID    subject.Identifier
	Links bool
	// Either says that the value may be an account's as well: of an alias, which does not
	// say what its former id was.
	Either bool
	By     string // the source
}

// A Joined is what became of a joining.
type Joined string

// What becomes of joinings.
const (
	Same    Joined = "same"    // it was theirs
	Added   Joined = "added"   // it is theirs now
	Linked  Joined = "linked"  // its subject is of the same person now
	Shared  Joined = "shared"  // a device of several people: it leads to nobody
	Refused Joined = "refused" // a limit, somebody else's, or two who are not one
	Lost    Joined = "lost"    // somebody with it was forgotten, or the person is
)

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

// A wish is a joining that is asked for, with what it is remembered by when it is done.
type wish struct {
	Joining
	name name
}

// devices takes down, for a trusted source, that a device is of an account: of an event
// that names both, and of an alias.
func (w *work) devices() error {
	if !w.src.Trusted() {
		return nil
	}
	var all []wish
	for i := range w.items {
		it := &w.items[i]
		user, device := w.b.Bytes(it.ev.UserID), w.b.Bytes(it.ev.AnonymousID)
		if it.ev.Call == segment.Alias {
			device = w.b.Bytes(it.ev.PreviousID)
		}
		if it.who.IsZero() || len(user) == 0 || len(device) == 0 || it.ev.SelfAlias {
			continue
		}
		before := len(all)
		if all = w.wish(all, it, subject.Device, device, true); len(all) > before {
			all[before].Either = it.ev.Call == segment.Alias
		}
	}
	return w.join(all)
}

// traits takes the e-mail addresses and numbers that a trusted source's identify names
// for identifiers of the person, where their class is permitted.
func (w *work) traits() error {
	if !w.src.Trusted() || len(w.b.Identifiers) == 0 {
		return nil
	}
	var all []wish
	at := 0
	for i := range w.items {
		it := &w.items[i]
		for at < len(w.b.Identifiers) && w.b.Identifiers[at].Index < it.ev.Index {
			at++
		}
		if it.drop != "" || it.ev.Call != segment.Identify || len(w.b.Bytes(it.ev.UserID)) == 0 {
			continue
		}
		for n := at; n < len(w.b.Identifiers) && w.b.Identifiers[n].Index == it.ev.Index; n++ {
			id := &w.b.Identifiers[n]
			if it.mask>>id.Class&1 == 0 {
				continue
			}
			for _, k := range []subject.Kind{subject.Email, subject.Phone} {
				if w.run.plan.Classes[id.Class].Category == k.Category() {
					all = w.wish(all, it, k, w.b.Bytes(id.Value), false)
				}
			}
		}
	}
	return w.join(all)
}

// wish adds a joining that is not known to be done.
func (w *work) wish(all []wish, it *item, k subject.Kind, value []byte, links bool) []wish {
	n := w.hash.pair(it.who, k, value)
	if _, done := w.in.who.get(w.run.door, n); done {
		return all
	}
	id, err := subject.NewIdentifier(k, string(value))
	if err != nil {
		return all // a placeholder is nobody's
	}
	for i := range all {
		if all[i].name == n {
			return all
		}
	}
	return append(all, wish{Joining{To: it.who, ID: id, Links: links, By: evidenceBy(w.src)}, n})
}

// evidenceBy names a source as the evidence of a merge can hold it.
func evidenceBy(s Source) string {
	const most = 100 // bytes
	by := "source " + s.Name
	if len(by) <= most {
		return by
	}
	return strings.ToValidUTF8(by[:most], "")
}

// join joins, and remembers what was answered for as long as the person does not change.
func (w *work) join(wishes []wish) error {
	if len(wishes) == 0 {
		return nil
	}
	born := w.run.door.Moment()
	all := make([]Joining, len(wishes))
	for i := range wishes {
		all[i] = wishes[i].Joining
	}
	joined, err := w.in.deps.People.Join(w.ctx, all)
	if err != nil {
		return unavailable(err)
	}
	for i, j := range joined {
		w.in.joined(j)
		if j != Lost {
			w.in.who.put(wishes[i].name, wishes[i].To, born)
		}
	}
	return nil
}

// Joined returns how often each thing became of a joining since the start.
func (in *Intake) Joined() map[Joined]int64 {
	all := map[Joined]int64{}
	for j, n := range in.joins {
		all[j] = n.Load()
	}
	return all
}

func (in *Intake) joined(j Joined) {
	if n := in.joins[j]; n != nil {
		n.Add(1)
	}
}
