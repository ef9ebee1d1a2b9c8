package buffer

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"thimble"
)

// A Member is one of the nodes that share the buffer.
type Member struct {
	Name    string
	Address string // host:port at which the others reach it
}

// Nodes is how many members there are: one may fail, and the other two are a quorum.
const Nodes = 3

// Config says which node this is, and among whom. Node, Members, Secret and Folder
// are needed.
type Config struct {
	Node    string      // the name of this one
	Members []Member    // all of them, the same on each
	Secret  string      // what members prove to each other that they are, 16 characters or more
	TLS     *tls.Config // between members, with certificates on both sides; needed outside loopback
	Folder  string      // of this node alone

	MaxBytes  int64         // what may wait in the stream; 0 means 8 GiB
	Wait      time.Duration // how long Append waits for an answer; 0 means 5 s
	Patience  time.Duration // after how long without the cluster a group goes to the archive itself; 0 means 1 s
	GapWait   time.Duration // how long the archiver waits for a node that has what is missing; 0 means 30 s
	Reconcile time.Duration // how often a node compares its spool with the archive; 0 means 5 s
	Clean     time.Duration // how often what was trimmed is taken off the disk; 0 means one hour

	Log *slog.Logger // nil means silence
	Now func() time.Time
}

var nodeName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)

// minSecret is what keeps the secret from being guessed at the port of a member.
const minSecret = 16

// ParseMembers reads "name=host:port name=host:port name=host:port".
func ParseMembers(text string) ([]Member, error) {
	var all []Member
	for _, field := range strings.Fields(text) {
		name, address, ok := strings.Cut(field, "=")
		if !ok {
			return nil, fmt.Errorf("buffer: members: name=host:port was expected: %w", thimble.ErrInvalid)
		}
		all = append(all, Member{name, address})
	}
	return all, checkMembers(all)
}

func checkMembers(all []Member) error {
	if len(all) != Nodes {
		return fmt.Errorf("buffer: members: %d are named, and there must be %d: %w", len(all), Nodes, thimble.ErrInvalid)
	}
	names, addresses := map[string]bool{}, map[string]bool{}
	for _, m := range all {
		if !nodeName.MatchString(m.Name) {
			return fmt.Errorf("buffer: members: a name has lower-case letters, digits and dashes, 32 at most: %w", thimble.ErrInvalid)
		}
		host, port, err := net.SplitHostPort(m.Address)
		n, bad := strconv.Atoi(port)
		if err != nil || bad != nil || host == "" || n < 1 || n > 65535 {
			return fmt.Errorf("buffer: members: the address of %s is no host:port: %w", m.Name, thimble.ErrInvalid)
		}
		if names[m.Name] || addresses[m.Address] {
			return fmt.Errorf("buffer: members: %s or its address is named twice: %w", m.Name, thimble.ErrInvalid)
		}
		names[m.Name], addresses[m.Address] = true, true
	}
	return nil
}

// Check says what is wrong with a configuration, by the names of its fields.
func (c *Config) Check() error {
	if err := checkMembers(c.Members); err != nil {
		return err
	}
	switch {
	case !slices.ContainsFunc(c.Members, func(m Member) bool { return m.Name == c.Node }):
		return fmt.Errorf("buffer: node: %q is none of the members: %w", c.Node, thimble.ErrInvalid)
	case len(c.Secret) < minSecret:
		return fmt.Errorf("buffer: secret: %d characters or more are needed: %w", minSecret, thimble.ErrInvalid)
	case c.Folder == "":
		return fmt.Errorf("buffer: folder: one is needed: %w", thimble.ErrInvalid)
	case c.MaxBytes < 0 || c.MaxBytes > 0 && c.MaxBytes < minBytes:
		return fmt.Errorf("buffer: bytes: %d or more were expected: %w", minBytes, thimble.ErrInvalid)
	}
	for _, m := range c.Members {
		// What waits is sealed, and who it is of and when it came is not: it does not
		// cross a network in the clear, nor to whoever asks.
		if c.TLS == nil && !m.loopback() {
			return fmt.Errorf("buffer: tls: %s is not on this machine, so that certificates are needed: %w", m.Name, thimble.ErrInvalid)
		}
	}
	if t := c.TLS; t != nil && (t.ClientAuth != tls.RequireAndVerifyClientCert || t.ClientCAs == nil || t.RootCAs == nil || t.InsecureSkipVerify || len(t.Certificates) == 0) {
		return fmt.Errorf("buffer: tls: both sides show a certificate and check the other's: %w", thimble.ErrInvalid)
	}
	if t := c.TLS; t != nil && t.MinVersion < tls.VersionTLS13 {
		return fmt.Errorf("buffer: tls: version 1.3 is the least: %w", thimble.ErrInvalid)
	}
	return nil
}

func (m Member) host() string { host, _, _ := net.SplitHostPort(m.Address); return host }

func (m Member) port() int {
	_, port, _ := net.SplitHostPort(m.Address)
	n, _ := strconv.Atoi(port)
	return n
}

func (m Member) loopback() bool {
	ip := net.ParseIP(m.host())
	return m.host() == "localhost" || ip != nil && ip.IsLoopback()
}

const (
	minBytes     = 64 << 20 // eight blocks of JetStream, below which it cannot trim
	defaultBytes = 8 << 30
)

// filled returns the configuration with its defaults in it.
func (c Config) filled() Config {
	for _, d := range []struct {
		at *time.Duration
		to time.Duration
	}{
		{&c.Wait, 5 * time.Second}, {&c.Patience, time.Second}, {&c.GapWait, 30 * time.Second},
		{&c.Reconcile, 5 * time.Second}, {&c.Clean, time.Hour},
	} {
		if *d.at <= 0 {
			*d.at = d.to
		}
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = defaultBytes
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}
