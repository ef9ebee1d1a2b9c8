package wire

import (
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"thimble"
)

const maxURL = 2048 // bytes

// A place is a checked host and port.
type place struct {
	host     string // in lower case
	port     uint16
	literal  netip.Addr // invalid when host is a name
	loopback bool       // named in Config
	tls      bool
}

// A refusal says which rule an address breaks. It does not repeat the address.
type refusal struct {
	why  Why
	rule string
}

func (r *refusal) Error() string { return "wire: address: " + r.rule }

// Is makes a refusal an error of kind thimble.ErrInvalid.
func (r *refusal) Is(target error) bool { return target == thimble.ErrInvalid }

func invalid(rule string) error { return &refusal{AddressInvalid, rule} }

// Check tells whether the address may be a recipient's, when somebody enters it. hosts
// is the recipient's list; each try checks again. The error is of kind ErrInvalid and
// names the rule.
func (s *Sender) Check(address string, hosts []string) error {
	_, _, err := s.check(address, hosts)
	return err
}

// check takes the narrow road: what two readers of URLs might understand differently is
// refused, instead of being understood.
func (s *Sender) check(address string, hosts []string) (*url.URL, place, error) {
	var none place
	if len(address) > maxURL {
		return nil, none, invalid("it is longer than 2048 characters")
	}
	for _, c := range []byte(address) {
		if c <= ' ' || c >= 0x7f || c == '\\' {
			return nil, none, invalid("printable ASCII without spaces and backslashes was expected; write names in their xn-- form")
		}
	}
	scheme, rest, ok := strings.Cut(address, "://")
	scheme = strings.ToLower(scheme)
	if !ok || scheme != "https" && scheme != "http" {
		return nil, none, invalid("https:// was expected")
	}
	if strings.Contains(rest, "#") {
		return nil, none, invalid("a fragment is not sent; leave # and what follows out")
	}
	authority, _, _ := strings.Cut(rest, "/")
	authority, _, _ = strings.Cut(authority, "?")
	if strings.Contains(authority, "@") {
		return nil, none, invalid("a user or password has no place in it")
	}
	host, port, err := splitHost(authority)
	if err != nil {
		return nil, none, err
	}
	if port == 0 && scheme == "https" {
		port = 443
	} else if port == 0 {
		port = 80
	}
	to, err := s.place(host, port, s.cfg.Ports)
	if err != nil {
		return nil, none, err
	}
	if scheme == "http" && !to.loopback {
		return nil, none, invalid("https:// was expected, outside this machine")
	}
	to.tls = scheme == "https"
	if !slices.Contains(hosts, to.host) {
		return nil, none, &refusal{HostNotListed, "its host is not on the recipient's list"}
	}
	u, err := url.Parse(address)
	// The two readings must agree: what is dialled is what was checked.
	if err != nil || u.User != nil || u.Opaque != "" || !strings.EqualFold(u.Hostname(), to.host) {
		return nil, none, invalid("it is not a URL")
	}
	return u, to, nil
}

// splitHost reads host, or host and port. A port of 0 means that none was given.
func splitHost(authority string) (host string, port uint16, err error) {
	host, rest := authority, ""
	if strings.HasPrefix(authority, "[") {
		if host, rest, _ = strings.Cut(authority[1:], "]"); !strings.HasSuffix(authority, "]"+rest) {
			return "", 0, invalid("a ] is missing behind the address")
		}
		if !strings.Contains(host, ":") {
			return "", 0, invalid("only an IPv6 address has [ and ]")
		}
	} else if i := strings.IndexByte(authority, ':'); i >= 0 {
		host, rest = authority[:i], authority[i:]
	}
	if rest == "" {
		return host, 0, nil
	}
	n, err := strconv.ParseUint(strings.TrimPrefix(rest, ":"), 10, 16)
	if err != nil || n == 0 || ":"+strconv.FormatUint(n, 10) != rest {
		return "", 0, invalid("a port from 1 to 65535 was expected behind the colon")
	}
	return host, uint16(n), nil
}

// place checks a host and a port by their looks. Where the name leads is judged when it
// is dialled.
func (s *Sender) place(host string, port uint16, ports []uint16) (place, error) {
	to := place{host: strings.ToLower(host), port: port}
	if s.loopback[net.JoinHostPort(to.host, strconv.Itoa(int(port)))] {
		to.loopback = true
		to.literal, _ = netip.ParseAddr(to.host)
		return to, nil
	}
	if !slices.Contains(ports, port) {
		return place{}, invalid("its port is not among those that may be used")
	}
	if ip, err := netip.ParseAddr(to.host); err == nil {
		if ip.String() != to.host {
			return place{}, invalid("the IP address is not in its shortest form")
		}
		if !public(ip) {
			return place{}, &refusal{AddressForbidden, "its IP address is not a public one"}
		}
		to.literal = ip
		return to, nil
	}
	return to, checkName(to.host)
}

// local are names of the network that one is in (RFC 6761, RFC 6762, RFC 8375, and habit).
var local = []string{"localhost", "local", "internal", "intranet", "private", "corp", "home", "lan", "home.arpa", "onion", "alt", "invalid", "localdomain"}

func checkName(host string) error {
	if err := checkLabels(host); err != nil {
		return err
	}
	for _, l := range local {
		if host == l || strings.HasSuffix(host, "."+l) {
			return &refusal{AddressForbidden, "its name is one of a local network"}
		}
	}
	return nil
}

// checkLabels accepts full names in lower-case ASCII.
func checkLabels(host string) error {
	labels := strings.Split(host, ".")
	if len(host) > 253 || len(labels) < 2 {
		return invalid("a full host name such as hooks.example.org was expected")
	}
	for _, l := range labels {
		if l == "" || len(l) > 63 || l[0] == '-' || l[len(l)-1] == '-' || strings.Trim(l, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return invalid("a host name has labels of letters, digits and hyphens; write others in their xn-- form")
		}
	}
	// Some resolvers read 0x7f.1, 0177.0.0.1 and 2130706433 as addresses. No name ends so.
	if last := labels[len(labels)-1]; last[0] >= '0' && last[0] <= '9' {
		return invalid("an IP address has four numbers from 0 to 255 without zeros before them")
	}
	return nil
}
