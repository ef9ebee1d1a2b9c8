package framedb

import (
	"encoding/binary"
	"math/bits"
	"sync"
	"time"

	"thimble/internal/collect/frame"
)

const (
	shards = 256
	hour   = int64(time.Hour / time.Microsecond)
	// kept is for how many hours after its own a key is known: after that it was kept more
	// than 24 hours ago, in whichever minute of its hour that was.
	kept = int16(window/time.Hour) + 1
)

// fresh reports whether what was kept in an hour is still known. One that lies ahead is:
// the shard has not heard of it yet.
func fresh(now, hour uint16) bool { return int16(now-hour) < kept }

// A seen is the set of keys of the last 24 hours. One goroutine adds; any ask.
type seen struct {
	shard [shards]shard
}

// A shard is a table with open addressing. A key of zeros is an empty place; such a key
// is none.
type shard struct {
	sync.RWMutex
	keys  []frame.Key
	hours []uint16 // in which a key was kept, by the log's clock
	used  int
	now   uint16 // the newest hour
}

func newSeen() *seen { return &seen{} }

// place spreads keys, which are hashes already, and chooses shard and first place.
func place(k frame.Key, n int) (shard, at int) {
	a := binary.LittleEndian.Uint64(k[:]) ^ bits.RotateLeft64(binary.LittleEndian.Uint64(k[8:]), 31)
	a *= 0x9e3779b97f4a7c15
	a ^= a >> 32
	high, _ := bits.Mul64(a<<8, uint64(n))
	return int(a >> 56), int(high)
}

func (s *seen) has(k frame.Key) bool {
	i, _ := place(k, 0)
	sh := &s.shard[i]
	sh.RLock()
	defer sh.RUnlock()
	at, ok := sh.find(k)
	return ok && fresh(sh.now, sh.hours[at])
}

// size returns how many keys there are.
func (s *seen) size() (n int) {
	for i := range s.shard {
		sh := &s.shard[i]
		sh.RLock()
		n += sh.used
		sh.RUnlock()
	}
	return n
}

// add takes a key for known from a time on.
func (s *seen) add(k frame.Key, elapsed int64) {
	if k == (frame.Key{}) {
		return
	}
	i, _ := place(k, 0)
	sh := &s.shard[i]
	sh.Lock()
	defer sh.Unlock()
	sh.add(k, uint16(elapsed/hour))
}

// pass lets the hours go by that the log's clock has gone on.
func (s *seen) pass(elapsed int64) {
	for i := range s.shard {
		sh := &s.shard[i]
		sh.Lock()
		sh.now = uint16(elapsed / hour)
		sh.Unlock()
	}
}

func (s *seen) forget() {
	for i := range s.shard {
		sh := &s.shard[i]
		sh.Lock()
		sh.keys, sh.hours, sh.used, sh.now = nil, nil, 0, 0
		sh.Unlock()
	}
}

// find returns where a key is, or the empty place where it would be.
func (sh *shard) find(k frame.Key) (at int, ok bool) {
	if len(sh.keys) == 0 {
		return 0, false
	}
	_, at = place(k, len(sh.keys))
	for sh.keys[at] != k {
		if sh.keys[at] == (frame.Key{}) {
			return at, false
		}
		if at++; at == len(sh.keys) {
			at = 0
		}
	}
	return at, true
}

func (sh *shard) add(k frame.Key, hour uint16) {
	at, ok := sh.find(k)
	if ok {
		if int16(hour-sh.hours[at]) > 0 {
			sh.hours[at] = hour
		}
		return
	}
	if sh.used >= len(sh.keys)*7/8 {
		sh.grow()
		at, _ = sh.find(k)
	}
	sh.keys[at], sh.hours[at] = k, hour
	sh.used++
}

// grow makes room, first of all by dropping what is too old.
func (sh *shard) grow() {
	live := 0
	for i := range sh.keys {
		if sh.keys[i] != (frame.Key{}) && fresh(sh.now, sh.hours[i]) {
			live++
		}
	}
	keys, hours := sh.keys, sh.hours
	size := max(8, live*3/2+8)
	sh.keys, sh.hours, sh.used = make([]frame.Key, size), make([]uint16, size), live
	for i := range keys {
		if keys[i] == (frame.Key{}) || !fresh(sh.now, hours[i]) {
			continue
		}
		at, _ := sh.find(keys[i])
		sh.keys[at], sh.hours[at] = keys[i], hours[i]
	}
}
