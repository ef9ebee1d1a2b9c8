package pii

// email looks for an address around the at sign (RFC 5321, 4.5.3.1: 64 bytes before
// it, 255 after), and returns where to read on.
func (sc *scanner) email(at int) int {
	from := at
	for from > 0 && at-from < 64 && class[sc.s[from-1]]&isLocal != 0 {
		from--
	}
	// A sentence or a quotation may touch the address on its left.
	for from < at && class[sc.s[from]]&isWord == 0 && sc.s[from] != '_' && sc.s[from] != '+' {
		from++
	}
	to := sc.domain(at + 1)
	if from == at || to == 0 || sc.s[at-1] == '.' {
		return at + 1
	}
	return sc.found(from, to, Email, "email")
}

// domain returns the end of a domain name of two labels or more, 0 if there is none.
// The last label begins with a letter, so numbers of versions are none.
func (sc *scanner) domain(from int) (end int) {
	limit := min(len(sc.s), from+255)
	for i := from; i < limit; {
		start := i
		for i < limit && i-start < 64 && (class[sc.s[i]]&isWord != 0 || sc.s[i] == '-' && i > start) {
			i++
		}
		if i == start {
			break
		}
		last := i
		for last > start && sc.s[last-1] == '-' {
			last--
		}
		if start > from && last-start >= 2 && class[sc.s[start]]&(isLetter|isHigh) != 0 {
			end = last
		}
		if i >= limit || sc.s[i] != '.' {
			break
		}
		i++
	}
	return end
}
