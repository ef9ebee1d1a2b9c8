package gate

import (
	"fmt"
	"slices"
	"testing"
)

// This file is a model of the protocol by which a withdrawal comes into force on
// several processes, and an explorer of all that the model can do. Processes stop
// for any time between any two steps, a statement arrives and its answer comes back
// at any time, local clocks are slow by up to the drift, processes crash.
//
// Two things are assumed. A process does not stop for longer than the rest of its
// lease between the last check of an output and the output itself, which is one
// step here. And an output that is told to stop stops.

// The times of the model, in ticks of the database's clock.
const (
	modelLease = 3 // what the database grants
	modelLocal = 2 // what the node takes for it: the lease less the margin
	modelDrift = 1 // how many ticks a local clock loses in one lease at most
)

// A guard is one thing that the protocol does for a reason. A mutant lacks one.
type guard uint

const (
	recheckAtSink       guard = 1 << iota // an output is not begun under a grant that moved
	applyBeforeRenewing                   // what was heard is applied before the lease says so
	deadlineFromSending                   // the deadline counts from before the statement was sent
	drainRemote                           // a node says that it has heard when its outputs have ended
	drainLocal                            // so does the one that was told
	waitForOthers                         // a withdrawal waits until the others have heard or lapsed
	fillChecksMoves                       // a state that was read before a move is not kept after it
	abortAtDeadline                       // outputs are told to stop when the lease runs out
	lapseDropsAll                         // a lost lease takes what was known with it
	marginForDrift                        // the node's lease is shorter than the database's
	oneSnapshot                           // tick and moves are read in one snapshot
	lookAgainOnceMarked                   // the lease is looked at again when the output is marked
	tickAfterCommit                       // ticks are given after the commit
	renewOnlyWhatLives                    // the database renews no lease that ran out on the way
)

var guards = map[guard]string{
	recheckAtSink: "no re-check at the sink", applyBeforeRenewing: "renewing before applying", deadlineFromSending: "deadline from after the statement",
	drainRemote: "no drain where it was heard", drainLocal: "no drain where it was told", waitForOthers: "answering before the others' leases end",
	fillChecksMoves: "a cache filled after the move with the old state", abortAtDeadline: "outputs go on without a lease", lapseDropsAll: "a lost lease drops nothing",
	marginForDrift: "no margin for drift", oneSnapshot: "moves read before the tick", lookAgainOnceMarked: "no second look at the lease", tickAfterCommit: "ticks given before the commit",
	renewOnlyWhatLives: "a lease that ran out is renewed",
}

const allGuards = 1<<14 - 1

const maxNodes = 3

// A mnode is one process: its row in the database, what it knows, its heartbeat and
// one reader.
type mnode struct {
	crashed                bool
	lease, seen            uint8 // its row
	local, slack, next     uint8 // of its lease, by its own clock; how slow that may still be, and be for the next lease
	cache                  uint8 // 0 nothing, 1 no, 2 yes
	heard                  uint8 // moves applied before they were ticked
	beat, tick, moves, age uint8 // the heartbeat: where it is, what it read, how long since it sent
	fresh                  bool
	read, val              uint8 // the reader: where it is, what it read
	stale, marked, aborted bool
}

// A model is one state of everything. Node 0 is where the person withdraws.
type model struct {
	consent  bool
	clock    uint8
	moves    [2]uint8 // 0 not made, 1 made and not ticked, 2+n ticked n
	with     uint8    // where the withdrawal is
	wtick    uint8
	answered bool // the withdrawal was, and no new yes was given
	nodes    [maxNodes]mnode
}

// An explorer visits every state a protocol can reach.
type explorer struct {
	guards guard
	nodes  int
	limit  int
	seen   map[model]int32
	queue  []model
	edges  [][]int32 // backwards: from a state to those that lead to it
	goal   [maxNodes][]int32
	bad    string
	at     int32
}

func (e *explorer) has(g guard) bool { return e.guards&g != 0 }

// explore returns how many states there are, and what is wrong with one, or "".
func (e *explorer) explore() (states int, bad string) {
	e.seen = map[model]int32{}
	start := model{consent: true}
	e.visit(start, -1)
	for i := 0; i < len(e.queue) && e.bad == "" && (e.limit == 0 || i < e.limit); i++ {
		e.at = int32(i)
		e.steps(e.queue[i])
	}
	return len(e.queue), e.bad
}

func (e *explorer) visit(m model, from int32) {
	n, ok := e.seen[m]
	if !ok {
		n = int32(len(e.queue))
		e.seen[m] = n
		e.queue = append(e.queue, m)
		e.edges = append(e.edges, nil)
	}
	if from >= 0 {
		e.edges[n] = append(e.edges[n], from)
	}
}

func (e *explorer) to(m model) {
	for i := range e.nodes {
		if m.nodes[i].read == judging {
			m.nodes[i].stale = false // the next judgement begins a moment of its own
		}
	}
	e.visit(m, e.at)
}

// steps visits each state that can follow.
func (e *explorer) steps(m model) {
	e.time(m)
	e.withdrawal(m)
	for i := range e.nodes {
		if n := &m.nodes[i]; !n.crashed && (i > 0 || e.nodes == 1) {
			e.heartbeat(m, i)
			e.reader(m, i)
			if i > 0 {
				c := m
				c.nodes[i] = mnode{crashed: true, lease: n.lease, seen: n.seen}
				e.to(c)
			}
		}
	}
}

// time lets one tick pass: in the database, and at each node or, within the drift,
// not there yet.
func (e *explorer) time(m model) {
	for i := range e.nodes {
		if m.nodes[i].lease > 0 {
			m.nodes[i].lease--
		}
	}
	for slow := range 1 << e.nodes {
		c, ok := m, true
		for i := range e.nodes {
			if n := &c.nodes[i]; slow>>i&1 == 1 {
				ok = ok && n.late()
			} else {
				e.pass(n)
			}
		}
		if ok {
			e.to(c)
		}
	}
}

// waits reports whether the node has sent a statement and has no answer yet.
func (n *mnode) waits() bool { return n.beat == renewing || n.beat == answering }

// late has a node's clock lose a tick, if it can and that makes a difference.
func (n *mnode) late() bool {
	held, waits := n.local > 0, n.waits()
	if !held && !waits || held && n.slack == 0 || waits && n.next == 0 {
		return false
	}
	if held {
		n.slack--
	}
	if waits {
		n.next--
	}
	return true
}

// pass moves a node's own clock.
func (e *explorer) pass(n *mnode) {
	if n.waits() && n.age < modelLocal {
		n.age++
	}
	if n.local == 0 {
		return
	}
	if n.local--; n.local == 0 {
		n.slack = 0
		n.aborted = n.marked && e.has(abortAtDeadline)
	}
}

// move ends what a node knows.
func (n *mnode) move() { n.cache, n.stale = 0, n.read != judging }

// The heartbeat.
const (
	idle uint8 = iota
	listening
	listeningTick // of a mutant: the tick comes after the moves
	applying
	sending
	renewing
	answering
	applyingLate // of a mutant: after renewing
)

func (e *explorer) heartbeat(m model, i int) {
	n := &m.nodes[i]
	switch n.beat {
	case idle:
		n.fresh = n.local == 0
		if n.fresh && e.has(lapseDropsAll) {
			n.move()
		}
		n.beat = listening
	case listening:
		e.listen(&m, n)
		n.tick = m.clock
		if n.beat = applying; !e.has(oneSnapshot) {
			n.beat = listeningTick
		} else if !e.has(applyBeforeRenewing) {
			n.beat = sending
		}
	case listeningTick:
		n.tick, n.beat = m.clock, applying
	case applying, applyingLate:
		if !e.apply(n) {
			return // an output about the person is still under way
		}
		n.moves = 0
		if n.beat == applyingLate {
			n.beat = idle
		} else {
			n.beat = sending
		}
	case sending:
		n.age, n.next, n.beat = 0, modelDrift, renewing
	case renewing:
		if n.lease == 0 && !n.fresh && e.has(renewOnlyWhatLives) {
			n.local, n.slack, n.next, n.age, n.tick, n.beat = 0, 0, 0, 0, 0, idle
			n.aborted = n.marked
			break
		}
		n.lease, n.seen, n.tick, n.beat = modelLease, n.tick, 0, answering
	case answering:
		e.hold(n)
	}
	e.to(m)
}

func (e *explorer) listen(m *model, n *mnode) {
	n.moves = 0
	if n.fresh {
		return
	}
	for k, at := range m.moves {
		if at == 1 || at > 2+n.seen {
			n.moves |= 1 << k
		}
	}
}

// apply ends what was heard of for the first time, and reports whether no output
// is under way.
func (e *explorer) apply(n *mnode) bool {
	if n.moves&^n.heard != 0 {
		n.move()
		n.heard |= n.moves
	}
	return !n.marked || n.moves == 0 && !n.fresh || !e.has(drainRemote)
}

// hold takes up the renewed lease.
func (e *explorer) hold(n *mnode) {
	local := uint8(modelLocal)
	if !e.has(marginForDrift) {
		local = modelLease
	}
	if e.has(deadlineFromSending) {
		local -= min(local, n.age)
	}
	n.local, n.slack, n.next, n.age, n.fresh, n.beat = local, n.next, 0, 0, false, idle
	if local == 0 {
		n.slack = 0
	}
	if !e.has(applyBeforeRenewing) {
		n.beat = applyingLate
	}
}

// The reader.
const (
	judging uint8 = iota
	filling
	keeping
	entering
	marking
	looking
	leaving
)

func (e *explorer) reader(m model, i int) {
	n := &m.nodes[i]
	switch n.read {
	case judging:
		if n.local == 0 {
			return // denied
		}
		switch n.cache {
		case 1:
			return
		case 2:
			n.read = entering
		default:
			n.read = filling
		}
	case filling:
		n.val = 1
		if m.consent {
			n.val = 2
		}
		n.read = keeping
	case keeping:
		if !n.stale || !e.has(fillChecksMoves) {
			n.cache = n.val
		}
		if n.read = entering; n.val == 1 {
			n.read = judging
		}
		n.val = 0
	case entering:
		if n.read = marking; n.local == 0 {
			n.read = judging
		}
	case marking:
		if n.stale && e.has(recheckAtSink) {
			n.read = judging
			break
		}
		n.marked, n.aborted, n.read = true, false, looking
	case looking:
		n.read = leaving
		if n.local == 0 && e.has(lookAgainOnceMarked) {
			n.marked, n.read = false, judging
		}
	case leaving:
		e.leave(&m, i)
	}
	e.to(m)
}

// leave is where output leaves the process, unless it was told to stop.
func (e *explorer) leave(m *model, i int) {
	n := &m.nodes[i]
	if !n.aborted {
		if m.answered {
			e.bad = fmt.Sprintf("output of node %d after the answered withdrawal", i)
		}
		if m.with == done {
			e.goal[i] = append(e.goal[i], e.at)
		}
	}
	n.marked, n.aborted, n.read = false, false, judging
}

// Of one process, it is the one that withdraws and reads. Of several, the first only
// withdraws: what its own reader does has been explored then.
func TestNoOutputAfterAnAnsweredWithdrawalInAnyInterleaving(t *testing.T) {
	for nodes, limit := range map[int]int{1: 0, 2: 0, 3: times(100_000, 20_000_000)} {
		e := &explorer{guards: allGuards, nodes: nodes, limit: limit}
		states, bad := e.explore()
		if bad != "" {
			t.Errorf("%d processes: %s", nodes, bad)
			for _, m := range slices.Backward(e.path(e.at)) {
				t.Logf("%+v", m)
			}
			continue
		}
		if limit != 0 {
			t.Logf("%d processes: %d states found, the first %d explored", nodes, states, min(limit, states))
			continue
		}
		t.Logf("%d processes: all %d states explored", nodes, states)
		for node := min(nodes-1, 1); node < nodes; node++ {
			if n := e.stuck(node); n > 0 {
				t.Errorf("in %d states of %d node %d can never have output again", n, states, node)
			}
		}
	}
}

func TestTheExplorerFindsWhatEachGuardIsFor(t *testing.T) {
	for g, name := range guards {
		var states int
		var bad string
		for nodes := 1; nodes <= 2 && bad == ""; nodes++ {
			e := &explorer{guards: allGuards &^ g, nodes: nodes}
			states, bad = e.explore()
		}
		if bad == "" {
			t.Errorf("%s: nothing wrong in %d states", name, states)
		} else {
			t.Logf("%s: %s, found after %d states", name, bad, states)
		}
	}
}
