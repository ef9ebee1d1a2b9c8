package buffer

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"thimble"
	"thimble/internal/collect/frame"
)

// nodeEnv makes the test binary a node: a process of its own, that can be killed.
const nodeEnv = "THIMBLE_BUFFER_NODE"

func TestMain(m *testing.M) {
	if text := os.Getenv(nodeEnv); text != "" {
		signal.Ignore(syscall.SIGXFSZ) // as the program does
		if err := beNode(text); err != nil {
			fmt.Fprintln(os.Stderr, "node:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if len(os.Args) == 3 && os.Args[1] == "spools-until-done" {
		spoolsUntilDone(os.Args[2])
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// A nodePlan is what a node is told.
type nodePlan struct {
	Node     string
	Members  []Member
	Folder   string
	MaxBytes int64 // of the stream at most
	Clean    time.Duration
	Patience time.Duration
	Archive  string // the socket
	Cert     string // with Key and CA, where nodes show certificates: files in PEM
	Key, CA  string
	Batch    int // records of a batch
	Bytes    int // of a record's part
}

func (p nodePlan) config(log *slog.Logger) Config {
	return Config{
		Node: p.Node, Members: p.Members, Secret: "a secret of the test", Folder: p.Folder, MaxBytes: p.MaxBytes, Clean: p.Clean, Patience: p.Patience,
		Reconcile: 2 * time.Second, GapWait: 5 * time.Second, Log: log,
	}
}

// beNode serves until its standard input ends. It is told "run CLIENT FROM" and
// "state", and says "ready", "ack CLIENT N NANOSECONDS" and "state JSON".
func beNode(text string) error {
	var plan nodePlan
	if err := json.Unmarshal([]byte(text), &plan); err != nil {
		return err
	}
	level := slog.LevelWarn
	if os.Getenv("THIMBLE_BUFFER_DEBUG") != "" {
		level = slog.LevelDebug
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level})).With("node", plan.Node)
	cfg := plan.config(log)
	if plan.Cert != "" {
		var err error
		if cfg.TLS, err = tlsOf(plan.Cert, plan.Key, plan.CA); err != nil {
			return err
		}
	}
	b, err := Open(context.Background(), cfg, &remote{socket: plan.Archive})
	if err != nil {
		return err
	}
	out := &lineWriter{w: os.Stdout}
	out.say("ready")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var clients sync.WaitGroup
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		var c client
		if n, _ := fmt.Sscanf(in.Text(), "run %d %d", &c.id, &c.next); n == 2 {
			clients.Go(func() { c.run(ctx, b, plan, out) })
			continue
		}
		state, err := json.Marshal(b.State())
		if err != nil {
			return err
		}
		out.say("state " + string(state))
	}
	cancel()
	clients.Wait()
	return b.Close(context.Background())
}

type lineWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lineWriter) say(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = io.WriteString(l.w, line+"\n")
}

// A client sends one batch after the other, and each until it is taken.
type client struct{ id, next int }

func (c *client) run(ctx context.Context, b *Buffer, plan nodePlan, out *lineWriter) {
	for ; ctx.Err() == nil; c.next++ {
		records := batchOf(c.id, c.next, plan.Batch, plan.Bytes)
		began := time.Now()
		for {
			_, err := b.Append(ctx, records)
			if err == nil {
				break
			}
			if ctx.Err() != nil {
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
		out.say(fmt.Sprintf("ack %d %d %d", c.id, c.next, time.Since(began)))
	}
}

// batchOf makes the records of a batch. Their keys say which they are.
func batchOf(client, n, size, bytes int) []frame.Record {
	records := make([]frame.Record, size)
	for i := range records {
		r := &records[i]
		r.ID, _ = thimble.NewID(nil)
		r.Subject = thimble.SubjectID(r.ID)
		r.Received, r.Source = time.Now().UnixMicro(), 7
		r.Repeat = keyOf(client, n, i)
		sealed := make([]byte, bytes)
		copy(sealed, canary)
		copy(sealed[len(canary):], r.ID[:])
		r.Parts = []frame.Part{{Category: "user.behavior", Sealed: sealed}}
	}
	return records
}

// canary marks what records are made of, to find it on disks.
const canary = "canary-of-what-was-sealed"

func whose(k frame.Key) (client, n, i int) {
	return int(binary.BigEndian.Uint32(k[:])) - 1, int(binary.BigEndian.Uint64(k[4:])), int(binary.BigEndian.Uint32(k[12:]))
}

// A trio is three nodes on loopback.
type trio struct {
	t       testing.TB
	archive *archiveServer
	plans   [Nodes]nodePlan
	nodes   [Nodes]*nodeProcess

	mu    sync.Mutex
	acks  map[int]int           // by client: batches that were acknowledged
	took  []time.Duration       // of each batch
	last  map[int]time.Time     // by client: when
	pause map[int]time.Duration // by client: the longest between two acknowledgements
}

type nodeProcess struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	said   *testLog
	states chan State
	ready  chan struct{}
	ended  chan struct{}
}

// newTrio starts three nodes. A change may be made to their plans before.
func newTrio(t testing.TB, to Archive, change func(*nodePlan)) *trio {
	t.Helper()
	c := &trio{t: t, archive: serveArchive(t, to), acks: map[int]int{}, last: map[int]time.Time{}, pause: map[int]time.Duration{}}
	var members []Member
	for i, address := range freeAddresses(t, Nodes) {
		members = append(members, Member{Name: string(rune('a' + i)), Address: address})
	}
	for i, m := range members {
		c.plans[i] = nodePlan{
			Node: m.Name, Members: members, Folder: filepath.Join(t.TempDir(), m.Name), Archive: c.archive.socket, Batch: 20, Bytes: 640,
		}
		if change != nil {
			change(&c.plans[i])
		}
	}
	t.Cleanup(func() {
		for i := range c.nodes {
			c.kill(i)
		}
	})
	for i := range c.nodes {
		c.start(i)
	}
	for i := range c.nodes {
		c.awaitReady(i)
	}
	return c
}

// freeAddresses are some that nobody listens at, no two of them the same, and below those
// that connections are given: until a node listens there, nothing takes it by chance.
func freeAddresses(t testing.TB, n int) (free []string) {
	t.Helper()
	for range 1000 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 20_000+rand.IntN(12_000)))
		if err != nil {
			continue
		}
		defer l.Close() // held until all are drawn
		if free = append(free, l.Addr().String()); len(free) == n {
			return free
		}
	}
	t.Fatal("no port is free")
	return nil
}

func (c *trio) start(i int) {
	c.t.Helper()
	text, err := json.Marshal(c.plans[i])
	if err != nil {
		c.t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), nodeEnv+"="+string(text))
	said := &testLog{t: c.t}
	cmd.Stderr = said
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err1 != nil || err2 != nil {
		c.t.Fatal(err1, err2)
	}
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	n := &nodeProcess{cmd: cmd, in: in, said: said, states: make(chan State, 1), ready: make(chan struct{}), ended: make(chan struct{})}
	c.nodes[i] = n
	go c.listen(n, out)
}

func (c *trio) listen(n *nodeProcess, out io.Reader) {
	defer close(n.ended)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var id, batch int
		var took time.Duration
		switch line := lines.Text(); {
		case line == "ready":
			close(n.ready)
		case strings.HasPrefix(line, "state "):
			var s State
			_ = json.Unmarshal([]byte(line[6:]), &s)
			n.states <- s
		default:
			if k, _ := fmt.Sscanf(line, "ack %d %d %d", &id, &batch, &took); k == 3 {
				c.acked(id, batch, took)
			}
		}
	}
	_ = n.cmd.Wait()
}

func (c *trio) acked(id, batch int, took time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.acks[id] = max(c.acks[id], batch+1)
	c.took = append(c.took, took)
	now := time.Now()
	if at, ok := c.last[id]; ok {
		c.pause[id] = max(c.pause[id], now.Sub(at))
	}
	c.last[id] = now
}

func (c *trio) awaitReady(i int) {
	c.t.Helper()
	select {
	case <-c.nodes[i].ready:
	case <-c.nodes[i].ended:
		c.t.Fatalf("node %d ended before it was ready: %s", i, c.nodes[i].said.last())
	case <-time.After(time.Minute):
		c.t.Fatalf("node %d is not ready", i)
	}
}

// kill is kill -9.
func (c *trio) kill(i int) {
	if n := c.nodes[i]; n != nil {
		_ = n.cmd.Process.Kill()
		<-n.ended
		c.nodes[i] = nil
	}
}

// stop ends a node in order.
func (c *trio) stop(i int) {
	c.t.Helper()
	n := c.nodes[i]
	_ = n.in.Close()
	select {
	case <-n.ended:
	case <-time.After(time.Minute):
		c.t.Fatalf("node %d does not end", i)
	}
	c.nodes[i] = nil
}

// clients has clients run on a node from where they are.
func (c *trio) clients(i int, ids ...int) {
	c.t.Helper()
	for _, id := range ids {
		c.mu.Lock()
		from := c.acks[id]
		c.mu.Unlock()
		if _, err := fmt.Fprintf(c.nodes[i].in, "run %d %d\n", id, from); err != nil {
			c.t.Fatal(err)
		}
	}
}

func (c *trio) startAll() {
	c.t.Helper()
	for i := range c.nodes {
		c.start(i)
	}
	for i := range c.nodes {
		c.awaitReady(i)
		c.clients(i, 2*i, 2*i+1)
	}
}

func (c *trio) killAll() {
	for _, n := range c.nodes {
		if n != nil {
			_ = n.cmd.Process.Kill()
		}
	}
	for i := range c.nodes {
		c.kill(i)
	}
}

// restartAll ends the clients: every node stops in order and starts again.
func (c *trio) restartAll() {
	c.t.Helper()
	for i := range c.nodes {
		c.stop(i)
	}
	for i := range c.nodes {
		c.start(i)
	}
	for i := range c.nodes {
		c.awaitReady(i)
	}
}

func (c *trio) forgetPauses() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.pause)
}

// longestPause is the longest that a client waited between two answers.
func (c *trio) longestPause() (most time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.pause {
		most = max(most, p)
	}
	return most
}

// batchesOf is how many batches of some clients were acknowledged.
func (c *trio) batchesOf(ids ...int) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, id := range ids {
		n += c.acks[id]
	}
	return n
}

func (c *trio) state(i int) State {
	c.t.Helper()
	if _, err := fmt.Fprintln(c.nodes[i].in, "state"); err != nil {
		c.t.Fatal(err)
	}
	select {
	case s := <-c.nodes[i].states:
		return s
	case <-time.After(20 * time.Second):
		c.t.Fatalf("node %d does not answer", i)
	}
	return State{}
}

func (c *trio) leader() int {
	c.t.Helper()
	for until := time.Now().Add(time.Minute); time.Now().Before(until); time.Sleep(100 * time.Millisecond) {
		for i, n := range c.nodes {
			if n != nil && c.state(i).Leading {
				return i
			}
		}
	}
	c.t.Fatal("nobody leads")
	return 0
}

// ackedBatches waits until so many more batches are acknowledged.
func (c *trio) awaitAcks(more int) {
	c.t.Helper()
	c.mu.Lock()
	want := len(c.took) + more
	c.mu.Unlock()
	for until := time.Now().Add(2 * time.Minute); time.Now().Before(until); time.Sleep(20 * time.Millisecond) {
		c.mu.Lock()
		n := len(c.took)
		c.mu.Unlock()
		if n >= want {
			return
		}
	}
	c.t.Fatalf("%d batches were not acknowledged in two minutes", more)
}

// awaitArchived waits until every spool of a node that runs is empty.
func (c *trio) awaitArchived() {
	c.t.Helper()
	left := 0
	for until := time.Now().Add(3 * time.Minute); time.Now().Before(until); time.Sleep(200 * time.Millisecond) {
		left = 0
		for i, n := range c.nodes {
			if n != nil {
				left += c.state(i).Spooled
			}
		}
		if left == 0 {
			return
		}
	}
	c.t.Fatalf("%d groups are not archived", left)
}
