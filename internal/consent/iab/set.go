package iab

import (
	"iter"
	"math/bits"
	"slices"
)

// A Set is a set of ids from 1 to [MaxID], as words of 64 bits.
type Set []uint64

// Has reports whether the id is in the set.
func (s Set) Has(id int) bool {
	return id > 0 && id>>6 < len(s) && s[id>>6]>>(id&63)&1 == 1
}

// Max returns the largest id, 0 for none.
func (s Set) Max() int {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] != 0 {
			return i<<6 + bits.Len64(s[i]) - 1
		}
	}
	return 0
}

// Len returns how many ids there are.
func (s Set) Len() (n int) {
	for _, w := range s {
		n += bits.OnesCount64(w)
	}
	return n
}

// All yields the ids in ascending order.
func (s Set) All() iter.Seq[int] {
	return func(yield func(int) bool) {
		for i, w := range s {
			for ; w != 0; w &= w - 1 {
				if !yield(i<<6 + bits.TrailingZeros64(w)) {
					return
				}
			}
		}
	}
}

// IDs returns the ids in ascending order.
func (s Set) IDs() []int { return slices.AppendSeq(make([]int, 0, s.Len()), s.All()) }

// Equal reports whether both hold the same ids, whatever their capacity.
func (s Set) Equal(t Set) bool {
	long, short := s, t
	if len(long) < len(short) {
		long, short = short, long
	}
	for _, w := range long[len(short):] {
		if w != 0 {
			return false
		}
	}
	return slices.Equal(long[:len(short)], short)
}

// NewSet returns the set of some ids. The error is of kind thimble.ErrInvalid.
func NewSet(ids ...int) (Set, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	top := slices.Max(ids)
	if slices.Min(ids) < 1 || top > MaxID {
		return nil, Invalid("ids", "ids from 1 to %d were expected", MaxID)
	}
	s := make(Set, top>>6+1)
	for _, id := range ids {
		s[id>>6] |= 1 << (id & 63)
	}
	return s, nil
}

// fill adds first to last, and reports whether none of them was in the set before.
func (s Set) fill(first, last int) bool {
	fresh := true
	for i := first >> 6; i <= last>>6; i++ {
		mask := ^uint64(0)
		if i == first>>6 {
			mask <<= first & 63
		}
		if i == last>>6 {
			mask &= ^uint64(0) >> (63 - last&63)
		}
		fresh = fresh && s[i]&mask == 0
		s[i] |= mask
	}
	return fresh
}

// A Range is the ids from First to Last.
type Range struct{ First, Last int }

// Ranges returns the runs of ids in ascending order.
func (s Set) Ranges() (all []Range) {
	for id := range s.All() {
		if n := len(all); n > 0 && all[n-1].Last == id-1 {
			all[n-1].Last = id
			continue
		}
		all = append(all, Range{id, id})
	}
	return all
}

// A Coding says how the ids of ranges are written.
type Coding int

// The codings.
const (
	Fixed     Coding = iota // 16 bits each: TCF
	Fibonacci               // the distance to the id before, Fibonacci-coded: GPP
)

const (
	idBits    = 16
	countBits = 12
)

// atOnce is how many bits of a field are read at a time: whole bytes of a window.
const atOnce = 56

// Set reads what the TCF calls a vendor section and the GPP an optimized range: the
// largest id, then a bit field of so many bits, or ranges.
func (r *Reader) Set(field string, c Coding) Set {
	top := int(r.Uint(field, idBits))
	ranges := r.Bool(field)
	if r.err != nil {
		return nil
	}
	if ranges {
		s := make(Set, top>>6+1)
		r.ranges(field, c, top, s, nil)
		return s
	}
	if !r.take(field, top) || top == 0 {
		return nil
	}
	// Bit i of the field is id i+1: the words are one bit behind it, and mirrored.
	s := make(Set, top>>6+1)
	for i := 0; i < top; i += atOnce {
		n := min(atOnce, top-i)
		w := bits.Reverse64(r.window() >> (64 - n) << (64 - n))
		r.pos += n
		at := i + 1
		s[at>>6] |= w << (at & 63)
		if over := at&63 + n - 64; over > 0 {
			s[at>>6+1] |= w >> (64 - at&63)
		}
	}
	return s
}

// Ranges reads ranges without a bit field before them, those of one restriction,
// and returns them in ascending order.
func (r *Reader) Ranges(field string) []Range {
	var all []Range
	r.ranges(field, Fixed, MaxID, nil, &all)
	slices.SortFunc(all, func(a, b Range) int { return a.First - b.First })
	for i := 1; i < len(all); i++ {
		if all[i].First <= all[i-1].Last {
			r.Fail(field, "an id is named twice")
		}
	}
	return all
}

// IDs reads Fibonacci-coded ranges, as the header of a GPP string has them.
func (r *Reader) IDs(field string, top int) Set {
	s := make(Set, top>>6+1)
	r.ranges(field, Fibonacci, top, s, nil)
	return s
}

// ranges reads ranges into a set or a list. The work is bounded: the first id
// that the set has already ends it.
func (r *Reader) ranges(field string, c Coding, top int, set Set, list *[]Range) {
	before := 0
	for range r.Uint(field, countBits) {
		group := r.Bool(field)
		first := r.id(field, c, before)
		last := first
		if group {
			last = r.id(field, c, first)
		}
		before = last
		switch {
		case r.err != nil:
		case first == 0 || last > top:
			r.Fail(field, "an id is not between 1 and the stated maximum")
		case last < first:
			r.Fail(field, "a range ends before it begins")
		case list != nil:
			*list = append(*list, Range{first, last})
		case !set.fill(first, last):
			r.Fail(field, "an id is named twice")
		}
		if r.err != nil {
			return
		}
	}
}

func (r *Reader) id(field string, c Coding, before int) int {
	if c == Fibonacci {
		return before + r.Fibonacci(field)
	}
	return int(r.Uint(field, idBits))
}
