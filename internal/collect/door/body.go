package door

import (
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"

	"thimble/internal/collect/segment"
	"thimble/internal/web"
)

// How slow a body may come: a grace, and then so many bytes a second, all in all within
// the longest time.
const (
	MinRate     = 16 << 10 // bytes a second
	bodyGrace   = 5 * time.Second
	bodyLongest = 30 * time.Second
)

// What is wrong with a body before it is read as JSON.
var (
	errTooLarge = errors.New("door: the body: 500 KB at most")
	errPacked   = errors.New("door: the body: gzip or deflate, once, was expected")
	errUnpacked = errors.New("door: the body: it is not what Content-Encoding says")
	errCut      = errors.New("door: the body: it ended before its length")
	errSlow     = errors.New("door: the body came too slowly")
	errFull     = errors.New("door: too many bodies at once")
	errShare    = errors.New("door: too many bodies of one network at once")
)

// classes are the sizes of buffers: one grows as the body comes, so that a length that
// was only announced costs nothing.
var classes = [...]int{4 << 10, 16 << 10, 128 << 10, segment.MaxBody + 1}

var pools [len(classes)]sync.Pool

// A buffer holds a body, and what it takes of [Config.InFlight]. A nil one is empty.
type buffer struct {
	d     *Door
	from  netip.Prefix // the network that sends it
	class int
	b     *[]byte // of length of what is in it, and of capacity of its class
}

// The shares of one network of [Config.InFlight]: as long as so much of it is free for
// others, none; then an eighth. The smallest buffers are not counted to a network: all
// connections together fill a small part with them.
const (
	freeForOthers = 2 // one part of so many
	networkPart   = 8
)

// shares are what networks hold of all bodies.
type shares struct {
	mu   sync.Mutex
	held map[netip.Prefix]int64
}

// acquire returns an empty buffer of the class for a body that comes from a network.
func (d *Door) acquire(class int, from netip.Prefix) (*buffer, error) {
	all := d.inFlight.Add(int64(classes[class]))
	err := d.shares.take(class, from, d.InFlight, all)
	if err != nil {
		d.inFlight.Add(-int64(classes[class]))
		return nil, err
	}
	b, ok := pools[class].Get().(*[]byte)
	if !ok {
		made := make([]byte, 0, classes[class])
		b = &made
	}
	return &buffer{d: d, from: from, class: class, b: b}, nil
}

func (s *shares) take(class int, from netip.Prefix, most, all int64) error {
	if all > most {
		return errFull
	}
	if class == 0 {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	has := s.held[from] + int64(classes[class])
	if all > most-most/freeForOthers && has > most/networkPart {
		return errShare
	}
	if s.held == nil {
		s.held = map[netip.Prefix]int64{}
	}
	s.held[from] = has
	return nil
}

func (s *shares) give(class int, from netip.Prefix) {
	if class == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held[from] -= int64(classes[class]); s.held[from] <= 0 {
		delete(s.held, from)
	}
}

// network returns the network that a request comes from, the zero one for none.
func network(r *http.Request) (from netip.Prefix) {
	if ap, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		from = web.NetworkOf(ap.Addr())
	}
	return from
}

func (b *buffer) bytes() []byte {
	if b == nil {
		return nil
	}
	return *b.b
}

// release wipes a buffer and gives it back.
func (b *buffer) release() {
	if b == nil || b.b == nil {
		return
	}
	clear(*b.b)
	*b.b = (*b.b)[:0]
	pools[b.class].Put(b.b)
	b.d.inFlight.Add(-int64(classes[b.class]))
	b.d.shares.give(b.class, b.from)
	b.b = nil
}

// grow gives the buffer room for more.
func (b *buffer) grow() error {
	if len(*b.b) < cap(*b.b) {
		return nil
	}
	if b.class+1 == len(classes) {
		return errTooLarge
	}
	next, err := b.d.acquire(b.class+1, b.from)
	if err != nil {
		return err
	}
	*next.b = append(*next.b, *b.b...)
	b.release()
	*b = *next
	return nil
}

// fill reads until the end, or until there is more than a body may have.
func (b *buffer) fill(r io.Reader, before func(received int)) error {
	for {
		if err := b.grow(); err != nil {
			return err
		}
		if before != nil {
			before(len(*b.b))
		}
		n, err := r.Read((*b.b)[len(*b.b):cap(*b.b)])
		*b.b = (*b.b)[:len(*b.b)+n]
		switch {
		case len(*b.b) > segment.MaxBody:
			return errTooLarge
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
}

// body reads the body of a request, unpacked. The buffer is the caller's to release, also
// with an error.
func (d *Door) body(w http.ResponseWriter, r *http.Request) (*buffer, error) {
	coding := strings.ToLower(strings.TrimSpace(strings.Join(r.Header["Content-Encoding"], ",")))
	switch {
	case r.ContentLength > segment.MaxBody:
		return nil, errTooLarge
	case coding != "" && coding != "identity" && coding != "gzip" && coding != "x-gzip" && coding != "deflate":
		return nil, errPacked
	}
	class := 0
	if r.ContentLength < 0 || r.ContentLength >= int64(classes[0]) {
		class = 1
	}
	b, err := d.acquire(class, network(r))
	if err != nil {
		return nil, err
	}
	if err := d.receive(w, r, b); err != nil || coding == "" || coding == "identity" {
		return b, err
	}
	defer b.release()
	return d.unpack(coding, b)
}

// receive reads what comes over the network, as fast as it must come.
func (d *Door) receive(w http.ResponseWriter, r *http.Request, b *buffer) error {
	began, c := time.Now(), http.NewResponseController(w)
	err := b.fill(r.Body, func(received int) {
		may := min(bodyGrace+time.Duration(received)*time.Second/MinRate, bodyLongest)
		_ = c.SetReadDeadline(began.Add(may)) // a test's recorder has no connection
	})
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errSlow
	case err == nil || errors.Is(err, errTooLarge) || full(err):
		return err
	}
	return errCut
}

func full(err error) bool { return errors.Is(err, errFull) || errors.Is(err, errShare) }

var (
	gzips   = sync.Pool{New: func() any { return new(gzip.Reader) }}
	deflate = sync.Pool{}
)

// unpack unpacks into a buffer of its own, and no further than a body may be long.
func (d *Door) unpack(coding string, packed *buffer) (*buffer, error) {
	from := &reader{b: packed.bytes()}
	var to io.Reader
	switch coding {
	case "deflate": // in the format of zlib (RFC 9110, 8.4.1.2)
		z, ok := deflate.Get().(io.ReadCloser)
		var err error
		if ok {
			err = z.(zlib.Resetter).Reset(from, nil)
		} else {
			z, err = zlib.NewReader(from)
		}
		if err != nil {
			return nil, errUnpacked
		}
		defer deflate.Put(z)
		to = z
	default:
		z, _ := gzips.Get().(*gzip.Reader)
		defer gzips.Put(z)
		if err := z.Reset(from); err != nil {
			return nil, errUnpacked
		}
		to = z
	}
	b, err := d.acquire(1, packed.from)
	if err != nil {
		return nil, err
	}
	err = b.fill(to, nil)
	if err != nil && !errors.Is(err, errTooLarge) && !full(err) {
		err = errUnpacked
	}
	return b, err
}

// A reader reads a slice byte by byte, as flate wants it, and lets it go.
type reader struct{ b []byte }

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	if len(r.b) == 0 {
		return 0, io.EOF
	}
	n := copy(p, r.b)
	r.b = r.b[n:]
	return n, nil
}

// ReadByte implements io.ByteReader.
func (r *reader) ReadByte() (byte, error) {
	if len(r.b) == 0 {
		return 0, io.EOF
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c, nil
}
