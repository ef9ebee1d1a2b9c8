package recommend

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"thimble"
	"thimble/internal/ml"
)

// UnmarshalModel reads what MarshalBinary wrote, and nothing else: any other
// bytes are an error of kind ErrInvalid. It allocates in proportion to len(b).
func UnmarshalModel(b []byte) (*Model, error) {
	if len(b) < len(magic)+sha256.Size || string(b[:len(magic)]) != magic {
		return nil, invalidModel("it does not start as one")
	}
	body := b[:len(b)-sha256.Size]
	if sha256.Sum256(body) != [sha256.Size]byte(b[len(body):]) {
		return nil, invalidModel("the digest does not match")
	}
	d := decoder{rest: body[len(magic):]}
	m := d.model()
	if d.fault == "" && len(d.rest) > 0 {
		d.fail("bytes are left over")
	}
	if d.fault != "" {
		return nil, invalidModel(d.fault)
	}
	return m, nil
}

func invalidModel(why string) error {
	return fmt.Errorf("recommend: reading a model: %s: %w", why, thimble.ErrInvalid)
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

func (d *decoder) take(n int) []byte {
	if n < 0 || n > len(d.rest) {
		d.fail("it is cut short")
		return nil
	}
	out := d.rest[:n]
	d.rest = d.rest[n:]
	return out
}

func (d *decoder) uint(size int) uint64 {
	var word [8]byte
	copy(word[:], d.take(size))
	return binary.LittleEndian.Uint64(word[:])
}

// uvarint reads the shortest form only, so that a model has one encoding.
func (d *decoder) uvarint(limit int) int {
	v, n := binary.Uvarint(d.rest)
	if n <= 0 || n > 1 && d.rest[n-1] == 0 || v > uint64(limit) {
		d.fail("a number is out of range")
		return 0
	}
	d.rest = d.rest[n:]
	return int(v)
}

// count reads a number of things that each take at least size bytes of the rest.
func (d *decoder) count(size int) int {
	n := d.uint(8)
	if n > uint64(len(d.rest)/size) {
		d.fail("a count is larger than the file")
		return 0
	}
	return int(n)
}

func (d *decoder) model() *Model {
	recipe, err := ParseRecipe(d.take(int(d.uint(4))))
	if err != nil {
		d.fail("the recipe is not valid")
		return nil
	}
	m := &Model{recipe: recipe}
	m.stats.People = d.size()
	m.stats.Items = d.count(2 + 8 + 1)
	m.stats.Interactions = d.size()
	m.stats.NonZeros = d.count(2)
	if m.stats.Items > maxItems || m.stats.NonZeros > 1<<31-1 {
		d.fail("a count is too large")
	}
	m.table = d.items(m.stats.Items)
	m.thresholds, m.guesses = make([]uint64, m.stats.Items), make(guesses, m.stats.Items)
	for j := range m.thresholds {
		m.thresholds[j] = d.uint(8)
	}
	d.rows(m)
	return m
}

// size reads a number that only has to fit.
func (d *decoder) size() int {
	n := d.uint(8)
	if n > 1<<62 {
		d.fail("a count is too large")
		return 0
	}
	return int(n)
}

func (d *decoder) items(n int) *catalogue {
	ids := make([]thimble.ItemID, 0, n)
	for i := range n {
		id := thimble.ItemID(d.take(int(d.uint(2))))
		if i > 0 && id <= ids[i-1] {
			d.fail("the items are not in ascending order")
		}
		if d.fault != "" {
			break
		}
		ids = append(ids, id)
	}
	return &catalogue{finder: newFinder(ids)}
}

func (d *decoder) rows(m *Model) {
	n := m.stats.Items
	m.rows = make([][]cell, n)
	cells := make([]cell, 0, m.stats.NonZeros)
	for i := range n {
		from := len(cells)
		before := int32(-1)
		for range d.uvarint(n) {
			step := d.uvarint(n)
			code := int8(d.uint(1))
			if d.fault != "" {
				return
			}
			item := before + int32(step)
			if step == 0 || int(item) >= n || !m.recipe.allows(code) || int(item) == i {
				d.fail("a weight is not valid")
				return
			}
			cells = append(cells, newCell(item, code))
			before = item
		}
		m.rows[i] = cells[from:len(cells):len(cells)]
	}
	if len(cells) != m.stats.NonZeros {
		d.fail("the number of weights is not what it says")
	}
}

// allows reports whether a code can be in the model.
func (r Recipe) allows(code int8) bool { return r.keeps(code) || r.KeepLeast > 0 && code > 0 }

// keeps reports whether pruning leaves a code in the model, whatever else the column has.
func (r Recipe) keeps(code int8) bool {
	return code >= -ml.CompandMax && (int(code) >= r.PruneBelow || int(code) <= -r.PruneBelow)
}
