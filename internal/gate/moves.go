package gate

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"thimble"
)

// A Lease says whether this process may judge at all. Where several processes
// share a database, one that has lost touch with the others could miss a
// withdrawal: it denies.
type Lease interface {
	// Live reports whether the lease holds at an instant of this process's clock. It
	// asks nobody.
	Live(at time.Time) bool
	// Renew gets the lease back, or returns why it cannot. Whatever was known and
	// granted under the lost one is dropped before it returns.
	Renew(ctx context.Context) error
}

// Moves is what one process knows of whose epoch has moved: grants that are out,
// outputs under way and compiled states all hang on it, so that one call ends them
// together. The zero value is not ready; see [NewMoves].
type Moves struct {
	serial atomic.Uint64
	shards [shards]shard
	held   atomic.Int64 // compiled states
	limit  int64
	lease  Lease
	pause  func(point string) // stops at a point where processes interleave, for tests

	joints struct {
		sync.Mutex
		under map[*joint]struct{}
	}
}

const shards = 64

// remembered bounds the memory of moves for each shard. Past it, all grants of the
// shard die: that is the safe way to forget.
const remembered = 1 << 11

// states bounds how many compiled states are held.
const states = 4 << 20

type shard struct {
	mu      sync.RWMutex
	floor   uint64 // everything up to it counts as moved
	last    map[thimble.SubjectID]uint64
	outputs map[thimble.SubjectID][]*output
	states  map[thimble.SubjectID]state
}

// An output is one that is under way: something about a person is leaving.
type output struct {
	done  chan struct{}
	abort context.CancelFunc
}

// A joint output is an output about many at once: the publication of what was made from them,
// or the events of one body on their way into the log.
type joint struct {
	output
	has func(thimble.SubjectID) bool
}

// NewMoves returns an empty memory of a process that is alone.
func NewMoves() *Moves {
	m := &Moves{limit: states, pause: func(string) {}}
	for i := range m.shards {
		s := &m.shards[i]
		s.last, s.outputs, s.states = map[thimble.SubjectID]uint64{}, map[thimble.SubjectID][]*output{}, map[thimble.SubjectID]state{}
	}
	m.joints.under = map[*joint]struct{}{}
	return m
}

// Under has the process judge under a lease. It is called before the first
// judgement.
func (m *Moves) Under(l Lease) { m.lease = l }

// ready returns nil while the process may judge. Without a live lease it tries to
// get one first.
func (m *Moves) ready(ctx context.Context, at time.Time) error {
	if m.lease == nil || m.lease.Live(at) {
		return nil
	}
	if err := m.lease.Renew(ctx); err != nil {
		return fmt.Errorf("gate: this process has lost touch with the others: %w (%w)", err, thimble.ErrDenied)
	}
	return nil
}

func (m *Moves) shard(s thimble.SubjectID) *shard {
	return &m.shards[shardOf(s)]
}

func shardOf(s thimble.SubjectID) uint64 { return binary.LittleEndian.Uint64(s[8:]) % shards }

// Move says that a subject's epoch has moved, the zero subject that everybody's
// has. From when it returns on nothing that was known or granted before is used;
// outputs that are under way are waited for by [Moves.Drain].
func (m *Moves) Move(who thimble.SubjectID) {
	if who.IsZero() {
		m.moveAll()
		return
	}
	s := m.shard(who)
	s.mu.Lock()
	defer s.mu.Unlock()
	// The serial moves under the lock: whoever reads the new one then waits here,
	// and finds the state gone.
	serial := m.serial.Add(1)
	if len(s.last) >= remembered {
		clear(s.last)
		s.floor = serial
	}
	s.last[who] = serial
	if _, ok := s.states[who]; ok {
		delete(s.states, who)
		m.held.Add(-1)
	}
}

func (m *Moves) moveAll() {
	for i := range m.shards {
		m.shards[i].mu.Lock()
	}
	serial := m.serial.Add(1)
	for i := range m.shards {
		s := &m.shards[i]
		s.floor = serial
		clear(s.last)
		m.held.Add(-int64(len(s.states)))
		// A new map: clearing keeps the memory of a million people.
		s.states = map[thimble.SubjectID]state{}
	}
	for i := range m.shards {
		m.shards[i].mu.Unlock()
	}
}

// now returns the moment that since takes.
func (m *Moves) now() uint64 { return m.serial.Load() }

// since reports whether the subject's epoch has moved after a moment.
func (m *Moves) since(who thimble.SubjectID, moment uint64) bool {
	s := m.shard(who)
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.movedSince(who, moment)
}

func (s *shard) movedSince(who thimble.SubjectID, moment uint64) bool {
	return s.floor > moment || s.last[who] > moment
}

// enter marks an output as under way, unless the subject's epoch has moved since a
// moment. Both under one lock: after a move nothing enters any more.
func (m *Moves) enter(who thimble.SubjectID, moment uint64, abort context.CancelFunc) (*output, bool) {
	s := m.shard(who)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.movedSince(who, moment) {
		return nil, false
	}
	o := &output{done: make(chan struct{}), abort: abort}
	s.outputs[who] = append(s.outputs[who], o)
	return o, true
}

// leave ends an output.
func (m *Moves) leave(who thimble.SubjectID, o *output) {
	s := m.shard(who)
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.outputs[who]
	for i := range all {
		if all[i] == o {
			all[i] = all[len(all)-1]
			all[len(all)-1] = nil
			s.outputs[who] = all[:len(all)-1]
			break
		}
	}
	if len(s.outputs[who]) == 0 {
		delete(s.outputs, who)
	}
	close(o.done)
}

// together marks an output about many as under way; whoever calls it looks after that
// whether it may go on. What it returns ends it.
func (m *Moves) together(abort context.CancelFunc, has func(thimble.SubjectID) bool) (leave func()) {
	c := &joint{output{done: make(chan struct{}), abort: abort}, has}
	m.joints.Lock()
	m.joints.under[c] = struct{}{}
	m.joints.Unlock()
	return func() {
		m.joints.Lock()
		delete(m.joints.under, c)
		m.joints.Unlock()
		close(c.done)
	}
}

// under returns the outputs about somebody that are under way, those about many
// among them; for the zero subject all of them.
func (m *Moves) under(who thimble.SubjectID) []*output {
	var all []*output
	if who.IsZero() {
		for i := range m.shards {
			s := &m.shards[i]
			s.mu.RLock()
			for _, o := range s.outputs {
				all = append(all, o...)
			}
			s.mu.RUnlock()
		}
	} else {
		s := m.shard(who)
		s.mu.RLock()
		all = append(all, s.outputs[who]...)
		s.mu.RUnlock()
	}
	m.joints.Lock()
	defer m.joints.Unlock()
	for c := range m.joints.under {
		if who.IsZero() || c.has(who) {
			all = append(all, &c.output)
		}
	}
	return all
}

// Abort tells every output that is under way to stop.
func (m *Moves) Abort() {
	for _, o := range m.under(thimble.SubjectID{}) {
		o.abort()
	}
}

// Grace is how long an output that is under way may go on after a move, before it
// is told to stop.
const Grace = 250 * time.Millisecond

// Drain returns when no output about the subjects is under way any more. It is
// called after [Moves.Move]. Outputs that do not end by themselves within [Grace]
// have their context cancelled. The error is of kind thimble.ErrUnavailable when
// one goes on all the same until ctx ends.
func (m *Moves) Drain(ctx context.Context, subjects ...thimble.SubjectID) error {
	grace, cancel := context.WithTimeout(ctx, Grace)
	defer cancel()
	for _, who := range subjects {
		for _, o := range m.under(who) {
			if err := o.await(ctx, grace); err != nil {
				return err
			}
		}
	}
	return nil
}

func (o *output) await(ctx, grace context.Context) error {
	select {
	case <-o.done:
		return nil
	case <-grace.Done():
	}
	o.abort()
	select {
	case <-o.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("gate: an output that a change ended has not stopped: %w (%w)", ctx.Err(), thimble.ErrUnavailable)
	}
}
