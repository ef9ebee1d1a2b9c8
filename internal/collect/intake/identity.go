package intake

import (
	"encoding/binary"
	"sync"

	"thimble"
	"thimble/internal/gate"
	"thimble/internal/subject"
)

// A name is what an identifier is remembered by: its keyed hash.
type name [16]byte

// identityLimit bounds how many identifiers are remembered.
const identityLimit = 1 << 20

const identityShards = 64

// identities remember whose an identifier is. An entry dies with every move of its
// subject: erasure, a merge, an identifier that is given or taken. So it never leads to
// somebody who does not have the identifier any more, in whichever process that changed.
type identities struct {
	shards [identityShards]identityShard
	limit  int // of a shard
}

type identityShard struct {
	mu   sync.RWMutex
	held map[name]identity
}

type identity struct {
	who  thimble.SubjectID
	born uint64 // a moment of the door, before the store was asked
}

func newIdentities(limit int) *identities {
	c := &identities{limit: limit / identityShards}
	for i := range c.shards {
		c.shards[i].held = map[name]identity{}
	}
	return c
}

func (c *identities) shard(n name) *identityShard {
	return &c.shards[binary.LittleEndian.Uint64(n[:])%identityShards]
}

// get returns whose a name is, as far as that is remembered and holds.
func (c *identities) get(d *gate.Door, n name) (thimble.SubjectID, bool) {
	s := c.shard(n)
	s.mu.RLock()
	e, ok := s.held[n]
	s.mu.RUnlock()
	if !ok || d.Moved(e.who, e.born) {
		return thimble.SubjectID{}, false
	}
	return e.who, true
}

func (c *identities) put(n name, who thimble.SubjectID, born uint64) {
	s := c.shard(n)
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.held[n]; !ok && len(s.held) >= c.limit {
		for other := range s.held {
			delete(s.held, other)
			break
		}
	}
	s.held[n] = identity{who, born}
}

// claim returns the identifier by which an event's person is found: the account that a
// trusted source names, else the device.
func (w *work) claim(it *item) (subject.Kind, []byte) {
	if w.src.Trusted() {
		if id := w.b.Bytes(it.ev.UserID); len(id) > 0 {
			return subject.Account, id
		}
	}
	// Whoever makes a page call a public source says what they like of who they are.
	return subject.Device, w.b.Bytes(it.ev.AnonymousID)
}

// identify finds whose each event is.
func (w *work) identify() error {
	for i := range w.items {
		it := &w.items[i]
		if it.drop != "" && it.drop != heard {
			continue
		}
		kind, value := w.claim(it)
		if len(value) == 0 {
			continue
		}
		it.name = w.hash.identifier(kind, value)
		var ok bool
		if it.who, ok = w.in.who.get(w.run.door, it.name); !ok {
			w.unknown = append(w.unknown, i)
		}
	}
	return w.find()
}

// find looks up in the store who is not remembered.
func (w *work) find() error {
	if len(w.unknown) == 0 {
		return nil
	}
	born := w.run.door.Moment() // before the store is asked
	at := map[name]int{}
	var ids []subject.Identifier
	for _, i := range w.unknown {
		it := &w.items[i]
		if _, there := at[it.name]; there {
			continue
		}
		kind, value := w.claim(it)
		id, err := subject.NewIdentifier(kind, string(value))
		if err != nil {
			continue // a placeholder such as null leads to nobody
		}
		at[it.name] = len(ids)
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		return nil
	}
	found, err := w.in.deps.People.FindAll(w.ctx, ids)
	if err != nil {
		return unavailable(err)
	}
	for _, i := range w.unknown {
		it := &w.items[i]
		if n, ok := at[it.name]; ok && !found[n].IsZero() {
			it.who = found[n]
			w.in.who.put(it.name, it.who, born)
		}
	}
	return nil
}
