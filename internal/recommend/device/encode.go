package device

import (
	"bytes"
	"encoding/binary"
	"slices"
	"time"

	"thimble"
)

// The file is little-endian, and read by sdk/js/src/rank.ts as well:
//
//	magic      8 bytes "thimDEV\x01", the last one is the version
//	kind       u8
//	made       u32 seconds since 1970
//	until      u32
//	statement  text: uvarint length, UTF-8
//	fields     uvarint count, each a text
//	currency   text, of 0 or 3 bytes
//	categories uvarint count, each a text, strictly ascending
//	items      uvarint count, then for each uvarint bytes it shares with the id before,
//	           text of the rest; text of the name; uvarint category from 1, 0 for none;
//	           uvarint price in minor units, 0 for none
//	rows       for each item uvarint number of cells, then the distances of their items (from
//	           -1) as uvarints, then their codes, a byte each, and with fields a byte each of those
//	signature  64 bytes: ECDSA on P-256 with SHA-256 over all before (IEEE P1363 form)
//
// Distances and codes lie apart because both compress better so.
const magic = "thimDEV\x01"

// unsigned returns the bytes that are signed.
func (f *File) unsigned() []byte {
	b := append(make([]byte, 0, 64*len(f.items)+3*f.Cells()+1024), magic...)
	b = append(b, byte(f.Kind))
	b = binary.LittleEndian.AppendUint32(b, uint32(f.Made.Unix()))
	b = binary.LittleEndian.AppendUint32(b, uint32(f.Until.Unix()))
	b = appendText(b, f.Statement)
	b = appendTexts(b, f.Fields)
	b = appendText(b, f.Currency)
	words := f.categories()
	b = appendTexts(b, words)
	b = binary.AppendUvarint(b, uint64(len(f.items)))
	before := thimble.ItemID("")
	for _, it := range f.items {
		same := common(before, it.ID)
		b = binary.AppendUvarint(b, uint64(same))
		b = appendText(b, string(it.ID[same:]))
		b = appendText(b, it.Name)
		place, ok := slices.BinarySearch(words, it.Category)
		if ok {
			place++
		} else {
			place = 0
		}
		b = binary.AppendUvarint(b, uint64(place))
		b = binary.AppendUvarint(b, uint64(it.Price))
		before = it.ID
	}
	for _, row := range f.rows {
		b = f.appendRow(b, row)
	}
	return b
}

func (f *File) appendRow(b []byte, row []Cell) []byte {
	b = binary.AppendUvarint(b, uint64(len(row)))
	before := int32(-1)
	for _, c := range row {
		b = binary.AppendUvarint(b, uint64(c.Item-before))
		before = c.Item
	}
	for _, c := range row {
		b = append(b, byte(c.Code))
	}
	if len(f.Fields) > 0 {
		for _, c := range row {
			b = append(b, c.Fields)
		}
	}
	return b
}

// categories are those that items have, in ascending order.
func (f *File) categories() (all []string) {
	for _, it := range f.items {
		if it.Category != "" {
			all = append(all, it.Category)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendTexts(b []byte, all []string) []byte {
	b = binary.AppendUvarint(b, uint64(len(all)))
	for _, s := range all {
		b = appendText(b, s)
	}
	return b
}

// common returns how many bytes two ids have in common at their beginnings.
func common(a, b thimble.ItemID) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// A decoder reads from rest until something is wrong; then it reads zeros.
type decoder struct {
	rest  []byte
	fault string
}

func (d *decoder) fail(why string) {
	if d.fault == "" {
		d.fault = why
	}
	d.rest = nil
}

func (d *decoder) take(n uint64) []byte {
	if n > uint64(len(d.rest)) {
		d.fail("it is cut short")
		return nil
	}
	out := d.rest[:n]
	d.rest = d.rest[n:]
	return out
}

// number reads a uvarint of at most limit, in its shortest form.
func (d *decoder) number(limit uint64) uint64 {
	v, n := binary.Uvarint(d.rest)
	if n <= 0 || n > 1 && d.rest[n-1] == 0 || v > limit {
		d.fail("a number is out of range")
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

func (d *decoder) text() string { return string(d.take(d.number(maxStatement))) }

func (d *decoder) texts(limit uint64) (all []string) {
	for range d.number(min(limit, uint64(len(d.rest)))) {
		all = append(all, d.text())
	}
	return all
}

func (d *decoder) seconds() time.Time {
	var word [4]byte
	copy(word[:], d.take(4))
	return time.Unix(int64(binary.LittleEndian.Uint32(word[:])), 0).UTC()
}

// parse reads what unsigned wrote, and nothing else. It allocates in proportion to len(b).
func parse(b []byte) (*File, error) {
	if !bytes.HasPrefix(b, []byte(magic)) {
		return nil, invalid("it does not start as one")
	}
	d := &decoder{rest: b[len(magic):]}
	var h Head
	if kind := d.take(1); kind != nil {
		h.Kind = Kind(kind[0])
	}
	h.Made, h.Until = d.seconds(), d.seconds()
	h.Statement, h.Fields, h.Currency = d.text(), d.texts(maxFields), d.text()
	items := d.items(d.texts(MaxItems))
	rows := d.rows(items, len(h.Fields) > 0)
	if d.fault == "" && len(d.rest) > 0 {
		d.fail("bytes are left over")
	}
	if d.fault != "" {
		return nil, invalid("%s", d.fault)
	}
	f, err := New(h, items, rows)
	if err == nil && !bytes.Equal(f.unsigned(), b) {
		err = invalid("it is not in its one form")
	}
	return f, err
}

func (d *decoder) items(words []string) []Item {
	n := d.number(min(MaxItems, uint64(len(d.rest)/5)))
	items := make([]Item, 0, n)
	before := thimble.ItemID("")
	for range n {
		same := d.number(uint64(len(before)))
		it := Item{ID: before[:same] + thimble.ItemID(d.text()), Name: d.text()}
		if place := d.number(uint64(len(words))); place > 0 {
			it.Category = words[place-1]
		}
		it.Price = int64(d.number(1 << 53))
		if d.fault != "" || len(it.ID) > maxText {
			d.fail("an item is not valid")
			return items
		}
		items = append(items, it)
		before = it.ID
	}
	return items
}

func (d *decoder) rows(items []Item, fields bool) [][]Cell {
	rows := make([][]Cell, len(items))
	for i := range rows {
		n := d.number(min(uint64(len(items)), uint64(len(d.rest)/2)))
		row, before := make([]Cell, n), int32(-1)
		for k := range row {
			row[k].Item = before + int32(d.number(uint64(len(items))))
			before = row[k].Item
		}
		codes := d.take(n)
		for k := range codes {
			row[k].Code = int8(codes[k])
		}
		if fields {
			alike := d.take(n)
			for k := range alike {
				row[k].Fields = alike[k]
			}
		}
		if d.fault != "" {
			return rows
		}
		rows[i] = row
	}
	return rows
}
