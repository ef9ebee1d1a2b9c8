package frame

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"

	"thimble"
)

// A Head is what is known of a frame without its records.
type Head struct {
	Seq      int64
	Received int64
	Records  int
	Len      int // bytes of the head
	Whole    int // bytes of the frame
	keys     []byte
}

// HeadLen returns how many bytes the head of a frame has, from its first 32; 0 if they
// are not the beginning of one.
func HeadLen(b []byte) int {
	if len(b) < fixed || string(b[:3]) != magic || b[3] != version {
		return 0
	}
	records, keys := binary.LittleEndian.Uint32(b[8:]), binary.LittleEndian.Uint32(b[12:])
	if records > MaxRecords || keys > records {
		return 0
	}
	return headLen(int(records), int(keys))
}

// RecordsOf returns how many records a frame says it has, from its first 16 bytes; 0 if they
// are not the beginning of one.
func RecordsOf(b []byte) int {
	if len(b) < 16 || string(b[:3]) != magic || b[3] != version {
		return 0
	}
	return int(min(binary.LittleEndian.Uint32(b[8:]), MaxRecords))
}

// DecodeHead reads the head of a frame. What follows is not looked at and may be
// missing. The error is of kind thimble.ErrInvalid.
func DecodeHead(b []byte) (Head, error) {
	n := HeadLen(b)
	if n == 0 || n > len(b) {
		return Head{}, fmt.Errorf("frame: %w", invalid("the head is not one of version %d, or cut off", version))
	}
	if crc32.Checksum(b[:n-sum], castagnoli) != binary.LittleEndian.Uint32(b[n-sum:]) {
		return Head{}, fmt.Errorf("frame: %w", invalid("the checksum of the head is another"))
	}
	h := Head{
		Seq: int64(binary.LittleEndian.Uint64(b[16:])), Received: int64(binary.LittleEndian.Uint64(b[24:])),
		Records: int(binary.LittleEndian.Uint32(b[8:])), Len: n, Whole: int(binary.LittleEndian.Uint32(b[4:])),
	}
	bitmap := b[fixed : fixed+(h.Records+7)/8]
	h.keys = b[fixed+len(bitmap) : n-sum]
	if ones(bitmap)*len(Key{}) != len(h.keys) || h.Records%8 != 0 && bitmap[len(bitmap)-1]>>(h.Records%8) != 0 {
		return Head{}, fmt.Errorf("frame: %w", invalid("the keys are not as many as the records that have one"))
	}
	if h.Seq < 0 || h.Whole < n+1+sum || h.Whole > MaxBytes {
		return Head{}, fmt.Errorf("frame: %w", invalid("number or length is out of range"))
	}
	return h, nil
}

// Keys calls f with each repeat key.
func (h *Head) Keys(f func(Key)) {
	for k := h.keys; len(k) > 0; k = k[len(Key{}):] {
		f(Key(k))
	}
}

// Decode reads a frame. The sealed parts lie in b, which the caller keeps as it is.
// Nothing is let through that [Frame.Append] would have written otherwise. The error
// is of kind thimble.ErrInvalid.
func Decode(b []byte) (Frame, error) {
	h, err := DecodeHead(b)
	if err != nil {
		return Frame{}, err
	}
	if h.Whole != len(b) || crc32.Checksum(b[:len(b)-sum], castagnoli) != binary.LittleEndian.Uint32(b[len(b)-sum:]) {
		return Frame{}, fmt.Errorf("frame: %w", invalid("length or checksum is another"))
	}
	d := decoder{b: b[:len(b)-sum], at: h.Len, received: h.Received}
	f := Frame{Seq: h.Seq, Received: h.Received}
	d.names()
	// A record has a byte at least, so that a false number costs no memory.
	if h.Records > len(d.b)-d.at {
		d.bad = true
	}
	if !d.bad {
		d.records(&f, h, b[fixed:])
	}
	if d.bad || d.at != len(d.b) || d.used != len(d.dictionary) {
		return Frame{}, fmt.Errorf("frame: %w", invalid("what follows the head is not in the form of version %d", version))
	}
	return f, nil
}

// A decoder remembers that something was wrong, and reads nothing from then on.
type decoder struct {
	b          []byte
	at         int
	received   int64
	dictionary []thimble.Category
	used       int // names of the dictionary
	parts      []Part
	bad        bool
}

func (d *decoder) records(f *Frame, h Head, bitmap []byte) {
	f.Records = make([]Record, h.Records)
	keys := h.keys
	for i := range f.Records {
		if d.bad {
			return
		}
		r := &f.Records[i]
		if bitmap[i/8]>>(i%8)&1 != 0 {
			r.Repeat = Key(keys)
			keys = keys[len(Key{}):]
			d.bad = d.bad || r.Repeat == Key{}
		}
		d.record(r)
	}
}

func (d *decoder) record(r *Record) {
	has := d.byte()
	if has > hasAll {
		d.bad = true
	}
	if has&hasID != 0 {
		copy(r.ID[:], d.bytes(len(r.ID)))
	}
	if has&hasSubject != 0 {
		copy(r.Subject[:], d.bytes(len(r.Subject)))
	}
	if has&hasArrival != 0 {
		r.Received = d.received + d.varint()
		r.Source = uint32(d.uvarint(math.MaxUint32))
	}
	if has&hasOrder != 0 {
		copy(r.Order[:], d.bytes(len(r.Order)))
	}
	if has&hasParts != 0 {
		r.Parts = d.readParts()
	}
	if has&hasCounts != 0 {
		r.Counts = d.counts()
	}
	// What is there is not empty, and the rules of a record hold.
	if !d.bad && (r.has() != has || r.Check() != nil) {
		d.bad = true
	}
}

func (d *decoder) names() {
	n := int(d.uvarint(uint64(len(d.b) - d.at)))
	for range n {
		if d.bad {
			return
		}
		name := thimble.Category(d.text(maxName))
		for _, other := range d.dictionary {
			d.bad = d.bad || other == name
		}
		d.dictionary = append(d.dictionary, name)
	}
}

func (d *decoder) readParts() []Part {
	n := int(d.uvarint(maxParts))
	if len(d.parts)+n > cap(d.parts) {
		d.parts = make([]Part, 0, max(n, 256))
	}
	from := len(d.parts)
	for range n {
		name := int(d.uvarint(uint64(len(d.dictionary))))
		size := int(d.uvarint(MaxBytes))
		sealed := d.bytes(size)
		if d.bad || name > d.used || name >= len(d.dictionary) {
			d.bad = true
			return nil
		}
		if name == d.used {
			d.used++
		}
		d.parts = append(d.parts, Part{Category: d.dictionary[name], Sealed: sealed})
	}
	return d.parts[from:len(d.parts):len(d.parts)]
}

func (d *decoder) counts() []Count {
	n := int(d.uvarint(min(maxCounts, uint64(len(d.b)-d.at))))
	all := make([]Count, 0, min(n, 1024))
	for range n {
		if d.bad {
			return nil
		}
		c := Count{Event: d.text(maxText), Item: d.text(maxText)}
		day := d.varint()
		c.Day, c.N = int32(day), uint32(d.uvarint(math.MaxUint32))
		if int64(c.Day) != day {
			d.bad = true
		}
		all = append(all, c)
	}
	return all
}

func (d *decoder) byte() byte {
	if b := d.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

func (d *decoder) bytes(n int) []byte {
	if d.bad || n < 0 || n > len(d.b)-d.at {
		d.bad = true
		return nil
	}
	d.at += n
	return d.b[d.at-n : d.at : d.at]
}

func (d *decoder) text(most uint64) string { return string(d.bytes(int(d.uvarint(most)))) }

// uvarint reads a number in its shortest form, at most as large as most.
func (d *decoder) uvarint(most uint64) uint64 {
	if d.bad {
		return 0
	}
	v, n := binary.Uvarint(d.b[d.at:])
	if n <= 0 || v > most || n > 1 && d.b[d.at+n-1] == 0 {
		d.bad = true
		return 0
	}
	d.at += n
	return v
}

func (d *decoder) varint() int64 {
	v := d.uvarint(math.MaxUint64)
	return int64(v>>1) ^ -int64(v&1)
}
