package wire

import "net/netip"

// public reports whether an address is one of another machine on the internet. What is
// doubtful is not: the registries of IANA list special-purpose blocks, and IPv6 is given
// out in 2000::/3 only (RFC 6890, RFC 8190, RFC 4291).
func public(a netip.Addr) bool {
	// A mapped address is an IPv4 address in other words, a zone is a door into a link.
	if !a.IsValid() || a.Zone() != "" || a.Is4In6() {
		return false
	}
	if a.Is6() && (!global6.Contains(a) || isatap(a)) {
		return false
	}
	for _, p := range special {
		if p.Contains(a) {
			return false
		}
	}
	return true
}

var global6 = netip.MustParsePrefix("2000::/3")

// special are blocks that lead to this machine, its network, or nowhere, and those that
// carry another address inside.
var special = prefixes(
	"0.0.0.0/8",         // this network; Linux connects 0.0.0.0 to loopback
	"10.0.0.0/8",        // private, RFC 1918
	"100.64.0.0/10",     // carrier-grade NAT, RFC 6598; 100.100.100.200 is a metadata service
	"127.0.0.0/8",       // loopback
	"168.63.129.16/32",  // the host's agent in Azure, although the block is public
	"169.254.0.0/16",    // link-local; 169.254.169.254 is where clouds keep metadata
	"172.16.0.0/12",     // private
	"192.0.0.0/24",      // protocol assignments; 192.0.0.192 is a metadata service
	"192.0.2.0/24",      // documentation
	"192.31.196.0/24",   // AS112
	"192.52.193.0/24",   // AMT
	"192.88.99.0/24",    // 6to4 relays
	"192.168.0.0/16",    // private
	"192.175.48.0/24",   // AS112
	"198.18.0.0/15",     // benchmarks
	"198.51.100.0/24",   // documentation
	"203.0.113.0/24",    // documentation
	"224.0.0.0/4",       // multicast
	"240.0.0.0/4",       // reserved, and broadcast
	"2001::/23",         // protocol assignments: Teredo 2001::/32, ORCHID, benchmarks
	"2001:db8::/32",     // documentation
	"2002::/16",         // 6to4 carries an IPv4 address
	"2620:4f:8000::/48", // AS112
	"3fff::/20",         // documentation
)

func prefixes(texts ...string) (all []netip.Prefix) {
	for _, t := range texts {
		all = append(all, netip.MustParsePrefix(t))
	}
	return all
}

// isatap reports whether the interface id carries an IPv4 address (RFC 5214 §6.1).
func isatap(a netip.Addr) bool {
	b := a.As16()
	return (b[8] == 0 || b[8] == 2) && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe
}
