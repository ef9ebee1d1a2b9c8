package gate

import (
	"sync"

	"thimble"
)

// Moves remembers, within this process, whose epoch has moved, so that a grant
// dies at once and not at the next look into the database. What another process
// moves is seen by [Grant.Live].
type Moves struct {
	mu     sync.RWMutex
	serial uint64
	floor  uint64 // everything up to it counts as moved
	last   map[thimble.SubjectID]uint64
}

// remembered bounds the memory. Past it, all grants that are out die: that is the
// safe way to forget.
const remembered = 1 << 17

// NewMoves returns an empty memory.
func NewMoves() *Moves { return &Moves{last: map[thimble.SubjectID]uint64{}} }

// Move says that a subject's epoch has moved.
func (m *Moves) Move(s thimble.SubjectID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.serial++
	if len(m.last) >= remembered {
		clear(m.last)
		m.floor = m.serial
	}
	m.last[s] = m.serial
}

// now returns the moment that since takes.
func (m *Moves) now() uint64 {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.serial
}

// since reports whether the subject's epoch has moved after a moment.
func (m *Moves) since(s thimble.SubjectID, moment uint64) bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.floor > moment || m.last[s] > moment
}
