package wire_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io/fs"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"thimble"
	"thimble/internal/disclose/wire"
	"thimble/internal/disclose/wiretest"
)

// leafSeed is printed by a failing test; change it there to try other runs.
const leafSeed = 42

// leaves is a meter that knows which disclosures have a leaf. Everything else it refuses.
type leaves struct {
	*meter
	known map[thimble.ID]bool
}

func (l *leaves) Begin(ctx context.Context, d thimble.ID) error {
	if !l.known[d] {
		return errors.New("no leaf")
	}
	return l.meter.Begin(ctx, d)
}

// In every run of tries by all transports, against recipients of all manners, the bytes on
// the other side's sockets and in its folder are those of disclosures with a leaf.
func TestZeroBytesLeaveWithoutALeaf(t *testing.T) {
	random := rand.New(rand.NewPCG(leafSeed, 1))
	var turn struct { // how the recipient behaves in this try
		sync.Mutex
		answer func(net.Conn)
	}
	box := &wiretest.Mailbox{Implicit: true}
	at := newWorld(t, wire.Config{Connect: 50 * time.Millisecond, Whole: 100 * time.Millisecond}, func(_ *world, raw net.Conn) {
		turn.Lock()
		answer := turn.answer
		turn.Unlock()
		if answer != nil {
			answer(raw)
		}
		_ = raw.(*counting).Conn.(*net.TCPConn).CloseWrite()
		rest(raw)
	}, server)
	at.names.answers[server] = [][]netip.Addr{{goodAddress}}
	box.TLS = with(at.cert)
	meter := &leaves{at.meter, map[thimble.ID]bool{}}
	dir := t.TempDir()
	folder := must(wire.OpenFolder(dir))
	defer folder.Close()
	s := at.Metered(meter)

	n, without := times(60, 5_000), 0
	states := map[wire.State]int{}
	for round := range n {
		m := message(t, strings.Repeat(`{"order":"o-1"}`, 1+random.IntN(3000)))
		switch random.IntN(3) {
		case 0:
			m.Disclosure = thimble.ID{}
		case 1:
			meter.known[m.Disclosure] = true
		}
		before := at.metered(m.Disclosure)
		h := hostile[random.IntN(len(hostile))]
		transport := random.IntN(4)
		turn.Lock()
		turn.answer = map[int]func(net.Conn){0: box.Serve, 1: func(c net.Conn) { overTLS(c, at.cert, h.answer) }, 2: h.answer, 3: nil}[transport]
		turn.Unlock()
		var out wire.Outcome
		switch transport {
		case 0:
			l := letter(t)
			l.Disclosure = m.Disclosure
			out = s.Mail(t.Context(), wire.Relay{Host: server, Port: 465}, l)
		case 3:
			out = s.Drop(t.Context(), folder, newID(t), m)
		default:
			out = s.Post(t.Context(), hook(t), m)
		}
		states[out.State]++
		if meter.known[m.Disclosure] {
			continue
		}
		without++
		if sent := at.metered(m.Disclosure); sent != before || out.State == wire.Delivered || out.Why == "" {
			t.Fatalf("seed %d, round %d: without a leaf %d bytes went out, %+v", leafSeed, round, sent, out)
		}
	}
	arrived, metered := at.bytes()+lying(t, dir), at.meter.sum(t)
	if arrived > metered || arrived < metered/2 {
		t.Errorf("seed %d: %d bytes arrived, %d were metered under a leaf", leafSeed, arrived, metered)
	}
	if without < n/4 || states[wire.Delivered] == 0 || states[wire.Retry] == 0 {
		t.Errorf("seed %d: the runs are hollow: %d without a leaf, %v", leafSeed, without, states)
	}
	t.Logf("%d tries, %d without a leaf: 0 bytes of those left; %d of %d bytes metered arrived %v (seed %d)", n, without, arrived, metered, states, leafSeed)
}

func (w *world) metered(d thimble.ID) int { _, sent := w.meter.of(d); return sent }

func lying(t *testing.T, dir string) (n int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			n += int(must(os.Stat(name)).Size())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// overTLS reads a request and lets answer do the rest.
func overTLS(raw net.Conn, cert tls.Certificate, answer func(net.Conn)) {
	c := tls.Server(raw, with(cert))
	buf := make([]byte, 1<<16)
	var got string
	for !strings.Contains(got, "\r\n\r\n{") {
		n, err := c.Read(buf)
		if got += string(buf[:n]); err != nil {
			return
		}
	}
	answer(c)
	_ = c.CloseWrite()
}

func TestATryLeavesNothingRunning(t *testing.T) {
	began := runtime.NumGoroutine()
	for _, h := range hostile[:8] {
		w := overHTTPS(t, wire.Config{Connect: 50 * time.Millisecond, Whole: 100 * time.Millisecond}, h.answer)
		w.Post(t.Context(), hook(t), message(t, `{}`))
		w.shut()
	}
	for end := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > began; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			buf := make([]byte, 1<<16)
			t.Fatalf("%d goroutines were there, %d are:\n%s", began, runtime.NumGoroutine(), buf[:runtime.Stack(buf, true)])
		}
	}
}
