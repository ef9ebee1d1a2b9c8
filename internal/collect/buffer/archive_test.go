package buffer

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"thimble"
	"thimble/internal/collect/frame"
)

// remote is the archive as a node sees it: elsewhere.
type remote struct {
	socket string
	mu     sync.Mutex
	idle   []net.Conn
}

func (r *remote) Append(ctx context.Context, records []frame.Record) (frame.Appended, error) {
	body, err := (&frame.Frame{Records: records}).Append(make([]byte, 4))
	if err != nil {
		return frame.Appended{}, err
	}
	binary.BigEndian.PutUint32(body, uint32(len(body)-4))
	conn, err := r.dial(ctx)
	if err != nil {
		return frame.Appended{}, fmt.Errorf("%w: %w", err, thimble.ErrUnavailable)
	}
	var answer [9]byte
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	_, err = conn.Write(body)
	if err == nil {
		_, err = io.ReadFull(conn, answer[:])
	}
	if err != nil || answer[0] != 1 {
		_ = conn.Close()
		return frame.Appended{}, fmt.Errorf("the archive is down: %w: %w", err, thimble.ErrUnavailable)
	}
	r.mu.Lock()
	r.idle = append(r.idle, conn)
	r.mu.Unlock()
	return frame.Appended{Kept: int(binary.BigEndian.Uint32(answer[1:])), Repeated: int(binary.BigEndian.Uint32(answer[5:]))}, nil
}

func (r *remote) dial(ctx context.Context) (net.Conn, error) {
	r.mu.Lock()
	if n := len(r.idle); n > 0 {
		conn := r.idle[n-1]
		r.idle = r.idle[:n-1]
		r.mu.Unlock()
		return conn, nil
	}
	r.mu.Unlock()
	return (&net.Dialer{}).DialContext(ctx, "unix", r.socket)
}

// archiveServer answers nodes for an archive that the test holds.
type archiveServer struct {
	socket string
	to     Archive
	mu     sync.Mutex
	down   bool
	conns  map[net.Conn]bool
}

func serveArchive(t testing.TB, to Archive) *archiveServer {
	t.Helper()
	s := &archiveServer{socket: filepath.Join(t.TempDir(), "archive"), to: to, conns: map[net.Conn]bool{}}
	l, err := net.Listen("unix", s.socket)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns[conn] = true
			s.mu.Unlock()
			all.Go(func() { s.serve(conn) })
		}
	})
	t.Cleanup(func() { _ = l.Close(); s.setDown(true); all.Wait() })
	return s
}

// setDown closes the archive to everybody, or opens it again.
func (s *archiveServer) setDown(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
	for conn := range s.conns {
		if down {
			_ = conn.Close()
			delete(s.conns, conn)
		}
	}
}

func (s *archiveServer) isDown() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.down
}

func (s *archiveServer) serve(conn net.Conn) {
	defer conn.Close()
	for {
		var n [4]byte
		if _, err := io.ReadFull(conn, n[:]); err != nil {
			return
		}
		body := make([]byte, binary.BigEndian.Uint32(n[:]))
		if _, err := io.ReadFull(conn, body); err != nil || s.isDown() {
			return
		}
		f, err := frame.Decode(body)
		if err != nil {
			return
		}
		got, err := s.to.Append(context.Background(), f.Records)
		if err != nil {
			return
		}
		answer := binary.BigEndian.AppendUint32([]byte{1}, uint32(got.Kept))
		if _, err := conn.Write(binary.BigEndian.AppendUint32(answer, uint32(got.Repeated))); err != nil {
			return
		}
	}
}

// books is an archive that remembers in which order it got what.
type books struct {
	mu       sync.Mutex
	kept     map[frame.Key]int // and how often
	order    []frame.Key
	repeated int
}

func newBooks() *books { return &books{kept: map[frame.Key]int{}} }

func (a *books) Append(_ context.Context, records []frame.Record) (got frame.Appended, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, r := range records {
		if a.kept[r.Repeat] > 0 {
			a.repeated++
			got.Repeated++
			continue
		}
		a.kept[r.Repeat]++
		a.order = append(a.order, r.Repeat)
		got.Kept++
	}
	return got, nil
}
