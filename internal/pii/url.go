package pii

// colon looks for a URL, an IPv6 address or the address of a network interface
// around a colon, and returns where to read on.
func (sc *scanner) colon(at int) int {
	if at+2 < len(sc.s) && sc.s[at+1] == '/' && sc.s[at+2] == '/' {
		return sc.url(at)
	}
	return sc.hex(at)
}

// maxURL bounds the reading of one URL; what is longer is read in parts.
const maxURL = 4096

func (sc *scanner) url(at int) int {
	if at < sc.seen {
		return at + 3 // inside of one that was looked at
	}
	from := at
	for from > 0 && at-from < 12 && class[sc.s[from-1]]&isLetter != 0 {
		from--
	}
	to := at + 3
	for to < len(sc.s) && to-at < maxURL && class[sc.s[to]]&isBlank == 0 && sc.s[to] != '<' && sc.s[to] != '>' && sc.s[to] != '"' {
		to++
	}
	sc.seen = to
	for to > at+3 && unlikely(sc.s[to-1]) {
		to--
	}
	if from < at && hasIDs(sc.s[at+3:to]) {
		return sc.found(from, to, URL, "url.ids")
	}
	// Without ids it is no URL of a person, but what it holds may be.
	return at + 3
}

// unlikely are bytes that end a sentence rather than a URL.
func unlikely(c byte) bool {
	switch c {
	case '.', ',', ';', ':', '!', '?', ')', ']', '\'', '*':
		return true
	}
	return false
}

// hasIDs reports whether what follows "://" carries something that can tell people
// apart: a user, a value in the query or fragment, or a part of the path that is a
// long number, a UUID or a token.
func hasIDs(rest []byte) bool {
	part, pathFrom := 0, false
	for i, c := range rest {
		switch c {
		case '@':
			return true
		case '=':
			if pathFrom && i+1 < len(rest) && rest[i+1] != '&' {
				return true
			}
		}
		if c == '/' || c == '?' || c == '#' || c == '&' || c == ';' {
			if pathFrom && isToken(rest[part:i]) {
				return true
			}
			part, pathFrom = i+1, true
		}
	}
	return pathFrom && isToken(rest[part:])
}

// isToken reports whether a part of a path is an id rather than words: six digits or
// more in a row, or sixteen characters or more of which four are digits and which hold
// no more than the four hyphens of a UUID.
func isToken(part []byte) bool {
	digits, row, hyphens := 0, 0, 0
	for _, c := range part {
		switch {
		case class[c]&isDigit != 0:
			digits, row = digits+1, row+1
			if row >= 6 {
				return true
			}
			continue
		case c == '-' || c == '_':
			hyphens++
		case class[c]&isLetter == 0:
			return false
		}
		row = 0
	}
	return len(part) >= 16 && digits >= 4 && (hyphens == 0 || hyphens == 4 && len(part) == 36)
}

// hex looks for an address of hexadecimal groups around a colon: eight of IPv6, or
// fewer with one "::" (RFC 4291, 2.2), or the six pairs of a MAC.
func (sc *scanner) hex(at int) int {
	from := at
	for from > 0 && at-from < 5 && class[sc.s[from-1]]&isHex != 0 {
		from--
	}
	groups, digits, pairs, decimals, gap := 0, 0, 0, 0, false
	i, end := from, from
	for groups <= 8 {
		n := 0
		for i < len(sc.s) && n < 5 && class[sc.s[i]]&isHex != 0 {
			decimals += int(class[sc.s[i]] & isDigit)
			i, n = i+1, n+1
		}
		if n > 4 {
			return at + 1
		}
		if n > 0 {
			groups, digits, end = groups+1, digits+n, i
		}
		if n == 2 {
			pairs++
		}
		if i >= len(sc.s) || sc.s[i] != ':' {
			break
		}
		i++
		if i < len(sc.s) && sc.s[i] == ':' {
			if gap {
				return at + 1
			}
			gap, i = true, i+1
			end = i
		}
	}
	whole := sc.alone(from, end)
	switch {
	case whole && groups == 6 && pairs == 6 && !gap:
		return sc.found(from, end, Device, "mac")
	case whole && decimals > 0 && (groups == 8 && !gap || gap && groups >= 2 && groups < 8 && digits >= 5):
		return sc.found(from, end, IP, "ipv6")
	}
	return at + 1
}
