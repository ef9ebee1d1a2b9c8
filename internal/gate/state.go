package gate

import (
	"time"

	"thimble"
)

// A state is what a verdict needs of one person, compiled. It is a cache: it dies
// with the person's epoch, with everybody's, and at until.
type state struct {
	epoch int64
	until int64     // UTC microseconds; 0: it does not end by itself
	said  [4]uint64 // bit n of the four words: the answer to ask n, as a code
	law   uint16    // which table
	asks  uint8     // how many asks there were when it was made
	flags flags
}

type flags uint8

const (
	isKnown flags = 1 << iota
	isRestricted
)

func (s *state) answer(n uint8) int {
	code := 0
	for i := range s.said {
		code |= int(s.said[i]>>n&1) << i
	}
	return code
}

func (s *state) setAnswer(n uint8, code int) {
	for i := range s.said {
		s.said[i] |= uint64(code>>i&1) << n
	}
}

// holds reports whether the state holds at an instant.
func (s *state) holds(at int64) bool {
	return s.flags&isKnown != 0 && (s.until == 0 || at < s.until)
}

// lookup returns a person's state.
func (m *Moves) lookup(who thimble.SubjectID) (st state, ok bool) {
	s := m.shard(who)
	s.mu.RLock()
	st, ok = s.states[who]
	s.mu.RUnlock()
	return st, ok
}

// keep holds on to a state that was made since a moment, unless the person has
// moved since: it may be of before the move.
func (m *Moves) keep(who thimble.SubjectID, st state, born uint64) {
	s := m.shard(who)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.movedSince(who, born) {
		return
	}
	if _, ok := s.states[who]; !ok {
		if m.held.Load() >= m.limit && !m.dropOne(s) {
			return
		}
		m.held.Add(1)
	}
	s.states[who] = st
}

// dropOne makes room for one state in a shard that has any.
func (m *Moves) dropOne(s *shard) bool {
	for other := range s.states {
		delete(s.states, other)
		m.held.Add(-1)
		return true
	}
	return false
}

// earlier returns the earlier of two ends; zero never comes.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func instant(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us)
}
