package trial

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"

	"thimble"
)

// None is the group of who is in no group: they see the list as it is, and are not counted.
const None = -1

// Assign returns the variant of a person in an experiment, [None] for who is outside the
// shares. It is a function of its inputs: the same each time.
func Assign(key []byte, experiment thimble.ID, who thimble.SubjectID, variants []Variant) int {
	place := int(draw(key, experiment[:], who[:]) % whole)
	for i, v := range variants {
		if place -= v.Share; place < 0 {
			return i
		}
	}
	return None
}

// draw makes 64 bits of a keyed hash. Taking them modulo 10,000 is off by less than one in
// 10¹⁵.
func draw(key []byte, parts ...[]byte) uint64 {
	h := hmac.New(sha256.New, key)
	for _, p := range parts {
		h.Write(p)
	}
	return binary.BigEndian.Uint64(h.Sum(nil))
}

// A Pick is what lots decided about the last entry of a list: which candidate, the first
// being the one that stands there by its score, and how likely that was.
type Pick struct {
	Candidate int
	Parts, Of int64
}

// Pick draws. Candidates is how many there are for the entry, at least one; chance gives
// a number from 0 to n-1, each as likely.
func (e Exploration) Pick(candidates int, chance func(n int64) int64) Pick {
	m := min(e.Among, int64(candidates))
	if m < 2 {
		return Pick{Parts: 1, Of: 1}
	}
	n := int64(0)
	if chance(1000) < e.PerMille {
		n = chance(m)
	}
	p := Pick{Candidate: int(n), Parts: e.PerMille, Of: 1000 * m}
	if n == 0 { // by its score, or drawn
		p.Parts += (1000 - e.PerMille) * m
	}
	return p
}
