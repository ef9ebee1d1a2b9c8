package segment

import (
	"bytes"
	"math/bits"
	"strconv"

	"thimble/internal/collect/plan"
	"thimble/internal/pii"
)

// A writing is one call of Emit.
type writing struct {
	mask   uint64 // what is permitted
	part   uint64 // what of it is written now: all, or that of one category
	time   int64
	places int // decimals of the currency
}

// Emit appends the minimised event to dst: what the plan keeps and the mask permits, by
// the classes of the compiled plan. It writes no identifier, no address and no
// messageId. Nothing is appended, and false returned, for what is not planned, and for
// an event whose own class is not permitted: that it happened is the first thing it
// tells.
func (b *Body) Emit(dst []byte, ev *Event, mask uint64) ([]byte, bool) {
	m, r := ev.Message, b.r
	if m == nil || mask>>m.Class&1 == 0 {
		return dst, false
	}
	w := writing{mask: mask, part: mask, time: ev.Time, places: r.places(ev, m)}
	dst = r.emitHead(append(dst, '{'), ev, m)
	return append(r.emitBody(dst, ev, m, &w), '}'), true
}

// emitHead writes what happened and when.
func (r *Reader) emitHead(dst []byte, ev *Event, m *plan.Message) []byte {
	dst = append(dst, `"plan":`...)
	dst = strconv.AppendInt(dst, int64(r.plan.Version), 10)
	dst = append(append(append(dst, `,"type":"`...), m.Call...), '"')
	if m.Call == "track" {
		dst = append(appendQuoted(append(dst, `,"event":`...), []byte(m.Name)), `,"time":`...)
	} else {
		dst = append(dst, `,"time":`...)
	}
	return strconv.AppendInt(dst, ev.Time, 10)
}

// emitBody writes everything else, each key after a comma.
func (r *Reader) emitBody(dst []byte, ev *Event, m *plan.Message, w *writing) []byte {
	dst = r.emitName(dst, ev, m, w)
	dst = r.emitCountry(dst, ev, w)
	dst = r.emitMember(dst, `,"properties":`, m.Node, ev.props, span{}, 0, w)
	return r.emitMember(dst, `,"context":`, r.plan.Context, ev.context, r.sharedContext, ev.contextKeys, w)
}

// places finds the decimals of the event's currency.
func (r *Reader) places(ev *Event, m *plan.Message) int {
	for i := ev.props.from; i < ev.props.to; i = r.tape[i].next {
		if e := &r.tape[i]; int(e.field) == m.CurrencyField && e.shape == Text {
			return places(r.plain(int(e.from), int(e.to)))
		}
	}
	return places([]byte(r.plan.Currency))
}

// emitName writes the name of a page or screen, by what the plan says of the property
// "name", unless that is there too.
func (r *Reader) emitName(dst []byte, ev *Event, m *plan.Message, w *writing) []byte {
	if m.NameField < 0 || ev.Name.Absent() || m.Call != "page" && m.Call != "screen" {
		return dst
	}
	f := &m.Node.Fields[m.NameField]
	if w.part>>f.Class&1 == 0 || f.Type != plan.String || f.Transform != plan.Keep && f.Transform != plan.Scan {
		return dst
	}
	r.text1 = append(r.text1[:0], r.bytes(ev.Name)...)
	dst = append(dst, `,"name":`...)
	if f.Transform == plan.Keep {
		return appendQuoted(dst, r.text1)
	}
	return r.appendScanned(dst, r.text1, 0)
}

// emitCountry writes the country that the caller found for the address.
func (r *Reader) emitCountry(dst []byte, ev *Event, w *writing) []byte {
	c := ev.Country
	if c[0] < 'A' || c[0] > 'Z' || c[1] < 'A' || c[1] > 'Z' {
		return dst
	}
	class := r.plan.CountryClass
	if class < 0 || w.part>>class&1 == 0 {
		return dst
	}
	return append(append(append(dst, `,"country":"`...), c[:]...), '"')
}

// emitMember writes a key and an object, or nothing if nothing of it may be written.
func (r *Reader) emitMember(dst []byte, key string, n *plan.Node, own, shared span, hidden uint64, w *writing) []byte {
	start := len(dst)
	dst, any := r.emitObject(append(dst, key...), n, own, shared, hidden, w)
	if !any {
		return dst[:start]
	}
	return dst
}

// emitObject writes the fields of an object in the order of the plan. Of the shared
// part it takes the fields that are not hidden by own ones.
func (r *Reader) emitObject(dst []byte, n *plan.Node, own, shared span, hidden uint64, w *writing) (_ []byte, any bool) {
	var at [64]uint32
	var have uint64
	for i := own.from; i < own.to; i = r.tape[i].next {
		f := r.tape[i].field
		at[f], have = i, have|1<<f
	}
	for i := shared.from; i < shared.to; i = r.tape[i].next {
		if f := r.tape[i].field; hidden>>f&1 == 0 {
			at[f], have = i, have|1<<f
		}
	}
	dst = append(dst, '{')
	banded := false
	for ; have != 0; have &= have - 1 {
		place := bits.TrailingZeros64(have)
		f := &n.Fields[place]
		if f.Transform == plan.AgeBand {
			if banded {
				continue // birthday and age say the same
			}
			banded = w.part != w.mask && r.writes(f, at[place], w)
		}
		start := len(dst)
		if any {
			dst = append(dst, ',')
		}
		dst = append(dst, f.Key...)
		var ok bool
		if dst, ok = r.emitField(dst, f, at[place], w); !ok {
			dst = dst[:start]
			continue
		}
		any, banded = true, banded || f.Transform == plan.AgeBand
	}
	return append(dst, '}'), any
}

func (r *Reader) emitField(dst []byte, f *plan.Field, i uint32, w *writing) ([]byte, bool) {
	e := &r.tape[i]
	switch {
	case e.shape == Object:
		return r.emitObject(dst, f.Child, span{i + 1, e.next}, span{}, 0, w)
	case e.shape != Array:
		if w.part>>f.Class&1 == 0 {
			return dst, false
		}
		return r.emitValue(dst, f, e, w)
	case f.Child == nil && w.part>>f.Class&1 == 0:
		return dst, false
	}
	return r.emitList(dst, f, i, w)
}

// emitList writes a list. In a part, an element keeps its place though nothing of it
// is of the part's category, so that the parts can be put together again.
func (r *Reader) emitList(dst []byte, f *plan.Field, i uint32, w *writing) (_ []byte, any bool) {
	dst = append(dst, '[')
	first := true
	for j := i + 1; j < r.tape[i].next; j = r.tape[j].next {
		start := len(dst)
		if !first {
			dst = append(dst, ',')
		}
		var ok bool
		if el := &r.tape[j]; el.shape == Object {
			dst, ok = r.emitObject(dst, f.Child, span{j + 1, el.next}, span{}, 0, w)
			any = any || ok
			ok = ok || w.part != w.mask && r.writesAny(f.Child, span{j + 1, el.next}, w)
		} else {
			dst, ok = r.emitValue(dst, f, el, w)
			any = any || ok
		}
		if !ok {
			dst = dst[:start]
			continue
		}
		first = false
	}
	return append(dst, ']'), any
}

// emitValue writes a simple value as the plan says.
func (r *Reader) emitValue(dst []byte, f *plan.Field, e *entry, w *writing) ([]byte, bool) {
	raw := r.b[e.from:e.to]
	if e.shape == Text {
		return r.emitText(dst, f, e, w)
	}
	switch {
	case e.raw || e.shape == Bool:
		return append(dst, raw...), true
	case f.Transform == plan.AgeBand:
		d := readDecimal(raw)
		if d.negative || d.point > 3 {
			return dst, false
		}
		years := 0
		for i := range max(d.point, 0) {
			years = years*10 + int(d.digit(i))
		}
		name := band(years)
		return appendQuoted(dst, []byte(name)), name != ""
	case f.Type == plan.Money:
		d := readDecimal(raw)
		return appendMinor(dst, &d, w.places), true
	case f.Type == plan.Integer && hasPoint(raw):
		d := readDecimal(raw)
		v, _ := d.whole()
		return strconv.AppendInt(dst, v, 10), true
	}
	return append(dst, raw...), true
}

func (r *Reader) emitText(dst []byte, f *plan.Field, e *entry, w *writing) ([]byte, bool) {
	raw := r.b[e.from:e.to]
	switch {
	case f.Transform == plan.AgeBand:
		s := r.plain(int(e.from), int(e.to))
		if !isDate(s) {
			return dst, false
		}
		name := band(age(s, w.time))
		return appendQuoted(dst, []byte(name)), name != ""
	case f.Transform == plan.Scan || e.raw:
		return r.appendScanned(dst, r.plain(int(e.from), int(e.to)), 0), true
	case f.Transform == plan.Address:
		s := r.location(r.plain(int(e.from), int(e.to)))
		return r.appendScanned(dst, s, max(0, bytes.Index(s, []byte("://")))), true
	case f.Type == plan.Money:
		d := readDecimal(r.plain(int(e.from), int(e.to)))
		return appendMinor(dst, &d, w.places), true
	case bytes.IndexByte(raw, '\\') < 0:
		return append(dst, raw...), true
	}
	return appendQuoted(dst, r.plain(int(e.from), int(e.to))), true
}

func appendMinor(dst []byte, d *decimal, places int) []byte {
	v := d.scaled(places)
	if d.negative && v > 0 {
		dst = append(dst, '-')
	}
	return strconv.AppendUint(dst, v, 10)
}

// appendScanned writes a text with what package pii finds from there on put away. The
// scheme of a URL is left before it, so that the parts are read and not the whole.
func (r *Reader) appendScanned(dst, s []byte, from int) []byte {
	r.spans = r.scanner.Scan(s[from:], r.spans[:0])
	if len(r.spans) == 0 {
		return appendQuoted(dst, s)
	}
	r.text2 = pii.Redact(append(r.text2[:0], s[:from]...), s[from:], r.spans)
	return appendQuoted(dst, r.text2)
}

// location returns a URL or path without user, query and fragment.
func (r *Reader) location(s []byte) []byte {
	if i := bytes.IndexAny(s, "?#"); i >= 0 {
		s = s[:i]
	}
	start := bytes.Index(s, []byte("://"))
	if start < 0 {
		return s
	}
	start += 3
	host := s[start:]
	if i := bytes.IndexByte(host, '/'); i >= 0 {
		host = host[:i]
	}
	if i := bytes.LastIndexByte(host, '@'); i >= 0 {
		r.text3 = append(append(r.text3[:0], s[:start]...), s[start+i+1:]...)
		return r.text3
	}
	return s
}

// appendQuoted writes a string in one spelling: escapes only where RFC 8259 needs them.
func appendQuoted(dst, s []byte) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	from := 0
	for i, c := range s {
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[from:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\t':
			dst = append(dst, '\\', 't')
		case '\r':
			dst = append(dst, '\\', 'r')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		from = i + 1
	}
	return append(append(dst, s[from:]...), '"')
}
