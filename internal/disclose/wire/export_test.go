package wire

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/netip"
	"os"
	"time"
)

// Route puts another end where the internet would be: the last check before connecting
// runs on the true address, then the connection is made by other.
func (s *Sender) Route(other func(ctx context.Context, to netip.AddrPort) (net.Conn, error)) {
	s.connect = func(ctx context.Context, d *net.Dialer, to netip.AddrPort) (net.Conn, error) {
		if err := d.ControlContext(ctx, "tcp", to.String(), nil); err != nil {
			return nil, err
		}
		return other(ctx, to)
	}
}

// LastCheck is the dialer of a public host, with the check that runs before connecting.
func (s *Sender) LastCheck(port uint16) *net.Dialer { return s.dialer(place{port: port}) }

// FailWrites makes each new file fail with err after so many bytes.
func (f *Folder) FailWrites(after int, err error) {
	f.create = func(dir *os.Root, name string) (file, error) {
		real, openErr := createFile(dir, name)
		return &failing{real, after, err}, openErr
	}
}

type failing struct {
	file
	left int
	err  error
}

func (f *failing) Write(p []byte) (int, error) {
	n, err := f.file.Write(p[:min(len(p), f.left)])
	if f.left -= n; err == nil && n < len(p) {
		err = f.err
	}
	return n, err
}

func (f *failing) Sync() error {
	if f.left <= 0 {
		return f.err
	}
	return f.file.Sync()
}

// Compose returns a letter's data, and the sender and mailbox of its commands.
func Compose(l Letter, now time.Time) (data []byte, commands [2]string, why Why) {
	c, why := compose(l, now)
	return c.data, [2]string{c.from, c.to}, why
}

// Stuffed doubles dots.
func Stuffed(data []byte) []byte { return stuffed(data) }

// ReadReply reads one reply of SMTP.
func ReadReply(r io.Reader) (code int, lines []string, err error) {
	all, err := readReply(bufio.NewReader(r))
	return all.code, all.lines, err
}

// Metered is the same sender with another meter.
func (s *Sender) Metered(m Meter) *Sender {
	other := *s
	other.meter = m
	return &other
}

// Own makes addresses those of this machine.
func (s *Sender) Own(all ...netip.Addr) { s.own = func() []netip.Addr { return all } }

// OwnAddresses are those of this machine.
var OwnAddresses = ownAddresses
