package web

import (
	"container/list"
	stdlog "log"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"
)

// Limits of one connection (ASVS 5.0 V13): a slow or silent client holds nothing.
const (
	headerTimeout = 3 * time.Second
	readTimeout   = 30 * time.Second
	writeTimeout  = 60 * time.Second
	idleTimeout   = 60 * time.Second
	maxHeader     = 16 << 10 // bytes
)

// NewServer returns a server of a handler within the limits of this package: how long a
// header, a body and an answer may take, how long a header may be, and how many
// connections there may be at once.
func NewServer(h http.Handler, connections int, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader, ErrorLog: stdlog.New(faults{log}, "", 0),
		ConnState: newCrowd(connections).state,
	}
}

// faults writes down what a server says of connections, without the addresses of who is
// at their other end.
type faults struct{ log *slog.Logger }

var address = regexp.MustCompile(`(\[[0-9A-Fa-f:.]+(%[^\]]*)?\]|\b[0-9]{1,3}(\.[0-9]{1,3}){3}\b)(:[0-9]+)?`)

// Write implements io.Writer.
func (f faults) Write(line []byte) (int, error) {
	f.log.Debug("a connection failed", slog.String("cause", strings.TrimSpace(address.ReplaceAllString(string(line), "[address]"))))
	return len(line), nil
}

// crowd bounds how many connections a server has. When there are too many, the one goes
// that has waited longest without a request: whoever opens connections and says nothing
// loses those, and not the others theirs. Where all are at work the newcomer goes. A
// network that has more than half of them all gives way to any other, also with what is
// at work: nobody keeps all others out from one place.
type crowd struct {
	most int

	mu      sync.Mutex
	place   map[net.Conn]*list.Element // in waiting; nil: at work
	waiting *list.List                 // of net.Conn, the longest first
	from    map[string]int             // how many are of a network
}

func newCrowd(most int) *crowd {
	return &crowd{most: most, place: map[net.Conn]*list.Element{}, waiting: list.New(), from: map[string]int{}}
}

// state is the server's hook.
func (c *crowd) state(conn net.Conn, s http.ConnState) {
	if over := c.note(conn, s); over != nil {
		_ = over.Close() // its goroutine ends by the error it gets
	}
}

func (c *crowd) note(conn net.Conn, s http.ConnState) (over net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at, known := c.place[conn]
	if !known && s != http.StateNew {
		return nil // it was let go, and is on its way out
	}
	if at != nil {
		c.waiting.Remove(at)
	}
	if !known {
		c.from[network(conn)]++
	}
	switch s {
	case http.StateActive:
		c.place[conn] = nil
	case http.StateNew, http.StateIdle:
		c.place[conn] = c.waiting.PushBack(conn)
		if c.most > 0 && len(c.place) > c.most {
			over = c.gives()
			c.gone(over)
		}
	default: // closed, or taken over
		c.gone(conn)
	}
	return over
}

func network(conn net.Conn) string { return Network(conn.RemoteAddr().String()) }

func (c *crowd) gone(conn net.Conn) {
	if at := c.place[conn]; at != nil {
		c.waiting.Remove(at)
	}
	delete(c.place, conn)
	n := network(conn)
	if c.from[n]--; c.from[n] <= 0 {
		delete(c.from, n)
	}
}

// gives chooses who goes.
func (c *crowd) gives() net.Conn {
	for n, has := range c.from {
		if has > c.most/2 {
			return c.of(n)
		}
	}
	return c.waiting.Front().Value.(net.Conn) // the newcomer waits, so that there is one
}

// of returns who of a network goes: who has waited longest, else one that is at work.
func (c *crowd) of(n string) net.Conn {
	for at := c.waiting.Front(); at != nil; at = at.Next() {
		if conn := at.Value.(net.Conn); network(conn) == n {
			return conn
		}
	}
	for conn := range c.place {
		if network(conn) == n {
			return conn
		}
	}
	return c.waiting.Front().Value.(net.Conn)
}
