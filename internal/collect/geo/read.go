package geo

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math/big"
	"net/netip"
	"slices"
	"strings"

	"thimble"
)

// Bounds of a table: the largest free one has under a million lines.
const (
	maxLine   = 1024
	maxRanges = 4_000_000
)

func invalid(line int, rule string) error {
	return fmt.Errorf("geo: line %d: %s: %w", line, rule, thimble.ErrInvalid)
}

// A span is one range as it is read.
type span struct {
	first, last netip.Addr
	country     code
	line        int
}

// Read reads a table, packed by gzip or not.
func Read(r io.Reader) (*Table, error) {
	in := bufio.NewReaderSize(r, 64<<10)
	if head, _ := in.Peek(2); bytes.Equal(head, []byte{0x1f, 0x8b}) {
		unpacked, err := gzip.NewReader(in)
		if err != nil {
			return nil, fmt.Errorf("geo: unpacking: %v (%w)", err, thimble.ErrInvalid)
		}
		in = bufio.NewReaderSize(unpacked, 64<<10)
	}
	s := bufio.NewScanner(in)
	s.Buffer(make([]byte, 0, maxLine), maxLine)
	var all []span
	n := 0
	for s.Scan() {
		n++
		line := strings.TrimSpace(strings.TrimPrefix(s.Text(), "\ufeff"))
		if line == "" || line[0] == '#' {
			continue
		}
		one, err := parse(line)
		switch {
		case err != "" && len(all) == 0 && n == 1:
			continue // a head
		case err != "":
			return nil, invalid(n, err)
		case len(all) == maxRanges:
			return nil, invalid(n, fmt.Sprintf("at most %d ranges were expected", maxRanges))
		}
		one.line = n
		all = append(all, one)
	}
	if err := s.Err(); err != nil {
		return nil, fmt.Errorf("geo: after line %d: lines of at most %d bytes were expected: %v (%w)", n, maxLine, err, thimble.ErrInvalid)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("geo: ranges of addresses were expected, and there are none: %w", thimble.ErrInvalid)
	}
	return build(all)
}

// parse reads a line. It returns the rule that is broken, "" for none.
func parse(line string) (s span, rule string) {
	fields := strings.Split(line, ",")
	for i, f := range fields {
		fields[i] = strings.TrimSpace(strings.Trim(strings.TrimSpace(f), `"`))
	}
	if prefix, err := netip.ParsePrefix(fields[0]); err == nil && len(fields) > 1 {
		prefix = prefix.Masked()
		s.first, s.last = prefix.Addr(), lastOf(prefix)
		s.country, rule = country(fields[1])
	} else {
		if len(fields) < 3 {
			return s, "first address, last address and country, or network and country, were expected"
		}
		var ok, also bool
		s.first, ok = address(fields[0])
		s.last, also = address(fields[1])
		if !ok || !also {
			return s, "an address was expected, in text or as a number"
		}
		s.country, rule = country(fields[2])
	}
	s.first, s.last = plain(s.first), plain(s.last)
	// A table of IPv6 by numbers begins with a small one.
	if s.first.Is4() && !s.last.Is4() {
		var b [16]byte
		four := s.first.As4()
		copy(b[12:], four[:])
		s.first = netip.AddrFrom16(b)
	}
	if rule == "" && !s.first.Is4() && s.last.Is4() {
		rule = "two addresses of one kind were expected"
	}
	if rule == "" && s.last.Less(s.first) {
		rule = "the last address is before the first"
	}
	return s, rule
}

func plain(a netip.Addr) netip.Addr { return a.WithZone("").Unmap() }

// address reads an address in text, or as a number: below 2^32 it is one of IPv4.
func address(s string) (netip.Addr, bool) {
	if a, err := netip.ParseAddr(s); err == nil {
		return a, true
	}
	if s == "" || len(s) > 39 || strings.Trim(s, "0123456789") != "" {
		return netip.Addr{}, false
	}
	n, _ := new(big.Int).SetString(s, 10)
	if n.BitLen() > 128 {
		return netip.Addr{}, false
	}
	var b [16]byte
	n.FillBytes(b[:])
	if n.BitLen() <= 32 {
		return netip.AddrFrom4([4]byte(b[12:])), true
	}
	return netip.AddrFrom16(b), true
}

func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// country reads a code. "-", "ZZ" and nothing are none.
func country(s string) (c code, rule string) {
	if s == "" || s == "-" || s == "ZZ" {
		return c, ""
	}
	if len(s) != 2 || s[0] < 'A' || s[0] > 'Z' || s[1] < 'A' || s[1] > 'Z' {
		return c, "a country of two capital letters was expected"
	}
	return code{s[0], s[1]}, ""
}

// build orders ranges and makes what lies between two of them a range of no country.
func build(all []span) (*Table, error) {
	slices.SortStableFunc(all, func(a, b span) int { return a.first.Compare(b.first) })
	t := &Table{}
	var six []code
	for i, s := range all {
		if i > 0 && all[i-1].last.Is4() == s.first.Is4() && !all[i-1].last.Less(s.first) {
			return nil, invalid(max(s.line, all[i-1].line), fmt.Sprintf("the range overlaps that of line %d", min(s.line, all[i-1].line)))
		}
		if s.first.Is4() {
			t.add4(s)
		} else {
			six = t.add6(six, s)
		}
	}
	t.countries = slices.Clip(append(t.countries, six...))
	t.starts4, t.starts6 = slices.Clip(t.starts4), slices.Clip(t.starts6)
	return t, nil
}

// add4 adds a range and the gap that may follow, both joined with what is alike.
func (t *Table) add4(s span) {
	start := func(a netip.Addr) uint32 {
		b := a.As4()
		return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
	}
	put := func(at uint32, c code) {
		n := len(t.starts4)
		switch {
		case n > 0 && t.starts4[n-1] == at: // the gap was none
			t.countries[n-1] = c
			if n > 1 && t.countries[n-2] == c {
				t.starts4, t.countries = t.starts4[:n-1], t.countries[:n-1]
			}
		case n == 0 || t.countries[n-1] != c:
			t.starts4, t.countries = append(t.starts4, at), append(t.countries, c)
		}
	}
	put(start(s.first), s.country)
	if next := s.last.Next(); next.IsValid() {
		put(start(next), code{})
	}
}

func (t *Table) add6(countries []code, s span) []code {
	put := func(at wide, c code) {
		n := len(t.starts6)
		switch {
		case n > 0 && t.starts6[n-1] == at:
			countries[n-1] = c
			if n > 1 && countries[n-2] == c {
				t.starts6, countries = t.starts6[:n-1], countries[:n-1]
			}
		case n == 0 || countries[n-1] != c:
			t.starts6, countries = append(t.starts6, at), append(countries, c)
		}
	}
	put(wideOf(s.first), s.country)
	if next := s.last.Next(); next.IsValid() {
		put(wideOf(next), code{})
	}
	return countries
}
