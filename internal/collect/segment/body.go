package segment

import (
	"fmt"
	"time"

	"thimble/internal/collect/plan"
)

// Limits of Segment's tracking API.
const (
	MaxBody   = 500 << 10 // bytes
	MaxEvent  = 32 << 10  // bytes
	MaxEvents = 2500      // in a batch
	MaxID     = 100       // characters of a messageId
	maxUserID = 512       // bytes of any other id; longer ones are no ids
	maxDepth  = 64        // of an event
	maxNested = 9_000     // of a body; encoding/json takes 10,000
	maxKeys   = 1000      // of an object whose keys are looked at
)

// A Call is what an event is.
type Call uint8

// The calls of the API. Batch is a body of several; its events have the others.
const (
	Batch Call = iota
	Track
	Identify
	Page
	Screen
	Group
	Alias
)

var callNames = [...]string{Batch: "batch", Track: "track", Identify: "identify", Page: "page", Screen: "screen", Group: "group", Alias: "alias"}

// String returns the name, such as "track".
func (c Call) String() string {
	if int(c) < len(callNames) {
		return callNames[c]
	}
	return "unknown"
}

// ByPath returns the call of a path below the API's root: "/v1/track" and the short
// "/v1/t" of the browser SDK; "/v1/import" is a batch.
func ByPath(path string) (Call, bool) {
	switch path {
	case "/v1/batch", "/v1/b", "/v1/import":
		return Batch, true
	case "/v1/track", "/v1/t":
		return Track, true
	case "/v1/identify", "/v1/i":
		return Identify, true
	case "/v1/page", "/v1/p":
		return Page, true
	case "/v1/screen", "/v1/s":
		return Screen, true
	case "/v1/group", "/v1/g":
		return Group, true
	case "/v1/alias", "/v1/a":
		return Alias, true
	}
	return 0, false
}

// A Rule is what an event breaks.
type Rule uint8

// The rules.
const (
	_             Rule = iota
	NotObject          // an event is an object
	TooLarge           // 32 KB at most
	TooMany            // 2,500 events in a batch at most
	TwiceKey           // a key comes once
	TooManyKeys        // 1,000 keys in an object at most
	BadUTF8            // strings are UTF-8
	LoneSurrogate      // an escaped surrogate has its other half
	TooDeep            // 64 levels at most
	BadNumber          // a number is within the range of float64 and of 64 bytes
	BadType            // type is one of the calls
	BadEvent           // a track has the name of its event, a string of 1 to 256 bytes
	NoID               // userId or anonymousId is there; for alias userId and previousId; for group groupId
	BadID              // an id is a string or a whole number of 512 bytes at most
	BadMessageID       // messageId has 100 characters at most
	BadConsent         // context and consent are objects
	Blocked            // the plan's mode for the event is block, and a rule of the plan is broken
)

var ruleTexts = [...]string{
	NotObject: "an event: an object was expected", TooLarge: "an event: 32 KB at most", TooMany: "batch: 2,500 events at most; the rest was left",
	TwiceKey: "a key comes twice in one object", TooManyKeys: "an object: 1,000 keys at most", BadUTF8: "a string is not UTF-8", LoneSurrogate: "a string has half a surrogate pair",
	TooDeep: "an event: 64 levels at most", BadNumber: "a number: 64 digits at most, and within the range of a double, were expected",
	BadType:  "type: track, identify, page, screen, group or alias was expected",
	BadEvent: "event: the name of the event, of 1 to 256 bytes, was expected", NoID: "userId or anonymousId (alias: userId and previousId; group: groupId too) was expected",
	BadID: "an id: a string or a whole number of at most 512 bytes was expected", BadMessageID: "messageId: a string of at most 100 characters was expected",
	BadConsent: "context and context.consent: objects were expected", Blocked: "the event breaks the tracking plan, which blocks it then",
}

// String says the rule.
func (r Rule) String() string {
	if int(r) < len(ruleTexts) && ruleTexts[r] != "" {
		return ruleTexts[r]
	}
	return fmt.Sprintf("rule %d", uint8(r))
}

// A Refusal is an event that was left out.
type Refusal struct {
	Index int // in the batch, from 0
	Rule  Rule
}

// A Violation is a broken rule of the plan, as a shape. Those of an event that the plan
// blocks for it are told too.
type Violation struct {
	Index    int           // of the event, -1 for the shared context
	Path     string        // of the plan: "products[].price"
	Message  *plan.Message // nil for a context and for times
	Expected plan.Type
	Got      Shape
}

// A Shape is the type of a JSON value.
type Shape uint8

// The shapes. Malformed is a value of the right type that has the wrong form.
const (
	Missing Shape = iota
	Null
	Bool
	Number
	Text
	Array
	Object
	Malformed
)

// String returns the name of the shape.
func (s Shape) String() string {
	return [...]string{"missing", "null", "boolean", "number", "string", "array", "object", "malformed"}[s]
}

// A Value is a place in the body, or in the reader's own memory for a string that had
// escapes. The zero value is absent.
type Value struct {
	from, to uint32
	where    uint8
}

const (
	absent = iota
	inBody
	inArena
)

// Absent reports whether there is none.
func (v Value) Absent() bool { return v.where == absent }

// An Identifier is a value by which the person may be found: what the plan says an
// identifier is.
type Identifier struct {
	Index int // of the event, -1 for the shared context
	Path  string
	Class uint8 // of the compiled plan: it may be used only if the mask has its bit
	Value Value
}

// An Unknown is a property that is not in the plan and was dropped.
type Unknown struct {
	Index int
	// Call and Event say in whose properties it is; Event is that of the plan.
	Message    *plan.Message // nil for the context
	Within     string        // the path of its object with what follows, "products[]."; "" at the top
	Name, Held Value         // for plan.Propose; Held is the value as it stands
}

// Signals are the consent inputs found in a context, raw.
type Signals struct {
	Consent Value // context.consent, for signal.Segment
	Google  Value // context.consent.google, for signal.Google
	TCF     Value // context.consent.tcf, a string
	GPP     Value // context.consent.gpp, a string
	USP     Value // context.consent.usp, a string
	// Preferences says that categoryPreferences is there, whatever it holds.
	Preferences bool
}

// An Event is the header of one event, and where its properties lie on the tape.
type Event struct {
	Index int // in the batch
	Call  Call
	// Message is what the plan says of it; nil for alias, and for what is not planned:
	// of that nothing is emitted.
	Message *plan.Message
	// Name is the name as it was sent: of a track, or of a page or screen.
	Name                                     Value
	UserID, AnonymousID, PreviousID, GroupID Value
	MessageID                                Value
	Assigned                                 bool // the messageId was made here
	// SelfAlias says that an alias links an id with itself; ignore it.
	SelfAlias bool
	// Time is when it happened, corrected by the client's clock and never after the
	// arrival. Micros since 1970, UTC.
	Time int64
	// IP is context.ip as the client says it; look the country up and let it go.
	IP Value
	// Country is what the caller found, ISO 3166-1 alpha-2; Emit writes it if permitted.
	Country [2]byte
	// Signals are those of the event's own context. Those of the batch are Body.Shared:
	// both narrow.
	Signals      Signals
	Integrations Value // as it stands; that of the event, else of the batch

	clientTime, sentAt int64 // noTime without
	props, context     span
	contextKeys        uint64 // fields of the plan's context that the event has itself
	end                uint32
}

// A Body is what was read. It holds until the reader's next Read.
type Body struct {
	Events     []Event
	Refused    []Refusal
	Violations []Violation
	// MoreViolations counts those that found no place in Violations any more.
	MoreViolations int
	Unknown        []Unknown
	// Dropped counts unknown properties that found no place in Unknown any more.
	Dropped     int
	Identifiers []Identifier
	WriteKey    Value
	Shared      Signals // of the batch's context

	r *Reader
}

// An Arrival is what the door knows of a body.
type Arrival struct {
	At time.Time
	// Random fills the bytes; message ids are made of them. nil is allowed if every
	// event brings its own, and an event without one is refused else.
	Random func([]byte)
}

// Forget wipes what the reader still holds of the body: the body itself is the
// caller's. What was returned holds no longer.
func (b *Body) Forget() {
	r := b.r
	clear(r.arena)
	clear(r.text1[:cap(r.text1)])
	clear(r.text2[:cap(r.text2)])
	clear(r.text3[:cap(r.text3)])
	r.reset(nil)
}

// Bytes returns the value: a string without its quotes and escapes, anything else as
// it stands. It holds until the next Read.
func (b *Body) Bytes(v Value) []byte {
	switch v.where {
	case inBody:
		return b.r.b[v.from:v.to]
	case inArena:
		return b.r.arena[v.from:v.to]
	}
	return nil
}
