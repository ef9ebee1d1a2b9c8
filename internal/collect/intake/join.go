package intake

import (
	"fmt"
	"strings"
	"sync/atomic"

	"thimble"
	"thimble/internal/collect/segment"
	"thimble/internal/subject"
)

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
	// Judged reports whether it was asked of just these people, as they are now, whether
	// they permit it: of whom the identifier is joined to, and of who has it, if anybody.
	Judged func(to, owner subject.Person) bool
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
	Apart   Joined = "apart"   // what brings it is not permitted of both
	Moved   Joined = "moved"   // they are not those that were judged: ask again
)

// joins count what became of joinings.
type joins map[Joined]*atomic.Int64

func newJoins() joins {
	all := joins{}
	for _, j := range []Joined{Same, Added, Linked, Shared, Refused, Lost, Apart} {
		all[j] = &atomic.Int64{}
	}
	return all
}

func (all joins) add(j Joined) {
	if n := all[j]; n != nil {
		n.Add(1)
	}
}

// Joined returns how often each thing became of a joining since the start.
func (in *Intake) Joined() map[Joined]int64 {
	all := map[Joined]int64{}
	for j, n := range in.joins {
		all[j] = n.Load()
	}
	return all
}

// A wish is a joining that is asked for, with what it is remembered by when it is done,
// and by which event it comes. What of the plan that event is, is its class.
type wish struct {
	Joining
	name  name
	it    *item
	class uint8
}

// devices takes down, for a trusted source, that a device is of an account: of an event
// that names both and is kept, and of an alias.
func (w *work) devices() error {
	return w.joining(func(all []wish) []wish {
		for i := range w.items {
			it := &w.items[i]
			user, device := w.b.Bytes(it.ev.UserID), w.b.Bytes(it.ev.AnonymousID)
			class, ok := w.introduces(it)
			if it.ev.Call == segment.Alias {
				device = w.b.Bytes(it.ev.PreviousID)
			}
			if !ok || it.who.IsZero() || len(user) == 0 || len(device) == 0 {
				continue
			}
			before := len(all)
			if all = w.wish(all, it, class, subject.Device, device, true); len(all) > before {
				all[before].Either = it.ev.Call == segment.Alias
			}
		}
		return all
	})
}

// introduces reports whether an event may say who somebody is, and as what of the plan:
// one that is kept as what it is, and an alias as identify, which says the same. Of somebody
// whose data is restricted what comes in is stored, and joins nobody.
func (w *work) introduces(it *item) (class uint8, ok bool) {
	if it.ev.Call != segment.Alias {
		if it.drop != "" || it.can.Restricted {
			return 0, false
		}
		return it.ev.Message.Class, w.permits(it, it.ev.Message.Class)
	}
	m := w.run.plan.Call("identify")
	if it.drop != heard || it.can.Restricted || it.ev.SelfAlias || m == nil {
		return 0, false
	}
	return m.Class, w.permits(it, m.Class)
}

func (w *work) permits(it *item, class uint8) bool { return it.mask>>class&1 == 1 }

// traits takes the e-mail addresses and numbers that a trusted source's identify names
// for identifiers of the person, where their class is permitted.
func (w *work) traits() error {
	if len(w.b.Identifiers) == 0 {
		return nil
	}
	return w.joining(func(all []wish) []wish {
		at := 0
		for i := range w.items {
			it := &w.items[i]
			for at < len(w.b.Identifiers) && w.b.Identifiers[at].Index < it.ev.Index {
				at++
			}
			if it.drop != "" || it.can.Restricted || it.ev.Call != segment.Identify || len(w.b.Bytes(it.ev.UserID)) == 0 {
				continue
			}
			for n := at; n < len(w.b.Identifiers) && w.b.Identifiers[n].Index == it.ev.Index; n++ {
				id := &w.b.Identifiers[n]
				if !w.permits(it, id.Class) {
					continue
				}
				for _, k := range []subject.Kind{subject.Email, subject.Phone} {
					if w.run.plan.Classes[id.Class].Category == k.Category() {
						all = w.wish(all, it, id.Class, k, w.b.Bytes(id.Value), false)
					}
				}
			}
		}
		return all
	})
}

// wish adds a joining that is not known to be done.
func (w *work) wish(all []wish, it *item, class uint8, k subject.Kind, value []byte, links bool) []wish {
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
	return append(all, wish{Joining{To: it.who, ID: id, Links: links, By: evidenceBy(w.src)}, n, it, class})
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

// joining joins what a trusted source wishes, and asks again what is permitted when
// people have changed by it, or meanwhile.
func (w *work) joining(wishes func([]wish) []wish) error {
	if !w.src.Trusted() {
		return nil
	}
	for range again {
		all := wishes(nil)
		if len(all) == 0 {
			return nil
		}
		changed, open, err := w.join(all)
		if err != nil {
			return err
		}
		if changed {
			if err := w.permit(); err != nil {
				return err
			}
		}
		if !open {
			return nil
		}
	}
	return fmt.Errorf("intake: people kept changing while they were joined: %w", thimble.ErrUnavailable)
}

// join joins, and remembers what was answered for as long as the person does not change.
// It reports whether people have changed, and whether some have to be asked again.
func (w *work) join(wishes []wish) (changed, open bool, err error) {
	born := w.run.door.Moment()
	all, joined, err := w.judge(wishes)
	if err != nil {
		return false, false, err
	}
	if len(all) > 0 {
		became, err := w.in.deps.People.Join(w.ctx, all)
		if err != nil {
			return false, false, unavailable(err)
		}
		for i := range joined {
			if joined[i] == "" {
				joined[i], became = became[0], became[1:]
			}
		}
	}
	for i, j := range joined {
		switch j {
		case Moved:
			changed, open = true, true
			continue
		case Added, Linked, Shared:
			changed = true
		}
		w.in.joins.add(j)
		if j != Lost && j != Apart {
			w.in.who.put(wishes[i].name, wishes[i].To, born)
		}
	}
	return changed, open, nil
}

// judge asks who has the identifiers, and whether what brings them is permitted of both.
// What is left to be joined is in all; what became of the rest in joined.
func (w *work) judge(wishes []wish) (all []Joining, joined []Joined, err error) {
	ids := make([]subject.Identifier, 0, len(wishes))
	for i := range wishes {
		ids = append(ids, wishes[i].ID)
	}
	for i := range wishes {
		id := wishes[i].ID
		if wishes[i].Either {
			if id, err = subject.NewIdentifier(subject.Account, id.Value.Reveal()); err != nil { // to look it up
				id = wishes[i].ID
			}
		}
		ids = append(ids, id)
	}
	owners, err := w.in.deps.People.FindAll(w.ctx, ids)
	if err != nil {
		return nil, nil, unavailable(err)
	}
	joined = make([]Joined, len(wishes))
	for i := range wishes {
		owner := owners[len(wishes)+i] // an account before a device
		if owner.IsZero() {
			owner = owners[i]
		}
		if joined[i], err = w.both(&wishes[i], owner); err != nil {
			return nil, nil, err
		}
		if joined[i] == "" {
			all = append(all, wishes[i].Joining)
		}
	}
	return all, joined, nil
}

// both asks whether what brings an identifier is permitted of whom it is joined to and of
// who has it (privacy: history is joined for what is granted by both).
func (w *work) both(v *wish, owner thimble.SubjectID) (Joined, error) {
	to := v.it.can
	v.Judged = func(is, has subject.Person) bool { return to.Of(is) && len(has.Members) == 0 }
	switch {
	case owner == v.To:
		return Same, nil
	case owner.IsZero():
		return "", nil
	case !v.Links:
		return Refused, nil // whose address it is is not for one source to say
	}
	other, err := w.run.door.Permits(w.ctx, owner)
	if err != nil {
		return "", unavailable(err)
	}
	if other.Restricted || w.run.door.Mask(to.Pairs.And(other.Pairs).Without(v.it.denied))>>v.class&1 == 0 {
		return Apart, nil
	}
	v.Judged = func(is, has subject.Person) bool { return to.Of(is) && other.Of(has) }
	return "", nil
}
