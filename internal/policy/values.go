package policy

import (
	"slices"
	"strings"

	"thimble"
	"thimble/internal/policy/calendar"
)

// A Rule says what one law asks of one purpose.
type Rule struct {
	Use    thimble.Purpose `json:"use" yaml:"use"`
	Mode   Mode            `json:"mode" yaml:"mode"`
	Basis  string          `json:"basis" yaml:"basis"`
	Source `yaml:",inline"`
}

// A Sensitive says what one law asks before data of a category is used at all.
type Sensitive struct {
	Category thimble.Category `json:"category" yaml:"category"`
	Mode     Mode             `json:"mode" yaml:"mode"`
	// Despite are the purposes that stay open to it when the person limits its use (such
	// as 11 CCR 7027(m)); [Despite] when the law lists none.
	Despite []thimble.Purpose `json:"despite,omitempty" yaml:"despite,omitempty"`
	Source  `yaml:",inline"`
}

// A Right is what a person may ask for, and how soon the answer is due.
type Right struct {
	Right       string        `json:"right" yaml:"right"`
	Respond     calendar.Span `json:"respond,omitzero" yaml:"respond,omitempty"`
	Acknowledge calendar.Span `json:"acknowledge,omitzero" yaml:"acknowledge,omitempty"`
	Appeal      calendar.Span `json:"appeal,omitzero" yaml:"appeal,omitempty"` // how soon an appeal is answered
	Extend      Extension     `json:"extend,omitzero" yaml:"extend,omitempty"`
	// FreePerYear is how often a year the answer is free; 0 when the law is
	// silent, -1 always.
	FreePerYear int  `json:"free_per_year,omitempty" yaml:"free_per_year,omitempty"`
	Absolute    bool `json:"absolute,omitempty" yaml:"absolute,omitempty"` // no ground to refuse
	// Tells says who else must be told: "recipients".
	Tells  string `json:"tells,omitempty" yaml:"tells,omitempty"`
	Source `yaml:",inline"`
}

// An Extension lengthens a period when the person is told in time.
type Extension struct {
	By     calendar.Span `json:"by" yaml:"by"`
	Notice calendar.Span `json:"notice_within,omitzero" yaml:"notice_within,omitempty"` // the period itself when empty
}

// A Stop is a reason for which the clock may stand still, once.
type Stop struct {
	Reason string `json:"reason" yaml:"reason"`
	Source `yaml:",inline"`
}

// A Minor says what a person below an age needs.
type Minor struct {
	Topic string `json:"topic" yaml:"topic"` // consent, sale, ads, profiling
	Under int    `json:"under" yaml:"under"`
	Needs Need   `json:"needs" yaml:"needs"`
	// UnknownCounts makes a person of unknown age one below it.
	UnknownCounts bool `json:"unknown_counts,omitempty" yaml:"unknown_counts,omitempty"`
	Source        `yaml:",inline"`
}

// A Signal is an opt-out that a browser or device sends.
type Signal struct {
	Signal  string            `json:"signal" yaml:"signal"`
	Objects []thimble.Purpose `json:"objects" yaml:"objects"` // purposes it objects to
	Display bool              `json:"display,omitempty" yaml:"display,omitempty"`
	Source  `yaml:",inline"`
}

// A Breach says whom to tell of a breach, and how soon.
type Breach struct {
	Tell   string        `json:"tell" yaml:"tell"` // authority, authority_detail, persons, controller
	Within calendar.Span `json:"within" yaml:"within"`
	From   string        `json:"counted_from,omitempty" yaml:"counted_from,omitempty"`
	When   string        `json:"when,omitempty" yaml:"when,omitempty"`
	Source `yaml:",inline"`
}

// A Ceiling is the longest that data may be kept.
type Ceiling struct {
	Category thimble.Category `json:"category" yaml:"category"`
	Max      calendar.Span    `json:"max" yaml:"max"`
	After    string           `json:"after" yaml:"after"` // purpose_end, last_interaction, collection
	Source   `yaml:",inline"`
}

// A Keep is a duty to keep a record, for legal obligations only.
type Keep struct {
	Record   string           `json:"record" yaml:"record"`
	Category thimble.Category `json:"category" yaml:"category"`
	Min      calendar.Span    `json:"min" yaml:"min"`
	Source   `yaml:",inline"`
}

// A Notify is a notice that people must get.
type Notify struct {
	Notice string   `json:"notice" yaml:"notice"`
	At     string   `json:"at" yaml:"at"`
	Must   []string `json:"must,omitempty" yaml:"must,omitempty"`
	Source `yaml:",inline"`
}

// A Disclosure is a sentence or a fact that must be shown beside a price, a chat
// or a decision.
type Disclosure struct {
	Disclose string `json:"disclose" yaml:"disclose"`
	At       string `json:"at" yaml:"at"`
	Text     string `json:"text,omitempty" yaml:"text,omitempty"` // when the law gives the words
	Source   `yaml:",inline"`
}

// A Bound is a time that must pass at least.
type Bound struct {
	Bound   string        `json:"bound" yaml:"bound"`
	AtLeast calendar.Span `json:"at_least" yaml:"at_least"`
	Source  `yaml:",inline"`
}

// A Record is something the shop must write down, or a rule it must keep, that
// has no value.
type Record struct {
	Record string `json:"record" yaml:"record"`
	Source `yaml:",inline"`
}

// value is what all values share.
type value interface {
	key() string
	src() *Source
}

func (r *Rule) key() string       { return string(r.Use) }
func (s *Sensitive) key() string  { return string(s.Category) }
func (r *Right) key() string      { return r.Right }
func (s *Stop) key() string       { return s.Reason }
func (m *Minor) key() string      { return m.Topic + "/" + m.Needs.String() }
func (s *Signal) key() string     { return s.Signal }
func (b *Breach) key() string     { return b.Tell }
func (c *Ceiling) key() string    { return string(c.Category) + "/" + c.After }
func (k *Keep) key() string       { return k.Record }
func (n *Notify) key() string     { return n.Notice }
func (d *Disclosure) key() string { return d.Disclose }
func (b *Bound) key() string      { return b.Bound }
func (r *Record) key() string     { return r.Record }

// A list is one of a pack's lists of values.
type list struct {
	name string
	len  int
	at   func(int) value
	// take replaces the list by child's, or by those of it that keep says;
	// both take the place of base's values of the same key.
	overlay func(base *Pack, drop func(key string) bool)
	amend   func(by *Pack)
	keep    func(func(value) bool)
}

// lists returns the pack's lists. What is done to all values is done with it.
func (p *Pack) lists() []list {
	return []list{
		listOf(p, "purposes", func(p *Pack) *[]Rule { return &p.Purposes }),
		listOf(p, "sensitive", func(p *Pack) *[]Sensitive { return &p.Sensitive }),
		listOf(p, "rights", func(p *Pack) *[]Right { return &p.Rights }),
		listOf(p, "stop_clock", func(p *Pack) *[]Stop { return &p.StopClock }),
		listOf(p, "minors", func(p *Pack) *[]Minor { return &p.Minors }),
		listOf(p, "signals", func(p *Pack) *[]Signal { return &p.Signals }),
		listOf(p, "breach", func(p *Pack) *[]Breach { return &p.Breach }),
		listOf(p, "retention", func(p *Pack) *[]Ceiling { return &p.Retention }),
		listOf(p, "keep", func(p *Pack) *[]Keep { return &p.Keep }),
		listOf(p, "notices", func(p *Pack) *[]Notify { return &p.Notices }),
		listOf(p, "disclosures", func(p *Pack) *[]Disclosure { return &p.Disclosures }),
		listOf(p, "bounds", func(p *Pack) *[]Bound { return &p.Bounds }),
		listOf(p, "records", func(p *Pack) *[]Record { return &p.Records }),
	}
}

func listOf[T any, P interface {
	*T
	value
}](p *Pack, name string, of func(*Pack) *[]T) list {
	own := of(p)
	same := func(all []T, key string) bool {
		return slices.ContainsFunc(all, func(v T) bool { return P(&v).key() == key })
	}
	return list{
		name: name, len: len(*own),
		at: func(i int) value { return P(&(*own)[i]) },
		overlay: func(base *Pack, drop func(string) bool) {
			var all []T
			for _, v := range *of(base) {
				if key := P(&v).key(); !same(*own, key) && !drop(name+"/"+key) {
					if src := P(&v).src(); src.Of == "" {
						src.Of = base.Sources[0].ID // the first document of the pack it came from
					}
					all = append(all, v)
				}
			}
			*own = append(all, *own...)
		},
		amend: func(by *Pack) { *own = amended[T, P](*own, *of(by), by) },
		keep: func(f func(value) bool) {
			var all []T
			for _, v := range *own {
				if f(P(&v)) {
					all = append(all, v)
				}
			}
			*own = all
		},
	}
}

// amended returns the values of a law, those that the amendment replaces ended
// on the day before it starts.
func amended[T any, P interface {
	*T
	value
}](old, changes []T, by *Pack) []T {
	var all []T
	for _, v := range old {
		for _, c := range changes {
			if start := P(&c).src().From; P(&c).key() == P(&v).key() {
				end := &P(&v).src().To
				if end.IsZero() || !end.Before(start) {
					*end = start.Add(-1)
				}
			}
		}
		if s := P(&v).src(); s.To.IsZero() || !s.To.Before(s.From) {
			all = append(all, v)
		}
	}
	for _, c := range changes {
		if src := P(&c).src(); src.Of == "" {
			src.Of = by.Sources[0].ID
		}
		all = append(all, c)
	}
	return all
}

// words are the words that a pack may use where the product must know them.
var words = struct{ topics, tell, after []string }{
	topics: strings.Fields("consent sale ads profiling"),
	tell:   strings.Fields("authority authority_detail persons controller"),
	after:  strings.Fields("purpose_end last_interaction collection"),
}
