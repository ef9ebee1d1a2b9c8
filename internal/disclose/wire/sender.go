package wire

import (
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"thimble"
)

// A Resolver looks names up; *net.Resolver is one. It is asked for "ip4" and "ip6".
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Config holds what a Sender can do without. Its zero value works.
type Config struct {
	Resolver Resolver       // nil means the machine's
	Roots    *x509.CertPool // nil means the machine's
	// Ports that a webhook may use; nil means 443 only. Mail uses 465, 587 and 25.
	Ports []uint16
	// Loopback names endpoints on this machine, as host:port, that may be sent to while
	// developing, without TLS too. Each is warned of.
	Loopback []string
	Connect  time.Duration // for name, connection and TLS, each; 0 means 5 s
	Whole    time.Duration // for a try; 0 means 10 s
	Now      func() time.Time
	Log      *slog.Logger // nil means slog.Default()
}

// A Sender holds the ways out of one installation. It is safe for concurrent use.
type Sender struct {
	meter    Meter
	cfg      Config
	loopback map[string]bool
	now      func() time.Time
	own      func() []netip.Addr // of this machine
	// connect makes the connection to a judged address; tests put another end there.
	connect func(ctx context.Context, d *net.Dialer, to netip.AddrPort) (net.Conn, error)
}

// New returns a Sender whose every byte the meter is asked about. It dials nothing yet.
func New(meter Meter, cfg Config) (*Sender, error) {
	if meter == nil {
		return nil, fmt.Errorf("wire: a meter is needed: nothing leaves unrecorded: %w", thimble.ErrInvalid)
	}
	if cfg.Resolver == nil {
		cfg.Resolver = net.DefaultResolver
	}
	if cfg.Ports == nil {
		cfg.Ports = []uint16{443}
	}
	if cfg.Connect <= 0 {
		cfg.Connect = 5 * time.Second
	}
	if cfg.Whole <= 0 {
		cfg.Whole = 10 * time.Second
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	s := &Sender{meter: meter, cfg: cfg, loopback: map[string]bool{}, now: cfg.Now, own: ownAddresses}
	s.connect = func(ctx context.Context, d *net.Dialer, to netip.AddrPort) (net.Conn, error) {
		return d.DialContext(ctx, "tcp", to.String())
	}
	for _, endpoint := range cfg.Loopback {
		if err := checkLoopback(endpoint); err != nil {
			return nil, err
		}
		s.loopback[endpoint] = true
		cfg.Log.Warn("disclosures may go to an endpoint on this machine; this is for development", slog.String("endpoint", endpoint))
	}
	return s, nil
}

// checkLoopback accepts localhost or a loopback address, and a port.
func checkLoopback(endpoint string) error {
	host, port, err := net.SplitHostPort(endpoint)
	ip, ipErr := netip.ParseAddr(host)
	if err != nil || port == "" || port == "0" || host != "localhost" && (ipErr != nil || !ip.IsLoopback() || ip.Zone() != "") {
		return fmt.Errorf("wire: loopback endpoint: localhost:PORT, 127.0.0.1:PORT or [::1]:PORT was expected: %w", thimble.ErrInvalid)
	}
	return nil
}

// A Hook is where a recipient takes webhooks.
type Hook struct {
	URL   string   // https, without user, fragment or redirect
	Hosts []string // of this recipient; the URL's must be among them
	Keys  []SigningKey
}

// A Letter is one mail to one person.
type Letter struct {
	ID         thimble.ID // of the message; makes the Message-ID, so that it says nothing about the person
	Disclosure thimble.ID
	From       string // "Name <local@domain>" or an address
	To         thimble.Personal[string]
	Subject    thimble.Personal[string]
	Text       thimble.Personal[string]
	HTML       thimble.Personal[string] // "" for text only
	// Unsubscribe is an https address that ends these letters by one POST (RFC 8058);
	// "" for letters that somebody asked for, such as a sign-in code.
	Unsubscribe thimble.Personal[string]
}
