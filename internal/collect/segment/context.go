package segment

import "thimble/internal/collect/plan"

// context reads the context of an event or of a batch. The consent in it is looked at
// whole, down to each key of its objects; the rest is held against the plan.
func (r *Reader) context(ev *Event, depth int) bool {
	s, ok := r.shape()
	if !ok {
		return false
	}
	if s != Object {
		if s != Null {
			r.note(BadConsent)
		}
		return r.skip(depth)
	}
	mode, message, broken := r.mode, r.message, r.broken
	r.mode, r.message, r.ipSeen = plan.Omit, nil, Value{}
	ev.context.from = uint32(len(r.tape))
	ok = r.contextMembers(ev, depth)
	ev.context.to = uint32(len(r.tape))
	ev.IP = r.ipSeen
	// What is wrong with a context blocks no event.
	r.mode, r.message, r.broken = mode, message, broken
	return ok
}

func (r *Reader) contextMembers(ev *Event, depth int) bool {
	n, mark := r.plan.Context, len(r.keys)
	var seen uint64
	consented := false
	empty, ok := r.enter(Object, depth)
	for more := !empty; more; {
		name, at, keyed := r.key()
		if !keyed {
			return false
		}
		i := n.Find(name)
		switch {
		case string(name) == "consent":
			if consented {
				r.note(TwiceKey)
			}
			consented = true
			ok = r.consent(&ev.Signals, depth+1)
		case i < 0:
			r.once(mark, name)
			ok = r.unknown(at, n, depth+1)
		case seen>>i&1 != 0:
			r.note(TwiceKey)
			ok = r.skip(depth + 1)
		case r.shapeIs(Null):
			seen |= 1 << i
			ok = r.literal("null")
		default:
			seen |= 1 << i
			ev.contextKeys |= 1 << i
			ok = r.field(&n.Fields[i], uint8(i), depth+1)
		}
		if !ok {
			return false
		}
		if more, ok = r.next(Object); !ok {
			return false
		}
	}
	r.keys = r.keys[:mark]
	return ok
}

// consent reads context.consent.
func (r *Reader) consent(sig *Signals, depth int) bool {
	s, ok := r.shape()
	if !ok {
		return false
	}
	from := r.i
	if s != Object {
		if s != Null {
			r.note(BadConsent)
		}
		return r.skip(depth)
	}
	mark := len(r.keys)
	empty, ok := r.enter(Object, depth)
	for more := !empty; more; {
		name, _, keyed := r.key()
		if !keyed {
			return false
		}
		r.once(mark, name)
		sig.Preferences = sig.Preferences || string(name) == "categoryPreferences"
		switch string(name) {
		case "google":
			sig.Google, ok = r.whole(depth+1, 1)
		case "tcf":
			sig.TCF, ok = r.signalText(depth + 1)
		case "gpp":
			sig.GPP, ok = r.signalText(depth + 1)
		case "usp":
			sig.USP, ok = r.signalText(depth + 1)
		default:
			ok = r.checked(depth+1, maxDepth)
		}
		if !ok {
			return false
		}
		if more, ok = r.next(Object); !ok {
			return false
		}
	}
	r.keys = r.keys[:mark]
	sig.Consent = Value{from: uint32(from), to: uint32(r.i), where: inBody}
	return ok
}

// signalText reads a consent string. What is no string refuses the event: what cannot
// be read must not pass for what was not said.
func (r *Reader) signalText(depth int) (Value, bool) {
	s, ok := r.shape()
	if !ok {
		return Value{}, false
	}
	if s == Text {
		return r.text()
	}
	if s != Null {
		r.note(BadConsent)
	}
	return Value{}, r.skip(depth)
}
