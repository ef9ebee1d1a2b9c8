package timeline

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"thimble"
)

// A Place is where a record lies in the log. Places are ordered as records came in,
// and a record keeps its place for ever.
type Place struct {
	Seq   int64 // of the frame
	Index int   // in the frame
}

// Before reports whether p came in before q.
func (p Place) Before(q Place) bool {
	return p.Seq < q.Seq || p.Seq == q.Seq && p.Index < q.Index
}

// IsZero reports whether p is no place.
func (p Place) IsZero() bool { return p == Place{} }

// String writes the place as pages carry it from one to the next: it says where
// something lies, and nothing about whom.
func (p Place) String() string {
	if p.IsZero() {
		return ""
	}
	return strconv.FormatInt(p.Seq, 36) + "." + strconv.FormatInt(int64(p.Index), 36)
}

// ParsePlace reads what String wrote; "" is no place.
func ParsePlace(s string) (Place, error) {
	if s == "" {
		return Place{}, nil
	}
	seq, index, ok := strings.Cut(s, ".")
	var p Place
	n, err := strconv.ParseInt(seq, 36, 64)
	i, err2 := strconv.ParseInt(index, 36, 32)
	p.Seq, p.Index = n, int(i)
	if !ok || err != nil || err2 != nil || n < 1 || i < 0 || p.String() != s {
		return Place{}, fmt.Errorf("timeline: the place must be one that a page before gave: %w", thimble.ErrInvalid)
	}
	return p, nil
}

// A block is a run of frames whose postings of one person lie in one row. Its first
// frame is the base that the postings are counted from.
const blockBits = 14

// Block returns the number of the block that a frame is in.
func Block(seq int64) int64 { return seq >> blockBits }

// AppendPosting appends where a record lies to its block's postings: the frame's
// distance from the block's base and the record's index, as varints. Two runs of
// postings that are put one behind the other are one.
func AppendPosting(dst []byte, p Place) []byte {
	dst = binary.AppendUvarint(dst, uint64(p.Seq)&(1<<blockBits-1))
	return binary.AppendUvarint(dst, uint64(p.Index))
}

var errPostings = errors.New("timeline: postings that do not decode")

// Postings appends the places that a block's bytes say, in the order in which they
// were appended. The error is of kind ErrInvalid.
func Postings(dst []Place, block int64, b []byte) ([]Place, error) {
	for len(b) > 0 {
		seq, n := binary.Uvarint(b)
		if n <= 0 || seq >= 1<<blockBits {
			return dst, fmt.Errorf("%w: %w", errPostings, thimble.ErrInvalid)
		}
		index, m := binary.Uvarint(b[n:])
		if m <= 0 || index > 1<<31-1 {
			return dst, fmt.Errorf("%w: %w", errPostings, thimble.ErrInvalid)
		}
		dst = append(dst, Place{Seq: block<<blockBits | int64(seq), Index: int(index)})
		b = b[n+m:]
	}
	return dst, nil
}
