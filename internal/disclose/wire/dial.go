package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"thimble"
)

const maxAddresses = 8 // of one name that are tried

var errForbidden = errors.New("wire: the address is not a public one")

// may reports whether a place may lead to an address. One of this machine's own leads
// around its firewall, even if the address is a public one.
func (s *Sender) may(to place, a netip.Addr) bool {
	if to.loopback {
		return a.IsLoopback() && a.Zone() == "" && !a.Is4In6()
	}
	return public(a) && !slices.Contains(s.own(), a)
}

// ownAddresses are those of this machine's interfaces, as far as it tells.
func ownAddresses() (all []netip.Addr) {
	found, _ := net.InterfaceAddrs()
	for _, a := range found {
		if n, ok := a.(*net.IPNet); ok {
			if ip, ok := netip.AddrFromSlice(n.IP); ok {
				all = append(all, ip.Unmap())
			}
		}
	}
	return all
}

// resolve returns the judged addresses of a place. One bad address among good ones
// spoils the name: it is an attempt, or a mistake that somebody must see.
func (s *Sender) resolve(ctx context.Context, to place) ([]netip.Addr, Why) {
	var found []netip.Addr
	switch {
	case to.literal.IsValid():
		found = []netip.Addr{to.literal}
	case to.loopback: // localhost, which no resolver is asked about
		found = []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}
	default:
		var err error
		if found, err = s.cfg.Resolver.LookupNetIP(ctx, "ip", to.host+"."); err != nil || len(found) == 0 {
			return nil, Unresolved
		}
	}
	for i, a := range found {
		// A resolver may write IPv4 as mapped; the judged form is the one that is dialled.
		if found[i] = a.Unmap(); !s.may(to, found[i]) {
			return nil, AddressForbidden
		}
	}
	return found[:min(len(found), maxAddresses)], ""
}

// dialer refuses, at the last moment before connecting, an address that may not be: it
// sees what the kernel is told, whatever was resolved before.
func (s *Sender) dialer(to place) *net.Dialer {
	return &net.Dialer{
		KeepAlive: -1,
		ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
			ap, err := netip.ParseAddrPort(address)
			if err != nil || ap.Port() != to.port || !s.may(to, ap.Addr()) {
				return errForbidden
			}
			return nil
		},
	}
}

// dial connects to a place for one disclosure. The connection is not yet encrypted and
// has written nothing.
func (s *Sender) dial(ctx context.Context, disclosure thimble.ID, to place) (*metered, Why) {
	connecting, cancel := context.WithTimeout(ctx, s.cfg.Connect)
	defer cancel()
	addresses, why := s.resolve(connecting, to)
	if why != "" {
		return nil, why
	}
	for i, a := range addresses {
		conn, err := s.connectOne(connecting, len(addresses)-i, to, a)
		if err == nil {
			return &metered{Conn: conn, ctx: ctx, meter: s.meter, disclosure: disclosure}, ""
		}
		if errors.Is(err, errForbidden) {
			return nil, AddressForbidden
		}
	}
	return nil, Unreachable
}

// connectOne tries one of several addresses, with its share of the time.
func (s *Sender) connectOne(ctx context.Context, left int, to place, a netip.Addr) (net.Conn, error) {
	if end, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(end)/time.Duration(left))
		defer cancel()
	}
	return s.connect(ctx, s.dialer(to), netip.AddrPortFrom(a, to.port))
}

// encrypt makes a connection TLS, or says why it is none. An answer that is no TLS and a
// certificate that is not the host's are Untrusted; who says nothing is Unreachable.
func (s *Sender) encrypt(ctx context.Context, conn net.Conn, to place, protocols ...string) (*tls.Conn, Why) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Connect)
	defer cancel()
	secure := tls.Client(conn, &tls.Config{
		ServerName: to.host, RootCAs: s.cfg.Roots, Time: s.now,
		MinVersion: tls.VersionTLS12, NextProtos: protocols,
	})
	err := secure.HandshakeContext(ctx)
	switch {
	case err == nil:
		return secure, ""
	case errors.Is(err, errNotRecorded):
		return nil, NotRecorded
	case ctx.Err() != nil, gone(err):
		return nil, Unreachable
	}
	return nil, Untrusted
}

// gone reports whether the other side has closed or broken the connection.
func gone(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, net.ErrClosed)
}

// watched counts what is read behind the encryption, and notes the end: whether an answer
// had begun decides what a failure is called.
type watched struct {
	net.Conn
	got   atomic.Int64
	ended atomic.Bool
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	w.got.Add(int64(n))
	if err != nil {
		w.ended.Store(true)
	}
	return n, err
}
