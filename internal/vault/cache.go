package vault

import (
	"container/list"
	"sync"
	"time"

	"thimble"
)

// place says which keys a cache entry holds.
type place struct {
	owner thimble.SubjectID
	class string
	month int
}

// cache keeps the most recently used keysets, at most size of them, each for at
// most ttl. What was read before an eviction cannot enter after it.
type cache struct {
	size int
	ttl  time.Duration

	mu      sync.Mutex
	turns   uint64 // counts evictions
	entries map[place]*list.Element
	used    *list.List // of *entry, the latest first
}

type entry struct {
	at    place
	keys  *keyset
	until time.Time
}

func newCache(size int, ttl time.Duration) *cache {
	return &cache{size: size, ttl: ttl, entries: map[place]*list.Element{}, used: list.New()}
}

func (c *cache) get(at place, now time.Time) *keyset {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.find(at, now)
}

// all finds the keysets of many owners, and returns the places of those that it does not
// have.
func (c *cache) all(found []*keyset, owners []thimble.SubjectID, class string, month int, now time.Time) (unknown []int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, o := range owners {
		if found[i] = c.find(place{o, class, month}, now); found[i] == nil {
			unknown = append(unknown, i)
		}
	}
	return unknown
}

func (c *cache) find(at place, now time.Time) *keyset {
	el := c.entries[at]
	if el == nil {
		return nil
	}
	e := el.Value.(*entry)
	if !now.Before(e.until) {
		c.remove(el)
		return nil
	}
	c.used.MoveToFront(el)
	return e.keys
}

// turn is to be taken before the store is read, and given to put.
func (c *cache) turn() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.turns
}

func (c *cache) put(at place, ks *keyset, now time.Time, turn uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.turns != turn {
		return
	}
	if el := c.entries[at]; el != nil {
		c.remove(el)
	}
	c.entries[at] = c.used.PushFront(&entry{at: at, keys: ks, until: now.Add(c.ttl)})
	for c.used.Len() > c.size {
		c.remove(c.used.Back())
	}
}

// evict forgets what drop says, and everything being read now.
func (c *cache) evict(drop func(place) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.turns++
	for el := c.used.Front(); el != nil; {
		next := el.Next()
		if drop(el.Value.(*entry).at) {
			c.remove(el)
		}
		el = next
	}
}

func (c *cache) flush() { c.evict(func(place) bool { return true }) }

func (c *cache) remove(el *list.Element) {
	delete(c.entries, el.Value.(*entry).at)
	c.used.Remove(el)
}
