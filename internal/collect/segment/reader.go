package segment

import (
	"fmt"
	"hash/maphash"

	"thimble"
	"thimble/internal/collect/plan"
	"thimble/internal/pii"
)

// A Reader reads one body after the other.
type Reader struct {
	plan *plan.Compiled
	seed maphash.Seed

	b     []byte
	i     int
	fault Rule // of the event that is being read

	body  Body
	tape  []entry
	arena []byte   // strings without their escapes
	keys  []uint64 // of the objects that are open
	open  []Shape  // what skip is in
	text1 []byte   // for Emit
	text2 []byte
	text3 []byte
	spans []pii.Span

	scanner pii.Scanner

	index         int // of the event, -1 for the shared context
	mode          plan.Mode
	message       *plan.Message
	broken        bool // a rule of the plan, in this event's properties
	sharedContext span
	integrations  Value
	sentAt        int64
	ip, ipSeen    Value
	pending       pending
	random        [16]byte
}

// NewReader returns a reader that holds bodies against a plan.
func NewReader(c *plan.Compiled) *Reader {
	return &Reader{plan: c, seed: maphash.MakeSeed()}
}

func invalid(format string, args ...any) error {
	return fmt.Errorf("segment: "+format+": %w", append(args, thimble.ErrInvalid)...)
}

// Read reads a body that came to the path of a call. Its error is of kind
// thimble.ErrInvalid and says nothing of what is in the body.
func (r *Reader) Read(body []byte, call Call, a Arrival) (*Body, error) {
	if len(body) > MaxBody {
		return nil, invalid("the body: %d bytes at most", MaxBody)
	}
	r.reset(body)
	r.blank()
	ok := false
	if call == Batch {
		ok = r.batch()
	} else {
		ok = r.single(call)
	}
	if ok {
		r.blank()
	}
	if !ok || r.i != len(r.b) {
		return nil, invalid("the body: at byte %d: JSON was expected", r.i)
	}
	if call == Batch && r.fault != 0 {
		return nil, invalid("the body, outside of its events: %s", r.fault)
	}
	r.finish(a)
	return &r.body, nil
}

func (r *Reader) reset(body []byte) {
	b := &r.body
	*b = Body{
		Events: b.Events[:0], Refused: b.Refused[:0], Violations: b.Violations[:0], Unknown: b.Unknown[:0], Identifiers: b.Identifiers[:0], r: r,
	}
	r.b, r.i, r.fault, r.index = body, 0, 0, 0
	r.tape, r.arena, r.keys, r.open = r.tape[:0], r.arena[:0], r.keys[:0], r.open[:0]
	r.sharedContext, r.integrations, r.sentAt, r.ip = span{}, Value{}, noTime, Value{}
}

// single reads a body that is one event.
func (r *Reader) single(call Call) bool {
	return r.event(call)
}

// batch reads a body of several. What it shares may come before the events or after.
func (r *Reader) batch() bool {
	if s, ok := r.shape(); !ok || s != Object {
		return false
	}
	seen, mark := false, len(r.keys)
	r.index = -1
	empty, ok := r.enter(Object, 0)
	for more := !empty; more && ok; {
		var name []byte
		if name, _, ok = r.key(); !ok {
			return false
		}
		r.once(mark, name)
		switch string(name) {
		case "batch":
			seen, ok = true, r.events()
			r.index = -1
		case "writeKey":
			r.body.WriteKey, ok = r.optionalText(BadID)
		case "sentAt":
			r.sentAt, ok = r.time("sentAt")
		case "context":
			ok = r.shared()
		case "integrations":
			r.integrations, ok = r.whole(1, 1)
		default:
			ok = r.skip(1)
		}
		if !ok {
			return false
		}
		more, ok = r.next(Object)
	}
	r.keys = r.keys[:mark]
	if ok && !seen {
		r.note(NotObject)
	}
	return ok
}

// events reads the list of a batch. A fault of an event is no fault of the batch.
func (r *Reader) events() bool {
	if s, ok := r.shape(); !ok || s != Array {
		r.note(NotObject)
		return ok && r.skip(1)
	}
	outside := r.fault
	defer func() { r.fault = outside }()
	empty, ok := r.enter(Array, 1)
	for n, more := 0, !empty; more && ok; n++ {
		r.index = n
		switch {
		case n < MaxEvents:
			ok = r.event(Batch)
		default:
			if ok = r.skip(0); n == MaxEvents {
				r.body.Refused = append(r.body.Refused, Refusal{n, TooMany})
			}
		}
		if !ok {
			return false
		}
		more, ok = r.next(Array)
	}
	return ok
}

// shared reads the context of the batch.
func (r *Reader) shared() bool {
	r.index = -1
	var ev Event
	if !r.context(&ev, 1) {
		return false
	}
	r.sharedContext, r.body.Shared, r.ip = ev.context, ev.Signals, ev.IP
	return true
}

// finish does what needs the whole body: shared values and times.
func (r *Reader) finish(a Arrival) {
	arrived := a.At.UnixMicro()
	kept := 0
	for i := range r.body.Events {
		ev := &r.body.Events[i]
		if ev.IP.Absent() {
			ev.IP = r.ip
		}
		if ev.Integrations.Absent() {
			ev.Integrations = r.integrations
		}
		if ev.sentAt == noTime {
			ev.sentAt = r.sentAt
		}
		ev.Time = happened(arrived, ev.clientTime, ev.sentAt)
		if ev.MessageID.Absent() && !r.assign(ev, a.Random) {
			r.body.Refused = append(r.body.Refused, Refusal{ev.Index, BadMessageID})
			continue
		}
		if kept != i {
			r.body.Events[kept] = *ev
		}
		kept++
	}
	r.body.Events = r.body.Events[:kept]
}

// assign makes a messageId of 128 random bits.
func (r *Reader) assign(ev *Event, random func([]byte)) bool {
	if random == nil {
		return false
	}
	const hex = "0123456789abcdef"
	random(r.random[:])
	start := len(r.arena)
	r.arena = append(r.arena, "thimble-"...)
	for _, b := range r.random {
		r.arena = append(r.arena, hex[b>>4], hex[b&15])
	}
	ev.MessageID = Value{from: uint32(start), to: uint32(len(r.arena)), where: inArena}
	ev.Assigned = true
	return true
}

// bytes is Body.Bytes.
func (r *Reader) bytes(v Value) []byte { return r.body.Bytes(v) }
