package recommend

import (
	"hash/maphash"
	"math/bits"
	"strings"

	"thimble"
)

// A finder tells an item's number by its id. To look up many at once costs little more than
// the slowest of them, which is why it is no map: a list asks for each item of a history,
// and most of what that takes is waiting for memory.
type finder struct {
	ids   []thimble.ItemID // by number, in one piece of memory
	slots []uint32         // number and 8 bits of the hash, or 0; more than half are 0
	seed  maphash.Seed
}

// findBatch is how many items are looked up at once.
const findBatch = 32

// newFinder numbers ids, which are distinct and at most maxItems.
func newFinder(ids []thimble.ItemID) finder {
	f := finder{ids: together(ids), slots: make([]uint32, 1<<bits.Len(uint(2*len(ids)))), seed: maphash.MakeSeed()}
	for i, id := range f.ids {
		hash := f.hash(id)
		at := f.at(hash)
		for f.slots[at] != 0 {
			at = f.at(uint64(at) + 1)
		}
		f.slots[at] = uint32(i)<<8 | tag(hash)
	}
	return f
}

// together copies strings into one, in their order.
func together(ids []thimble.ItemID) []thimble.ItemID {
	size := 0
	for _, id := range ids {
		size += len(id)
	}
	var all strings.Builder
	all.Grow(size)
	for _, id := range ids {
		all.WriteString(string(id))
	}
	rest, out := thimble.ItemID(all.String()), make([]thimble.ItemID, len(ids))
	for i, id := range ids {
		out[i], rest = rest[:len(id)], rest[len(id):]
	}
	return out
}

func (f *finder) hash(id thimble.ItemID) uint64 { return maphash.String(f.seed, string(id)) }

func (f *finder) at(hash uint64) int { return int(hash & uint64(len(f.slots)-1)) }

// tag is what a slot has of the hash. It is never 0.
func tag(hash uint64) uint32 { return uint32(hash>>56) | 1 }

// find returns the number of an item.
func (f *finder) find(id thimble.ItemID) (int32, bool) { return f.look(id, f.hash(id)) }

func (f *finder) look(id thimble.ItemID, hash uint64) (int32, bool) {
	for at := f.at(hash); f.slots[at] != 0; at = f.at(uint64(at) + 1) {
		if i := f.slots[at] >> 8; f.slots[at]&0xff == tag(hash) && f.ids[i] == id {
			return int32(i), true
		}
	}
	return 0, false
}

// findMany finds n items, at most findBatch, and calls found with each that is there until
// it returns false.
func (f *finder) findMany(n int, item func(int) thimble.ItemID, found func(int32) bool) bool {
	if len(f.ids) == 0 {
		return true
	}
	var (
		hashes [findBatch]uint64
		slots  [findBatch]uint32
		starts [findBatch]byte // of the items in these slots
	)
	for k := range n {
		hashes[k] = f.hash(item(k))
		slots[k] = f.slots[f.at(hashes[k])]
	}
	for k, slot := range slots[:n] {
		if id := f.ids[slot>>8]; len(id) > 0 {
			starts[k] = id[0]
		}
	}
	for k := range n {
		id, i := item(k), int32(slots[k]>>8)
		ok := len(id) > 0 && starts[k] == id[0] && f.ids[i] == id
		if !ok {
			i, ok = f.look(id, hashes[k])
		}
		if ok && !found(i) {
			return false
		}
	}
	return true
}
