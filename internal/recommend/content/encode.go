package content

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"thimble"
)

const magic = "THCM\x01"

// MarshalBinary writes the model in the form of the package comment. The same model
// gives the same bytes.
func (m *Model) MarshalBinary() ([]byte, error) {
	b := []byte(magic)
	number := func(n int) { b = binary.AppendUvarint(b, uint64(n)) }
	text := func(s string) { number(len(s)); b = append(b, s...) }
	number(int(fields))
	for f := range fields {
		text(f.String())
	}
	number(len(m.known))
	for _, c := range m.known {
		number(int(c.field))
		text(c.value)
	}
	number(len(m.ids))
	for i, id := range m.ids {
		text(string(id))
		number(len(m.rows[i]))
		before := int32(-1)
		for _, c := range m.rows[i] {
			number(int(c.of - before))
			b = append(b, c.weight)
			before = c.of
		}
	}
	return b, nil
}

// Hash is the SHA-256 of the model's bytes.
func (m *Model) Hash() [sha256.Size]byte {
	b, _ := m.MarshalBinary() //nolint:errcheck // it has no error
	return sha256.Sum256(b)
}

// Unmarshal reads what MarshalBinary wrote. The model ranks as the one that was written;
// what [Model.With] needs is not in the file, so that nothing can be added to it.
func Unmarshal(b []byte) (*Model, error) {
	r := &reader{rest: b}
	if string(r.take(len(magic))) != magic {
		return nil, fmt.Errorf("content: this is no model of form 1: %w", thimble.ErrInvalid)
	}
	m := &Model{at: map[feature]int32{}, place: map[thimble.ItemID]int32{}}
	if n := r.number(); n != int(fields) {
		r.bad = true
	}
	for f := Field(0); f < fields && !r.bad; f++ {
		r.bad = r.text() != f.String()
	}
	for n := r.number(); n > 0 && !r.bad; n-- {
		field := r.varint()
		f := feature{Field(field), r.text()}
		r.bad = r.bad || field >= int(fields)
		m.at[f] = int32(len(m.known))
		m.known = append(m.known, counted{feature: f})
	}
	m.postings = make([][]cell, len(m.known))
	for n := r.number(); n > 0 && !r.bad; n-- {
		m.read(r)
	}
	if r.bad || len(r.rest) > 0 {
		return nil, fmt.Errorf("content: the model's file is damaged: %w", thimble.ErrInvalid)
	}
	return m, nil
}

// read reads one product.
func (m *Model) read(r *reader) {
	id, i := thimble.ItemID(r.text()), int32(len(m.ids))
	if _, had := m.place[id]; had {
		r.bad = true
	}
	m.ids, m.place[id] = append(m.ids, id), i
	var row []cell
	before := int32(-1)
	for n := r.number(); n > 0 && !r.bad; n-- {
		gap := r.varint()
		if r.bad = r.bad || gap < 1 || gap > len(m.known)-1-int(before); r.bad {
			return
		}
		before += int32(gap)
		w := r.take(1)
		if r.bad {
			return
		}
		row = append(row, cell{before, w[0]})
		m.postings[before] = append(m.postings[before], cell{i, w[0]})
	}
	m.rows = append(m.rows, row)
}

// A reader reads until something is wrong.
type reader struct {
	rest []byte
	bad  bool
}

func (r *reader) take(n int) []byte {
	if r.bad || n < 0 || n > len(r.rest) {
		r.bad = true
		return nil
	}
	out := r.rest[:n]
	r.rest = r.rest[n:]
	return out
}

func (r *reader) varint() int {
	n, size := binary.Uvarint(r.rest)
	if r.bad || size <= 0 || n > 1<<31-1 {
		r.bad = true
		return 0
	}
	r.rest = r.rest[size:]
	return int(n)
}

// number reads a count of what follows: it is never more than the bytes that are left,
// which bounds what a damaged file makes us allocate.
func (r *reader) number() int {
	n := r.varint()
	if n > len(r.rest) {
		r.bad = true
		return 0
	}
	return n
}

func (r *reader) text() string { return string(r.take(r.number())) }
