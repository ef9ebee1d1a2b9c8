package recommend

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"thimble"
)

// A crowd is the people who are not trusted, by item. Of them an item counts so many
// as the recipe's caps allow, and those are the first in an order that is as good as
// drawn by lot: by a keyed hash of person and item. So who counts depends on who is
// there, and not on who came first.
type crowd struct {
	recipe Recipe
	names  []uint64   // item → its part of the hash
	people []identity // slot → who

	lists   [][]int32 // item → slots in the order of their hashes
	counted []int     // item → how many of the list's first count
	trusted []int     // item → how many trusted people have it
	whole   bool      // the lists are in order: false while an index is built
}

// An identity is a person's part of the hash; the id decides between equal ones.
type identity struct {
	hash uint64
	id   thimble.SubjectID
}

func newCrowd(r Recipe, table *catalogue) *crowd {
	n := len(table.ids)
	c := &crowd{
		recipe: r, names: make([]uint64, n), lists: make([][]int32, n), counted: make([]int, n), trusted: make([]int, n),
	}
	for i, id := range table.ids {
		c.names[i] = c.hash('i', []byte(id))
	}
	return c
}

func (c *crowd) trusts(m mark) bool { return c.recipe.Trusts(m.history()) }

func (c *crowd) hash(kind byte, name []byte) uint64 {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, 9+len(name)), uint64(c.recipe.ChoiceKey))
	sum := sha256.Sum256(append(append(b, kind), name...))
	return binary.BigEndian.Uint64(sum[:])
}

// compare orders two people of an item.
func (c *crowd) compare(i, a, b int32) int {
	p, q := &c.people[a], &c.people[b]
	return cmp.Or(
		cmp.Compare(mix(p.hash^c.names[i]), mix(q.hash^c.names[i])),
		slices.Compare(p.id[:], q.id[:]),
	)
}

// mix is the finalizer of SplitMix64 (Steele, Lea and Flood 2014): one to one, and each
// bit of the input moves half of the output.
func mix(v uint64) uint64 {
	v = (v ^ v>>30) * 0xbf58476d1ce4e5b9
	v = (v ^ v>>27) * 0x94d049bb133111eb
	return v ^ v>>31
}

// allowed returns how many of its list an item counts.
func (c *crowd) allowed(i int32) int {
	n := min(c.recipe.UntrustedCap, len(c.lists[i]))
	if milli := c.recipe.UntrustedMilli; milli > 0 {
		n = min(n, c.recipe.UntrustedFloor+c.trusted[i]*milli/1000)
	}
	return n
}

// add puts a person into the lists of their items.
func (c *crowd) add(x *index, slot int32, basket []int32, who thimble.SubjectID) {
	for int(slot) >= len(c.people) {
		c.people = append(c.people, identity{})
	}
	c.people[slot] = identity{c.hash('p', who[:]), who}
	for _, i := range basket {
		if !c.whole {
			c.lists[i] = append(c.lists[i], slot)
			continue
		}
		at, _ := c.find(i, slot)
		c.lists[i] = slices.Insert(c.lists[i], at, slot)
		if at < c.counted[i] {
			c.counted[i]++
			x.let(slot, i)
		}
		c.settle(x, i)
	}
}

// remove takes a person out of the lists of their items.
func (c *crowd) remove(x *index, slot int32, basket []int32) {
	for _, i := range basket {
		at, _ := c.find(i, slot)
		if at < c.counted[i] {
			c.counted[i]--
			x.bar(slot, i)
		}
		c.lists[i] = slices.Delete(c.lists[i], at, at+1)
		c.settle(x, i)
	}
}

func (c *crowd) find(i, slot int32) (int, bool) {
	return slices.BinarySearchFunc(c.lists[i], slot, func(a, b int32) int { return c.compare(i, a, b) })
}

// beside notes a trusted person more, or less, of each item.
func (c *crowd) beside(x *index, basket []int32, more int) {
	for _, i := range basket {
		c.trusted[i] += more
		if c.whole {
			c.settle(x, i)
		}
	}
}

// settle lets an item count as many of its list as are allowed.
func (c *crowd) settle(x *index, i int32) {
	want := c.allowed(i)
	for ; c.counted[i] > want; c.counted[i]-- {
		x.bar(c.lists[i][c.counted[i]-1], i)
	}
	for ; c.counted[i] < want; c.counted[i]++ {
		x.let(c.lists[i][c.counted[i]], i)
	}
}

// gathered puts the lists of a new index in order.
func (x *index) gathered() {
	c := x.crowd
	if c == nil {
		return
	}
	for i := range c.lists {
		slices.SortFunc(c.lists[i], func(a, b int32) int { return c.compare(int32(i), a, b) })
		c.settle(x, int32(i))
	}
	c.whole = true
}

// let counts somebody who is not trusted for an item, and bar stops it.
func (x *index) let(slot, i int32) {
	x.note(slot)
	x.baskets[slot] = append(x.baskets[slot], i)
	x.count(slot, i)
}

func (x *index) bar(slot, i int32) {
	x.note(slot)
	x.baskets[slot] = without(x.baskets[slot], i)
	x.discount(slot, i)
}
