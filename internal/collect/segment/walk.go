package segment

import "thimble/internal/collect/plan"

// Walk calls f for each property of an event that the plan knows and may keep, with its
// field and the shape that came, objects before what is in them; of a list of objects the
// first one stands for all. It tells no value.
func (b *Body) Walk(ev *Event, f func(field *plan.Field, s Shape)) {
	if ev.Message != nil {
		b.r.walk(ev.Message.Node, ev.props, f)
	}
}

func (r *Reader) walk(n *plan.Node, s span, f func(*plan.Field, Shape)) {
	for i := s.from; i < s.to; i = r.tape[i].next {
		e := &r.tape[i]
		field := &n.Fields[e.field]
		f(field, e.shape)
		if field.Child == nil || e.next == i+1 {
			continue
		}
		inside := span{i + 1, e.next}
		if e.shape == Array { // its elements are entries of their own
			first := &r.tape[i+1]
			inside = span{i + 2, first.next}
		}
		r.walk(field.Child, inside, f)
	}
}
