package geo

import (
	"encoding/binary"
	"net/netip"
	"sort"
)

// A Table is ranges of addresses with their countries. It does not change, and is safe
// for concurrent use. The zero value knows no address.
type Table struct {
	starts4   []uint32
	countries []code // of starts4, then of starts6
	starts6   []wide
}

// A code is a country, ISO 3166-1 alpha-2; the zero code is none.
type code [2]byte

// wide is an IPv6 address as two numbers.
type wide struct{ high, low uint64 }

func wideOf(a netip.Addr) wide {
	b := a.As16()
	return wide{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

func (w wide) less(o wide) bool { return w.high < o.high || w.high == o.high && w.low < o.low }

// Of returns the country of an address, and whether there is one. An IPv4 address
// within IPv6 is looked up as what it is.
func (t *Table) Of(a netip.Addr) ([2]byte, bool) {
	if t == nil || !a.IsValid() {
		return [2]byte{}, false
	}
	a = a.Unmap()
	var i int
	if a.Is4() {
		b := a.As4()
		at := binary.BigEndian.Uint32(b[:])
		i = sort.Search(len(t.starts4), func(i int) bool { return t.starts4[i] > at }) - 1
	} else {
		at := wideOf(a)
		i = sort.Search(len(t.starts6), func(i int) bool { return at.less(t.starts6[i]) }) - 1
		if i >= 0 {
			i += len(t.starts4)
		}
	}
	if i < 0 || t.countries[i] == (code{}) {
		return [2]byte{}, false
	}
	return t.countries[i], true
}

// Len returns how many ranges the table holds, gaps among them.
func (t *Table) Len() int { return len(t.countries) }
