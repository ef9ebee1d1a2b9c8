package wire

import (
	"context"
	"net"
	"net/netip"
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
