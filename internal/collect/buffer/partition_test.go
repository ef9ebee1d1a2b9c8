package buffer

import (
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"testing"
	"time"
)

// wires are the network between nodes: each reaches each other one by a wire of its own.
// A cut wire is silent, as a network is that lost its way: what was on it comes when it is
// whole again.
type wires struct {
	t testing.TB

	mu    sync.Mutex
	moved *sync.Cond
	off   map[int]bool // nodes that nothing reaches, and that reach nothing
	ended bool
	open  []io.Closer
}

func newWires(t testing.TB) *wires {
	w := &wires{t: t, off: map[int]bool{}}
	w.moved = sync.NewCond(&w.mu)
	t.Cleanup(func() {
		w.mu.Lock()
		w.ended = true
		w.moved.Broadcast()
		open := w.open
		w.mu.Unlock()
		for _, c := range open {
			_ = c.Close()
		}
	})
	return w
}

// keep has something closed at the end, and reports whether that is still to come.
func (w *wires) keep(c io.Closer) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open = append(w.open, c)
	return !w.ended
}

// lay lays a wire to an address, and returns where it begins.
func (w *wires) lay(from, to int, address string) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	w.keep(l)
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			go w.join(from, to, near, address)
		}
	}()
	return l.Addr().String()
}

func (w *wires) join(from, to int, near net.Conn, address string) {
	defer near.Close()
	if !w.keep(near) || !w.whole(from, to) {
		return
	}
	far, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer far.Close()
	if !w.keep(far) {
		return
	}
	back := make(chan struct{})
	go func() {
		defer close(back)
		w.carry(from, to, far, near)
	}()
	w.carry(from, to, near, far)
	<-back
}

func (w *wires) carry(from, to int, in, out net.Conn) {
	defer in.Close()
	defer out.Close()
	for b := make([]byte, 64<<10); ; {
		n, err := in.Read(b)
		if !w.whole(from, to) || err != nil {
			return
		}
		if _, err := out.Write(b[:n]); err != nil {
			return
		}
	}
}

// whole waits until a wire is whole, and reports false at the end.
func (w *wires) whole(from, to int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for !w.ended && (w.off[from] || w.off[to]) {
		w.moved.Wait()
	}
	return !w.ended
}

func (w *wires) cut(node int, off bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.off[node] = off
	w.moved.Broadcast()
}

// between puts wires between a node and the others: it listens where it did.
func (w *wires) between(p *nodePlan) {
	me := slices.IndexFunc(p.Members, func(m Member) bool { return m.Name == p.Node })
	p.Members = slices.Clone(p.Members)
	for i := range p.Members {
		if i != me {
			p.Members[i].Address = w.lay(me, i, p.Members[i].Address)
		}
	}
}

// A node that the others do not reach, and that does not reach them, is no node for as
// long: the two others go on, it goes on by the archive, and when it is back nothing is
// missing and nothing is twice.
func TestANodeThatIsCutOffAndComesBackLosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	a := newBooks()
	w := newWires(t)
	c := busy(t, a, w.between)
	chance := rand.New(rand.NewPCG(seed, 5))
	longest := time.Duration(0)
	for round := range rounds(1, 20) {
		victim := chance.IntN(Nodes)
		if round == 0 {
			victim = c.leader() // the worst one
		}
		c.forgetPauses()
		others := []int{2 * ((victim + 1) % Nodes), 2*((victim+1)%Nodes) + 1, 2 * ((victim + 2) % Nodes), 2*((victim+2)%Nodes) + 1}
		w.cut(victim, true)
		c.awaitBatches(c.batchesOf(others...)+100, others...)
		c.awaitBatches(c.batchesOf(2*victim, 2*victim+1)+20, 2*victim, 2*victim+1)
		if direct := c.state(victim).Direct; direct == 0 {
			t.Error("a node that is cut off brings nothing to the archive itself: the test shows nothing")
		}
		longest = max(longest, c.longestPause())
		w.cut(victim, false)
		before := c.state(victim).Direct
		for until := time.Now().Add(time.Minute); ; time.Sleep(200 * time.Millisecond) {
			// It is one of three again when the cluster takes what it brings.
			now, were := c.state(victim), c.batchesOf(2*victim, 2*victim+1)
			c.awaitBatches(were+10, 2*victim, 2*victim+1)
			if after := c.state(victim); after.Direct == now.Direct && after.Stuck < time.Second {
				break
			} else if time.Now().After(until) {
				t.Fatalf("a node that is back stays outside: %d groups by the archive, then %d", before, after.Direct)
			}
		}
		c.awaitAcks(50)
	}
	t.Logf("seed %d: the longest pause while one of three was cut off: %v; the goal is 5s", seed, longest.Round(time.Millisecond))
	c.restartAll()
	c.awaitArchived()
	c.check(a)
}

// awaitBatches waits until so many batches of some clients are acknowledged.
func (c *trio) awaitBatches(want int, ids ...int) {
	c.t.Helper()
	for until := time.Now().Add(2 * time.Minute); c.batchesOf(ids...) < want; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(until) {
			c.t.Fatalf("%d batches of clients %v after two minutes, want %d", c.batchesOf(ids...), ids, want)
		}
	}
}
