package recommend

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
)

// The file is little-endian:
//
//	magic    8 bytes "thimREC\x01", the last one is the version
//	recipe   u32 length, canonical JSON
//	counts   u64 people, items, interactions, non-zeros
//	items    each u16 length and bytes, strictly ascending
//	columns  each u64: the key of the K-th neighbour
//	rows     each uvarint number of cells, then for each cell
//	         uvarint distance to the item before (from -1) and one code byte
//	digest   32 bytes, SHA-256 of all before
//
// One model has one encoding, so its SHA-256 names it.
const magic = "thimREC\x01"

// MarshalBinary implements encoding.BinaryMarshaler. The caller owns the bytes.
func (m *Model) MarshalBinary() ([]byte, error) { return slices.Clone(m.encode()), nil }

func (m *Model) encode() []byte {
	m.encodeOnce.Do(func() {
		m.encoded = m.appendTo(make([]byte, 0, m.sizeHint()))
		m.hash = sha256.Sum256(m.encoded)
	})
	return m.encoded
}

func (m *Model) sizeHint() int {
	return 1024 + 20*len(m.table.ids) + 3*m.stats.NonZeros
}

func (m *Model) appendTo(b []byte) []byte {
	le := binary.LittleEndian
	b = append(b, magic...)
	recipe := m.recipe.JSON()
	b = le.AppendUint32(b, uint32(len(recipe)))
	b = append(b, recipe...)
	for _, n := range []int{m.stats.People, m.stats.Items, m.stats.Interactions, m.stats.NonZeros} {
		b = le.AppendUint64(b, uint64(n))
	}
	for _, id := range m.table.ids {
		b = le.AppendUint16(b, uint16(len(id)))
		b = append(b, id...)
	}
	for _, t := range m.thresholds {
		b = le.AppendUint64(b, t)
	}
	for i := range m.table.ids {
		b = appendRow(b, m.row(int32(i)))
	}
	digest := sha256.Sum256(b)
	return append(b, digest[:]...)
}

func appendRow(b []byte, row []cell) []byte {
	b = binary.AppendUvarint(b, uint64(len(row)))
	before := int32(-1)
	for _, c := range row {
		b = binary.AppendUvarint(b, uint64(c.item()-before))
		b = append(b, byte(c.code()))
		before = c.item()
	}
	return b
}
