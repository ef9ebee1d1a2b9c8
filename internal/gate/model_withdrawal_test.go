package gate

// The withdrawal, and a new yes after it.
const (
	committing uint8 = iota
	ending
	ticking
	draining
	polling
	answeredNo
	endingYes
	tickingYes
	done
)

func (e *explorer) withdrawal(m model) {
	n := &m.nodes[0]
	switch m.with {
	case committing:
		e.commit(&m)
	case ending:
		n.move()
		n.heard |= 1
		m.with = ticking
	case ticking:
		m.with = draining
		if e.has(tickAfterCommit) && e.others(&m) {
			m.clock++
			m.moves[0], m.wtick = 2+m.clock, m.clock
		}
	case draining:
		if n.marked && e.has(drainLocal) {
			return
		}
		m.with = polling
	case polling:
		for i := 1; i < e.nodes && e.has(waitForOthers); i++ {
			if m.nodes[i].seen < m.wtick && m.nodes[i].lease > 0 {
				return
			}
		}
		m.with, m.answered = answeredNo, true
	case answeredNo:
		m.consent, m.answered, m.moves[1], m.with = true, false, 1, endingYes
	case endingYes:
		n.move()
		n.heard |= 2
		m.with = tickingYes
	case tickingYes:
		m.clock++
		m.moves[1], m.with = 2+m.clock, done
	case done:
		return
	}
	e.to(m)
}

// others reports whether another node has a lease: without one nobody has to hear.
func (e *explorer) others(m *model) bool {
	for i := 1; i < e.nodes; i++ {
		if m.nodes[i].lease > 0 {
			return true
		}
	}
	return false
}

// commit makes the withdrawal durable. The mutant takes its tick first, as from a
// sequence, and commits later.
func (e *explorer) commit(m *model) {
	if !e.has(tickAfterCommit) && m.wtick == 0 {
		m.clock++
		m.wtick = m.clock
		return
	}
	m.consent, m.moves[0], m.with = false, 1, ending
	if !e.has(tickAfterCommit) {
		m.moves[0] = 2 + m.wtick
	}
}

// path returns how a state came about.
func (e *explorer) path(i int32) (steps []model) {
	for ; ; i = e.edges[i][0] {
		steps = append(steps, e.queue[i])
		if i == 0 {
			return steps
		}
	}
}

// stuck returns how many states there are in which a live node can never have
// output again although the person has said yes again.
func (e *explorer) stuck(node int) (n int) {
	can := make([]bool, len(e.queue))
	queue := append([]int32{}, e.goal[node]...)
	for _, i := range queue {
		can[i] = true
	}
	for len(queue) > 0 {
		i := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		for _, from := range e.edges[i] {
			if !can[from] {
				can[from] = true
				queue = append(queue, from)
			}
		}
	}
	for i, m := range e.queue {
		if !can[i] && !m.nodes[node].crashed {
			n++
		}
	}
	return n
}
