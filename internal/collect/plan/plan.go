package plan

import "thimble"

// A Type is what a value must be.
type Type string

// The types. A null counts as a property that is not there.
const (
	String  Type = "string"
	Number  Type = "number"
	Integer Type = "integer" // whole, within ±(2^53 - 1)
	Boolean Type = "boolean"
	// Money is a number, or a string of decimal digits, in major units and below 10^15.
	// It is kept as minor units of the event's currency, and read as digits, never as
	// a float.
	Money   Type = "money"
	Date    Type = "date"    // a string that begins with an ISO 8601 date
	Scalar  Type = "scalar"  // a string, a number or a boolean
	Object  Type = "object"  // with properties of its own
	Objects Type = "objects" // a list of objects with the same properties
	Strings Type = "strings" // a list of strings
)

// A Transform is what is done to a value before it is written.
type Transform string

// The transforms; none means that the value is kept.
const (
	Keep Transform = "keep"
	Drop Transform = "drop"
	// Country hands an IP address out, so that the country can be looked up, and drops it.
	Country Transform = "country"
	// AgeBand turns a birthday or an age into a band such as "25-34".
	AgeBand Transform = "age_band"
	// Identifier hands an e-mail address or a telephone number out, to find the person
	// by; it is not written with the event.
	Identifier Transform = "identifier"
	// Scan puts the kind of what package pii finds in a text in its place.
	Scan Transform = "scan"
	// Address keeps of a URL what comes before query and fragment, scanned.
	Address Transform = "address"
)

// A Mode says what a broken rule costs.
type Mode string

// The modes.
const (
	Block Mode = "block" // the event
	Omit  Mode = "omit"  // the property
	Warn  Mode = "warn"  // nothing, if the value can be written; it is told
)

// A Use is what a property is and what it is for.
type Use struct {
	Category thimble.Category  `yaml:"category" json:"category"`
	Purposes []thimble.Purpose `yaml:"purposes" json:"purposes"`
}

// A Property is one key of an object.
type Property struct {
	Name      string    `yaml:"name" json:"name"`
	Type      Type      `yaml:"type" json:"type"`
	Use       string    `yaml:"use,omitempty" json:"use,omitempty"` // "" for that of the event
	Transform Transform `yaml:"transform,omitempty" json:"transform,omitempty"`
	Required  bool      `yaml:"required,omitempty" json:"required,omitempty"`
	// Of Object and Objects: groups first, then properties.
	Groups     []string   `yaml:"groups,omitempty" json:"groups,omitempty"`
	Properties []Property `yaml:"properties,omitempty" json:"properties,omitempty"`
	Note       string     `yaml:"note,omitempty" json:"note,omitempty"`
}

// An Event is one kind of message with what it may carry.
type Event struct {
	// Call is track, identify, page, screen or group; context is what each message may
	// carry beside.
	Call string `yaml:"call,omitempty" json:"call,omitempty"` // "" means track
	Name string `yaml:"name,omitempty" json:"name,omitempty"` // of track; exact
	// Also are other names that mean it, such as those of version 1 of the spec.
	Also       []string   `yaml:"also,omitempty" json:"also,omitempty"`
	Mode       Mode       `yaml:"mode,omitempty" json:"mode,omitempty"` // "" means omit
	Use        string     `yaml:"use" json:"use"`
	Groups     []string   `yaml:"groups,omitempty" json:"groups,omitempty"`
	Properties []Property `yaml:"properties,omitempty" json:"properties,omitempty"`
}

// A Plan is the whole file.
type Plan struct {
	Version int `yaml:"version" json:"version"` // counts up with each change
	// Currency is that of amounts without one, ISO 4217; "" means two decimals.
	Currency string                `yaml:"currency,omitempty" json:"currency,omitempty"`
	Uses     map[string]Use        `yaml:"uses" json:"uses"`
	Groups   map[string][]Property `yaml:"groups" json:"groups"`
	Events   []Event               `yaml:"events" json:"events"`
}

// title names an event for people: a name, or the call.
func (e *Event) title() string {
	if e.Name != "" {
		return e.Name
	}
	return e.call()
}

func (e *Event) call() string {
	if e.Call == "" {
		return "track"
	}
	return e.Call
}

func (e *Event) mode() Mode {
	if e.Mode == "" {
		return Omit
	}
	return e.Mode
}

// all returns the properties of groups and then the own ones; a later one of the
// same name replaces an earlier one.
func (p *Plan) all(groups []string, own []Property) []Property {
	var all []Property
	add := func(more []Property) {
		for _, q := range more {
			replaced := false
			for i := range all {
				if all[i].Name == q.Name {
					all[i], replaced = q, true
				}
			}
			if !replaced {
				all = append(all, q)
			}
		}
	}
	for _, g := range groups {
		add(p.Groups[g])
	}
	add(own)
	return all
}

// Title names an event for people: a name, or the call.
func (e *Event) Title() string { return e.title() }

// Costs returns what a broken rule costs, also for an event that leaves it out.
func (e *Event) Costs() Mode { return e.mode() }

// Done returns what is done to the value, also for a property that leaves it out.
func (q *Property) Done() Transform { return q.transform() }

// All returns the properties of an event or an object: those of its groups and then its
// own; a later one of the same name replaces an earlier one.
func (p *Plan) All(groups []string, own []Property) []Property { return p.all(groups, own) }
