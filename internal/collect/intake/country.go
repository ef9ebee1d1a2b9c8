package intake

import "net/netip"

// Countries knows the country of an address; *geo.Table does.
type Countries interface {
	Of(a netip.Addr) ([2]byte, bool)
}

// country finds the country of the address that an event came from, if its category is
// permitted. A server's own address is not its customer's, so that of a server's events
// what it says counts; of any other source what it says does not. The address itself
// goes no further.
func (w *work) country(it *item) (c [2]byte) {
	class := w.run.plan.CountryClass
	if w.in.deps.Countries == nil || class < 0 || it.mask>>class&1 == 0 {
		return c
	}
	from := w.arrival.Address
	if w.src.Trusted() {
		from, _ = netip.ParseAddr(string(w.b.Bytes(it.ev.IP))) // without one there is no country
	}
	if !from.IsValid() {
		return c
	}
	if found, ok := w.in.deps.Countries.Of(from); ok {
		c = found
	}
	return c
}
