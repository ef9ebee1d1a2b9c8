package frame

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/bits"

	"thimble"
)

// The form of a frame, version 1. Numbers of fixed width are little endian, the others
// varints (unsigned LEB128; zigzag where they may be negative) in their shortest form.
//
//	head     magic "thf", version                                  4 bytes
//	         length of the whole, number of records, of keys       3 × 4
//	         seq, received                                         2 × 8
//	         which records have a repeat key: a bit for each       (records+7)/8
//	         these keys, in the order of their records             16 each
//	         CRC32C of all of it                                   4
//	names    of categories: how many, then length and bytes, in the order of first use
//	records  what it has (a bit for each of the fields below); id, subject, received less
//	         that of the frame, source, order key; parts: how many, then number of the
//	         name, length, bytes; counts: how many, then event, item, day, how often
//	tail     CRC32C of all before                                  4
//
// The head has a checksum of its own, so that the keys are read without the rest.
const (
	magic   = "thf"
	version = 1
	fixed   = 32
	sum     = 4
)

// Limits of what a frame holds.
const (
	MaxRecords = 1 << 20
	MaxBytes   = 256 << 20
	maxParts   = 255
	maxCounts  = 1 << 16
	maxName    = 255
	maxText    = 1024
)

// What a record has.
const (
	hasID = 1 << iota
	hasSubject
	hasArrival // received or source
	hasOrder
	hasParts
	hasCounts
	hasAll = 1<<iota - 1
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Check says what is wrong with a record: an error of kind thimble.ErrInvalid that names
// the field and the rule.
func (r *Record) Check() error {
	switch {
	case !r.Subject.IsZero() && r.ID.IsZero():
		return invalid("a record of a person has no id")
	case !r.Subject.IsZero() && len(r.Counts) > 0:
		return invalid("counts lead to nobody, and the record has a subject")
	case r.Subject.IsZero() && len(r.Parts) > 0:
		return invalid("a part is sealed for a person, and the record has no subject")
	case len(r.Parts) > maxParts:
		return invalid("a record has at most %d parts", maxParts)
	case len(r.Counts) > maxCounts:
		return invalid("a record has at most %d counts", maxCounts)
	}
	for i, p := range r.Parts {
		if n := len(p.Category); n == 0 || n > maxName {
			return invalid("the category of part %d has %d bytes, 1 to %d were expected", i, n, maxName)
		}
		for _, other := range r.Parts[:i] {
			if other.Category == p.Category {
				return invalid("two parts of a record have one category")
			}
		}
	}
	for i, c := range r.Counts {
		if len(c.Event) > maxText || len(c.Item) > maxText {
			return invalid("a name of count %d is longer than %d bytes", i, maxText)
		}
	}
	return nil
}

// Size returns about how many bytes the record takes in a frame.
func (r *Record) Size() int {
	n := 80
	for i := range r.Parts {
		n += 6 + len(r.Parts[i].Sealed)
	}
	for i := range r.Counts {
		n += 12 + len(r.Counts[i].Event) + len(r.Counts[i].Item)
	}
	return n
}

// Append appends the frame's binary form to b, which is returned as it was with an error
// of kind thimble.ErrInvalid when a record breaks a rule.
func (f *Frame) Append(b []byte) ([]byte, error) {
	start := len(b)
	if len(f.Records) > MaxRecords {
		return b, invalid("a frame has at most %d records", MaxRecords)
	}
	if f.Seq < 0 {
		return b, invalid("the number of a frame is negative")
	}
	if f.Unreadable {
		return b, invalid("what could not be read is not written again")
	}
	for i := range f.Records {
		if err := f.Records[i].Check(); err != nil {
			return b, fmt.Errorf("frame: record %d: %w", i, err)
		}
	}
	out := f.appendHead(b)
	out, names := f.appendNames(out)
	for i := range f.Records {
		out = appendRecord(out, &f.Records[i], f.Received, names)
	}
	size := len(out) - start + sum
	if size > MaxBytes {
		return b, invalid("a frame has at most %d bytes", MaxBytes)
	}
	whole := out[start:]
	binary.LittleEndian.PutUint32(whole[4:], uint32(size))
	head := headLen(len(f.Records), int(binary.LittleEndian.Uint32(whole[12:])))
	binary.LittleEndian.PutUint32(whole[head-sum:], crc32.Checksum(whole[:head-sum], castagnoli))
	return binary.LittleEndian.AppendUint32(out, crc32.Checksum(whole, castagnoli)), nil
}

func headLen(records, keys int) int { return fixed + (records+7)/8 + keys*len(Key{}) + sum }

// appendHead leaves room for the length and the checksum.
func (f *Frame) appendHead(b []byte) []byte {
	start := len(b)
	b = append(append(b, magic...), version)
	b = binary.LittleEndian.AppendUint32(b, 0)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(f.Records)))
	b = binary.LittleEndian.AppendUint32(b, 0)
	b = binary.LittleEndian.AppendUint64(b, uint64(f.Seq))
	b = binary.LittleEndian.AppendUint64(b, uint64(f.Received))
	at, keys := len(b), 0
	for range (len(f.Records) + 7) / 8 {
		b = append(b, 0)
	}
	for i := range f.Records {
		if k := &f.Records[i].Repeat; *k != (Key{}) {
			b[at+i/8] |= 1 << (i % 8)
			b = append(b, k[:]...)
			keys++
		}
	}
	binary.LittleEndian.PutUint32(b[start+12:], uint32(keys))
	return binary.LittleEndian.AppendUint32(b, 0)
}

func (f *Frame) appendNames(b []byte) ([]byte, map[thimble.Category]uint64) {
	names, order := map[thimble.Category]uint64{}, make([]thimble.Category, 0, 8)
	for i := range f.Records {
		for j := range f.Records[i].Parts {
			c := f.Records[i].Parts[j].Category
			if _, ok := names[c]; !ok {
				names[c] = uint64(len(order))
				order = append(order, c)
			}
		}
	}
	b = binary.AppendUvarint(b, uint64(len(order)))
	for _, c := range order {
		b = appendText(b, string(c))
	}
	return b, names
}

func appendRecord(b []byte, r *Record, received int64, names map[thimble.Category]uint64) []byte {
	has := r.has()
	b = append(b, has)
	if has&hasID != 0 {
		b = append(b, r.ID[:]...)
	}
	if has&hasSubject != 0 {
		b = append(b, r.Subject[:]...)
	}
	if has&hasArrival != 0 {
		b = binary.AppendVarint(b, r.Received-received) // wraps, and so does its inverse
		b = binary.AppendUvarint(b, uint64(r.Source))
	}
	if has&hasOrder != 0 {
		b = append(b, r.Order[:]...)
	}
	if has&hasParts != 0 {
		b = binary.AppendUvarint(b, uint64(len(r.Parts)))
		for i := range r.Parts {
			p := &r.Parts[i]
			b = binary.AppendUvarint(b, names[p.Category])
			b = binary.AppendUvarint(b, uint64(len(p.Sealed)))
			b = append(b, p.Sealed...)
		}
	}
	if has&hasCounts != 0 {
		b = binary.AppendUvarint(b, uint64(len(r.Counts)))
		for i := range r.Counts {
			c := &r.Counts[i]
			b = appendText(appendText(b, c.Event), c.Item)
			b = binary.AppendUvarint(binary.AppendVarint(b, int64(c.Day)), uint64(c.N))
		}
	}
	return b
}

func (r *Record) has() (has byte) {
	if !r.ID.IsZero() {
		has |= hasID
	}
	if !r.Subject.IsZero() {
		has |= hasSubject
	}
	if r.Received != 0 || r.Source != 0 {
		has |= hasArrival
	}
	if r.Order != (Key{}) {
		has |= hasOrder
	}
	if len(r.Parts) > 0 {
		has |= hasParts
	}
	if len(r.Counts) > 0 {
		has |= hasCounts
	}
	return has
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func ones(b []byte) (n int) {
	for _, c := range b {
		n += bits.OnesCount8(c)
	}
	return n
}

func invalid(format string, args ...any) error {
	return fmt.Errorf(format+": %w", append(args, thimble.ErrInvalid)...)
}
