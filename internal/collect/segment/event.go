package segment

import (
	"unicode/utf8"

	"thimble/internal/collect/plan"
)

// The keys of an event that are looked at, one bit each.
const (
	keyType = 1 << iota
	keyEvent
	keyName
	keyUser
	keyAnonymous
	keyPrevious
	keyGroup
	keyMessage
	keyTimestamp
	keyOriginal
	keySent
	keyProperties
	keyTraits
	keyContext
	keyIntegrations
	keyWrite
)

// keyOf returns the bit of a key, 0 for one that is not looked at.
func keyOf(name []byte) uint32 {
	switch string(name) {
	case "type":
		return keyType
	case "event":
		return keyEvent
	case "name":
		return keyName
	case "userId":
		return keyUser
	case "anonymousId":
		return keyAnonymous
	case "previousId":
		return keyPrevious
	case "groupId":
		return keyGroup
	case "messageId":
		return keyMessage
	case "timestamp":
		return keyTimestamp
	case "originalTimestamp":
		return keyOriginal
	case "sentAt":
		return keySent
	case "properties":
		return keyProperties
	case "traits":
		return keyTraits
	case "context":
		return keyContext
	case "integrations":
		return keyIntegrations
	case "writeKey":
		return keyWrite
	}
	return 0
}

// A pending event is one that is being read.
type pending struct {
	Event
	path        Call // what the path says, Batch if it does not
	typed       Call // what type says
	properties  int  // where they begin, if they came before what they are; 0 otherwise
	traits      int
	done        bool // the properties were read
	original    bool // the client's time is from originalTimestamp
	start       int
	marks       marks
	seen        uint32
	keys        int
	event, name Value
}

// marks are the lengths of what an event adds to; a refused one is cut back to them.
type marks struct{ tape, violations, more, unknown, dropped, identifiers int }

func (r *Reader) marks() marks {
	b := &r.body
	return marks{len(r.tape), len(b.Violations), b.MoreViolations, len(b.Unknown), b.Dropped, len(b.Identifiers)}
}

func (r *Reader) cut(m marks) {
	b := &r.body
	b.MoreViolations = m.more
	r.tape, b.Violations, b.Unknown, b.Dropped, b.Identifiers = r.tape[:m.tape], b.Violations[:m.violations], b.Unknown[:m.unknown], m.dropped, b.Identifiers[:m.identifiers]
}

// event reads one event at r.i, and keeps or refuses it. It returns false if it is no
// JSON.
func (r *Reader) event(path Call) bool {
	r.fault, r.broken, r.message = 0, false, nil
	p := &r.pending
	*p = pending{path: path, start: r.i, marks: r.marks(), keys: len(r.keys)}
	p.Index, p.clientTime, p.sentAt = r.index, noTime, noTime
	s, ok := r.shape()
	if !ok {
		return false
	}
	if s != Object {
		r.note(NotObject)
		ok = r.skip(0)
	} else {
		ok = r.members(p)
	}
	r.keys = r.keys[:p.keys]
	if !ok {
		return false
	}
	end := r.i
	if end-p.start > MaxEvent {
		r.note(TooLarge)
	}
	if r.fault == 0 && r.settle(p) {
		r.late(p)
		r.i = end
	}
	if r.fault == 0 && r.broken && p.Message != nil && p.Message.Mode == plan.Block {
		r.note(Blocked)
	}
	if r.fault == Blocked { // what it broke is told all the same
		m := &p.marks
		m.violations, m.more, m.unknown, m.dropped = len(r.body.Violations), r.body.MoreViolations, len(r.body.Unknown), r.body.Dropped
	}
	if r.fault != 0 {
		r.cut(p.marks)
		r.body.Refused = append(r.body.Refused, Refusal{p.Index, r.fault})
		return true
	}
	r.body.Events = append(r.body.Events, p.Event)
	return true
}

func (r *Reader) members(p *pending) bool {
	empty, ok := r.enter(Object, 0)
	for more := !empty; more && ok; {
		name, _, ok := r.key()
		if !ok {
			return false
		}
		k := keyOf(name)
		switch {
		case k == 0:
			r.once(p.keys, name)
			ok = r.skip(1)
		case p.seen&k != 0:
			r.note(TwiceKey)
			ok = r.skip(1)
		default:
			p.seen |= k
			ok = r.member(p, k)
		}
		if !ok {
			return false
		}
		if more, ok = r.next(Object); !ok {
			return false
		}
	}
	return ok
}

// member reads the value of a key that is looked at.
func (r *Reader) member(p *pending, k uint32) (ok bool) {
	switch k {
	case keyType:
		var v Value
		if v, ok = r.optionalText(BadType); ok && !v.Absent() {
			p.typed = callOf(r.bytes(v))
			if p.typed == Batch {
				r.note(BadType)
			}
		}
	case keyEvent:
		p.event, ok = r.optionalText(BadEvent)
	case keyName:
		p.name, ok = r.optionalText(BadEvent)
	case keyUser:
		p.UserID, ok = r.id()
	case keyAnonymous:
		p.AnonymousID, ok = r.id()
	case keyPrevious:
		p.PreviousID, ok = r.id()
	case keyGroup:
		p.GroupID, ok = r.id()
	case keyMessage:
		p.MessageID, ok = r.messageID()
	case keyTimestamp, keyOriginal:
		var t int64
		if t, ok = r.time("timestamp"); t != noTime && (k == keyOriginal || !p.original) {
			p.clientTime, p.original = t, k == keyOriginal
		}
	case keySent:
		p.sentAt, ok = r.time("sentAt")
	case keyProperties:
		ok = r.carried(p, &p.properties)
	case keyTraits:
		ok = r.carried(p, &p.traits)
	case keyContext:
		ok = r.context(&p.Event, 1)
	case keyIntegrations:
		p.Integrations, ok = r.whole(1, 1)
	case keyWrite:
		var v Value
		if v, ok = r.optionalText(BadID); p.path != Batch {
			r.body.WriteKey = v
		}
	}
	return ok
}

func callOf(name []byte) Call {
	for c := Track; c <= Alias; c++ {
		if callNames[c] == string(name) {
			return c
		}
	}
	return Batch
}

// carried reads properties or traits: now, if it is known what they are the properties
// of, and else once the whole event was read.
func (r *Reader) carried(p *pending, later *int) bool {
	call := p.path
	if call == Batch {
		call = p.typed
	}
	inTraits := later == &p.traits
	if m := r.planned(call, p.event); m != nil && inTraits == carriesTraits(call) {
		p.done = true
		return r.properties(p, m)
	}
	*later = r.i
	return r.skip(1)
}

// carriesTraits says which key of a call is held against the plan; the other one is
// never read.
func carriesTraits(c Call) bool { return c == Identify || c == Group }

// planned returns what the plan says of a call, nil if that is not known yet.
func (r *Reader) planned(c Call, name Value) *plan.Message {
	switch c {
	case Batch, Alias:
		return nil
	case Track:
		return r.plan.Track(r.bytes(name))
	}
	return r.plan.Call(callNames[c])
}

// properties reads what the event carries against the plan, from r.i on.
func (r *Reader) properties(p *pending, m *plan.Message) bool {
	r.mode, r.message = m.Mode, m
	s, ok := r.shape()
	if !ok {
		return false
	}
	p.props.from = uint32(len(r.tape))
	switch s {
	case Object:
		ok = r.object(m.Node, 1)
	default:
		if s != Null {
			r.violate("", plan.Object, s)
		}
		ok = r.skip(1)
		r.missing(m.Node, 0)
	}
	p.props.to = uint32(len(r.tape))
	return ok
}

// settle says what the event is, and refuses what misses an id.
func (r *Reader) settle(p *pending) bool {
	p.Call = p.typed
	if p.path != Batch {
		if p.typed != Batch && p.typed != p.path {
			r.note(BadType)
		}
		p.Call = p.path
	}
	if p.Call == Batch {
		r.note(BadType)
	}
	p.Name = p.name
	if p.Call == Track {
		p.Name = p.event
	}
	if n := len(r.bytes(p.Name)); p.Call == Track && n == 0 || n > 256 {
		r.note(BadEvent)
	}
	user, anonymous := len(r.bytes(p.UserID)) > 0, len(r.bytes(p.AnonymousID)) > 0
	switch {
	case p.Call == Alias:
		if !user || len(r.bytes(p.PreviousID)) == 0 {
			r.note(NoID)
		}
		p.SelfAlias = string(r.bytes(p.UserID)) == string(r.bytes(p.PreviousID))
	case !user && !anonymous, p.Call == Group && len(r.bytes(p.GroupID)) == 0:
		r.note(NoID)
	}
	return r.fault == 0
}

// late reads the properties that came before what they are, and tells what a message
// without any misses.
func (r *Reader) late(p *pending) {
	m := r.planned(p.Call, p.event)
	p.Message = m
	if m == nil || p.done {
		return
	}
	at := p.properties
	if carriesTraits(p.Call) {
		at = p.traits
	}
	if at > 0 {
		r.i = at
		r.properties(p, m) // it was read before, so it is JSON
		return
	}
	r.mode, r.message = m.Mode, m
	r.missing(m.Node, 0)
}

// optionalText reads a string or null. Anything else breaks the rule.
func (r *Reader) optionalText(rule Rule) (Value, bool) {
	s, ok := r.shape()
	if !ok {
		return Value{}, false
	}
	if s == Text {
		return r.text()
	}
	if s != Null {
		r.note(rule)
	}
	return Value{}, r.skip(1)
}

// id reads an id: a string, a whole number as its digits, or null.
func (r *Reader) id() (Value, bool) {
	s, ok := r.shape()
	if !ok {
		return Value{}, false
	}
	var v Value
	if s == Number {
		from, to, ok := r.number()
		if !ok {
			return Value{}, false
		}
		v = Value{from: uint32(from), to: uint32(to), where: inBody}
		for _, c := range r.b[from:to] {
			if c-'0' >= 10 {
				r.note(BadID)
			}
		}
	} else if v, ok = r.optionalText(BadID); !ok {
		return Value{}, false
	}
	if len(r.bytes(v)) > maxUserID {
		r.note(BadID)
	}
	return v, true
}

func (r *Reader) messageID() (Value, bool) {
	s, ok := r.shape()
	if !ok {
		return Value{}, false
	}
	if s != Text {
		if s != Null {
			r.note(BadMessageID)
		}
		return Value{}, r.skip(1)
	}
	v, ok := r.text()
	if utf8.RuneCount(r.bytes(v)) > MaxID {
		r.note(BadMessageID)
	}
	if ok && len(r.bytes(v)) == 0 {
		return Value{}, true // as good as none
	}
	return v, ok
}

// time reads a time, noTime for one that cannot be read, which is told and costs
// nothing else: the arrival stands in for it.
func (r *Reader) time(path string) (int64, bool) {
	s, ok := r.shape()
	if !ok {
		return noTime, false
	}
	if s != Text {
		if s != Null {
			r.unreadable(path, s)
		}
		return noTime, r.skip(1)
	}
	v, ok := r.text()
	if !ok {
		return noTime, false
	}
	t, readable := readTime(r.bytes(v))
	if !readable {
		r.unreadable(path, Malformed)
		return noTime, true
	}
	return t, true
}

// whole reads a value as it stands, looking at the keys of its objects so many levels
// down. A null is absent.
func (r *Reader) whole(depth, levels int) (Value, bool) {
	from := r.i
	s, ok := r.shape()
	if !ok || !r.checked(depth, levels) {
		return Value{}, false
	}
	if s == Null {
		return Value{}, true
	}
	return Value{from: uint32(from), to: uint32(r.i), where: inBody}, true
}

// unreadable tells of a time that is none. It is no rule of the plan and blocks nothing.
func (r *Reader) unreadable(path string, got Shape) {
	r.tell(path, plan.Date, got)
}
