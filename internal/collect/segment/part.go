package segment

import (
	"thimble"
	"thimble/internal/collect/plan"
)

// Parts returns the categories, by their place in the compiled plan, of which the mask
// permits something to be written: those that [Body.EmitPart] is worth asking for.
// Nothing is permitted of an event whose own class is not.
func (b *Body) Parts(ev *Event, mask uint64) (categories uint64) {
	m, r := ev.Message, b.r
	if m == nil || mask>>m.Class&1 == 0 {
		return 0
	}
	classes := uint64(1) << m.Class
	for _, s := range [...]span{ev.props, ev.context, r.sharedContext} {
		for i := s.from; i < s.to; i++ {
			if e := &r.tape[i]; e.shape != Object && e.shape != Array {
				classes |= 1 << e.class
			}
		}
	}
	if m.NameField >= 0 {
		classes |= 1 << m.Node.Fields[m.NameField].Class
	}
	if r.plan.CountryClass >= 0 {
		classes |= 1 << r.plan.CountryClass
	}
	for i, of := range r.plan.Of {
		if classes&mask&of != 0 {
			categories |= 1 << i
		}
	}
	return categories
}

// Category returns the category of a place.
func (b *Body) Category(place int) thimble.Category { return b.r.plan.Categories[place] }

// EmitPart appends what [Body.Emit] writes in one category, by its place in the
// compiled plan: a JSON object of the same shape. What happened and when is in the part
// of the event's own category. The objects of a list keep their places. So all parts,
// merged in depth, are what Emit writes, and each says nothing of another category but
// how many things there are. Nothing is appended, and false returned, when there is nothing.
func (b *Body) EmitPart(dst []byte, ev *Event, mask uint64, place int) ([]byte, bool) {
	m, r := ev.Message, b.r
	if m == nil || mask>>m.Class&1 == 0 {
		return dst, false
	}
	w := writing{mask: mask, part: mask & r.plan.Of[place], time: ev.Time, places: r.places(ev, m)}
	start := len(dst)
	dst = append(dst, '{')
	own := r.plan.Of[place]>>m.Class&1 == 1
	if own {
		dst = r.emitHead(dst, ev, m)
	}
	head := len(dst)
	dst = r.emitBody(dst, ev, m, &w)
	switch {
	case !own && len(dst) == head:
		return dst[:start], false
	case !own:
		dst = append(dst[:head], dst[head+1:]...) // the first key's comma
	}
	return append(dst, '}'), true
}

// writes reports whether emitField writes something of a field under the whole mask.
func (r *Reader) writes(f *plan.Field, i uint32, w *writing) bool {
	e := &r.tape[i]
	switch {
	case e.shape == Object:
		return r.writesAny(f.Child, span{i + 1, e.next}, w)
	case e.shape == Array && f.Child != nil:
		for j := i + 1; j < e.next; j = r.tape[j].next {
			if r.writesAny(f.Child, span{j + 1, r.tape[j].next}, w) {
				return true
			}
		}
		return false
	case w.mask>>f.Class&1 == 0:
		return false
	case f.Transform == plan.AgeBand:
		// The one transform that may leave nothing.
		whole := writing{mask: w.mask, part: w.mask, time: w.time, places: w.places}
		var scratch [16]byte
		_, ok := r.emitValue(scratch[:0], f, e, &whole)
		return ok
	}
	return true
}

func (r *Reader) writesAny(n *plan.Node, s span, w *writing) bool {
	for i := s.from; i < s.to; i = r.tape[i].next {
		if r.writes(&n.Fields[r.tape[i].field], i, w) {
			return true
		}
	}
	return false
}

// The fields of the plan that something is read from by name.
const (
	productField = "product_id"
	skuField     = "sku"
	listField    = "products"
	orderField   = "order_id"
)

// OrderID returns the number of the order that the event is about, nil without one.
func (b *Body) OrderID(ev *Event) []byte {
	if ev.Message == nil {
		return nil
	}
	return b.r.textOf(ev.Message.Node, ev.props, orderField)
}

// maxItem bounds the id of a product that is counted.
const maxItem = 64

// Items calls f with the id of each product that the event is about: that of the
// event itself, and those of its list. An id that may be something about a person, as
// package pii finds it, or that is longer than 64 bytes, is left out. f keeps nothing.
func (b *Body) Items(ev *Event, f func(id []byte)) {
	m, r := ev.Message, b.r
	if m == nil {
		return
	}
	r.item(m.Node, ev.props, f)
	place := m.Node.Find([]byte(listField))
	if place < 0 || m.Node.Fields[place].Child == nil {
		return
	}
	for i := ev.props.from; i < ev.props.to; i = r.tape[i].next {
		if e := &r.tape[i]; int(e.field) == place && e.shape == Array {
			for j := i + 1; j < e.next; j = r.tape[j].next {
				r.item(m.Node.Fields[place].Child, span{j + 1, r.tape[j].next}, f)
			}
		}
	}
}

func (r *Reader) item(n *plan.Node, s span, f func([]byte)) {
	id := r.textOf(n, s, productField)
	if id == nil {
		id = r.textOf(n, s, skuField)
	}
	if len(id) == 0 || len(id) > maxItem {
		return
	}
	if r.spans = r.scanner.Scan(id, r.spans[:0]); len(r.spans) == 0 {
		f(id)
	}
}

// textOf returns the text of a kept field of an object.
func (r *Reader) textOf(n *plan.Node, s span, name string) []byte {
	place := n.Find([]byte(name))
	if place < 0 {
		return nil
	}
	for i := s.from; i < s.to; i = r.tape[i].next {
		if e := &r.tape[i]; int(e.field) == place && e.shape == Text {
			return r.plain(int(e.from), int(e.to))
		}
	}
	return nil
}
