package segment

import (
	"math/bits"

	"thimble/internal/collect/plan"
)

// A span is a part of the tape.
type span struct{ from, to uint32 }

// An entry of the tape is a field of a planned object with its value: a place in the
// body for a simple one, or the entries up to next for an object, a list, or an element
// of a list.
type entry struct {
	from, to uint32 // of a simple value: in the body
	next     uint32 // the entry behind this one and all that is in it
	field    uint8
	shape    Shape
	class    uint8 // of the field, for a simple value
	raw      bool  // it breaks the plan, and is kept as it stands (mode warn); a string is scanned
}

// maxUnknown bounds how many unknown properties of a body are told of.
const maxUnknown = 256

// violate tells of a broken rule of the plan.
func (r *Reader) violate(path string, expected plan.Type, got Shape) {
	r.broken = true
	r.tell(path, expected, got)
}

// maxViolations bounds how many violations of a body are told of.
const maxViolations = 1024

func (r *Reader) tell(path string, expected plan.Type, got Shape) {
	if len(r.body.Violations) >= maxViolations {
		r.body.MoreViolations++
		return
	}
	r.body.Violations = append(r.body.Violations, Violation{Index: r.index, Path: path, Message: r.message, Expected: expected, Got: got})
}

// missing tells of the required fields that are not among those seen.
func (r *Reader) missing(n *plan.Node, seen uint64) {
	for left := n.Required &^ seen; left != 0; left &= left - 1 {
		f := &n.Fields[bits.TrailingZeros64(left)]
		r.violate(f.Path, f.Type, Missing)
	}
}

// object reads a planned object and puts on the tape what may be kept of it.
func (r *Reader) object(n *plan.Node, depth int) bool {
	var seen, there uint64
	mark := len(r.keys)
	empty, ok := r.enter(Object, depth)
	for more := !empty; more; {
		name, at, keyed := r.key()
		if !keyed {
			return false
		}
		i := n.Find(name)
		switch {
		case i < 0:
			r.once(mark, name)
			ok = r.unknown(at, n, depth+1)
		case seen>>i&1 != 0:
			r.note(TwiceKey)
			ok = r.skip(depth + 1)
		default:
			seen |= 1 << i
			if r.shapeIs(Null) {
				ok = r.literal("null")
			} else {
				there |= 1 << i
				ok = r.field(&n.Fields[i], uint8(i), depth+1)
			}
		}
		if !ok {
			return false
		}
		if more, ok = r.next(Object); !ok {
			return false
		}
	}
	r.keys = r.keys[:mark]
	if !ok {
		return false
	}
	r.missing(n, there)
	return true
}

func (r *Reader) shapeIs(want Shape) bool {
	s, ok := r.shape()
	return ok && s == want
}

// unknown leaves out a property that is not planned, and tells of it.
func (r *Reader) unknown(name Value, n *plan.Node, depth int) bool {
	from := r.i
	if !r.skip(depth) {
		return false
	}
	if len(r.body.Unknown) >= maxUnknown {
		r.body.Dropped++
		return true
	}
	r.body.Unknown = append(r.body.Unknown, Unknown{Index: r.index, Message: r.message, Within: n.Path, Name: name, Held: Value{from: uint32(from), to: uint32(r.i), where: inBody}})
	return true
}

// field reads the value of a planned property.
func (r *Reader) field(f *plan.Field, place uint8, depth int) bool {
	s, ok := r.shape()
	if !ok {
		return false
	}
	switch {
	case f.Transform == plan.Drop && (f.Type == plan.Object && s == Object || (f.Type == plan.Objects || f.Type == plan.Strings) && s == Array):
		return r.skip(depth) // what is dropped whole is not looked into
	case f.Type == plan.Object && s == Object:
		return r.container(f, place, depth)
	case (f.Type == plan.Objects || f.Type == plan.Strings) && s == Array:
		return r.list(f, place, depth)
	case s == Object || s == Array:
		r.violate(f.Path, f.Type, s)
		return r.skip(depth)
	}
	from := r.i
	if !r.simple(s) {
		return false
	}
	e := entry{from: uint32(from), to: uint32(r.i), field: place, class: f.Class, shape: s}
	if got := r.misfit(f, s, from, r.i); got != Missing {
		r.violate(f.Path, f.Type, got)
		if r.mode != plan.Warn || f.Transform != plan.Keep || f.Type == plan.Money || f.Type == plan.Integer || f.Type == plan.Date {
			return true // what is converted cannot be written as it stands
		}
		e.raw = true
	}
	r.keep(f, e)
	return true
}

// keep puts a value on the tape, or hands it out, or lets it go.
func (r *Reader) keep(f *plan.Field, e entry) {
	switch f.Transform {
	case plan.Drop:
	case plan.Country:
		r.ipSeen = r.quoted(e)
	case plan.Identifier:
		if e.shape == Text {
			r.body.Identifiers = append(r.body.Identifiers, Identifier{Index: r.index, Path: f.Path, Class: f.Class, Value: r.quoted(e)})
		}
	default:
		e.next = uint32(len(r.tape)) + 1
		r.tape = append(r.tape, e)
	}
}

// quoted returns the value of a string on the tape.
func (r *Reader) quoted(e entry) Value {
	from, to := e.from+1, e.to-1
	for _, c := range r.b[from:to] {
		if c == '\\' {
			start := len(r.arena)
			r.arena = unescaped(r.arena, r.b[from:to])
			return Value{from: uint32(start), to: uint32(len(r.arena)), where: inArena}
		}
	}
	return Value{from: from, to: to, where: inBody}
}

// container reads an object into an entry of its own.
func (r *Reader) container(f *plan.Field, place uint8, depth int) bool {
	at := len(r.tape)
	r.tape = append(r.tape, entry{field: place, shape: Object})
	if !r.object(f.Child, depth) {
		return false
	}
	r.close(at)
	return true
}

// close ends an entry that holds others, and takes it away if it holds none.
func (r *Reader) close(at int) {
	if len(r.tape) == at+1 {
		r.tape = r.tape[:at]
		return
	}
	r.tape[at].next = uint32(len(r.tape))
}

// list reads a list of objects or of strings.
func (r *Reader) list(f *plan.Field, place uint8, depth int) bool {
	at := len(r.tape)
	r.tape = append(r.tape, entry{field: place, shape: Array})
	empty, ok := r.enter(Array, depth)
	for more := !empty; more && ok; {
		s, there := r.shape()
		if !there {
			return false
		}
		from := r.i
		switch {
		case s == Object && f.Type == plan.Objects:
			ok = r.container(f, place, depth+1)
		case s == Text && f.Type == plan.Strings:
			if ok = r.simple(s); ok {
				r.tape = append(r.tape, entry{from: uint32(from), to: uint32(r.i), next: uint32(len(r.tape)) + 1, field: place, class: f.Class, shape: s})
			}
		default:
			r.violate(f.Path, f.Type, s)
			ok = r.skip(depth + 1)
		}
		if !ok {
			return false
		}
		more, ok = r.next(Array)
	}
	if ok {
		r.close(at)
	}
	return ok
}

// misfit says how a simple value is not what the plan expects; Missing if it is.
func (r *Reader) misfit(f *plan.Field, s Shape, from, to int) Shape {
	switch f.Type {
	case plan.String:
		return unless(s == Text, s)
	case plan.Boolean:
		return unless(s == Bool, s)
	case plan.Number:
		return unless(s == Number, s)
	case plan.Scalar:
		return unless(s == Text || s == Number || s == Bool, s)
	case plan.Date:
		if s != Text {
			return s
		}
		return unless(isDate(r.plain(from, to)), Malformed)
	case plan.Integer:
		if s != Number {
			return s
		}
		if to-from <= 15 && !hasPoint(r.b[from:to]) {
			return Missing
		}
		d := readDecimal(r.b[from:to])
		_, ok := d.whole()
		return unless(ok, Malformed)
	case plan.Money:
		switch s {
		case Text:
			return unless(isAmount(r.plain(from, to)), Malformed)
		case Number:
			if to-from <= maxMoney {
				if !hasExponent(r.b[from:to]) {
					return Missing
				}
			}
			d := readDecimal(r.b[from:to])
			return unless(d.point <= maxMoney, Malformed)
		}
	}
	return s
}

func unless(ok bool, s Shape) Shape {
	if ok {
		return Missing
	}
	return s
}

func hasPoint(b []byte) bool {
	for _, c := range b {
		if c == '.' || c|0x20 == 'e' {
			return true
		}
	}
	return false
}

func hasExponent(b []byte) bool {
	for _, c := range b {
		if c|0x20 == 'e' {
			return true
		}
	}
	return false
}

// plain returns a string without quotes and escapes, for a short look.
func (r *Reader) plain(from, to int) []byte {
	s := r.b[from+1 : to-1]
	for _, c := range s {
		if c == '\\' {
			r.text1 = unescaped(r.text1[:0], s)
			return r.text1
		}
	}
	return s
}
