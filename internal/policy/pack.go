package policy

import (
	"strings"

	"thimble/internal/policy/calendar"
)

const format = "thimble.regpack/v1"

// A Pack is one law.
type Pack struct {
	Format  string `json:"pack" yaml:"pack"`
	ID      string `json:"id" yaml:"id"`
	Version string `json:"version" yaml:"version"`
	Title   string `json:"title" yaml:"title"`
	Kind    Kind   `json:"kind" yaml:"kind"`
	Status  Status `json:"status" yaml:"status"`
	// Extends names a pack whose values this one starts from. Amends names a pack
	// that this one changes from its first day on.
	Extends string `json:"extends,omitempty" yaml:"extends,omitempty"`
	Amends  string `json:"amends,omitempty" yaml:"amends,omitempty"`
	// Without drops values of Extends: "rights/correct".
	Without   []string      `json:"without,omitempty" yaml:"without,omitempty"`
	Applies   Applies       `json:"applies,omitzero" yaml:"applies,omitempty"`
	Effective Effect        `json:"effective" yaml:"effective"`
	Checked   calendar.Date `json:"checked" yaml:"checked"` // of every value that has none of its own
	Reviewer  Review        `json:"reviewer" yaml:"reviewer"`
	Sources   []Document    `json:"sources" yaml:"sources"`
	Calendar  Calendar      `json:"calendar" yaml:"calendar"`

	Purposes    []Rule       `json:"purposes,omitempty" yaml:"purposes,omitempty"`
	Sensitive   []Sensitive  `json:"sensitive,omitempty" yaml:"sensitive,omitempty"`
	Rights      []Right      `json:"rights,omitempty" yaml:"rights,omitempty"`
	StopClock   []Stop       `json:"stop_clock,omitempty" yaml:"stop_clock,omitempty"`
	Minors      []Minor      `json:"minors,omitempty" yaml:"minors,omitempty"`
	Signals     []Signal     `json:"signals,omitempty" yaml:"signals,omitempty"`
	Breach      []Breach     `json:"breach,omitempty" yaml:"breach,omitempty"`
	Retention   []Ceiling    `json:"retention,omitempty" yaml:"retention,omitempty"`
	Keep        []Keep       `json:"keep,omitempty" yaml:"keep,omitempty"`
	Notices     []Notify     `json:"notices,omitempty" yaml:"notices,omitempty"`
	Disclosures []Disclosure `json:"disclosures,omitempty" yaml:"disclosures,omitempty"`
	Bounds      []Bound      `json:"bounds,omitempty" yaml:"bounds,omitempty"`
	Records     []Record     `json:"records,omitempty" yaml:"records,omitempty"`
	Examples    []Example    `json:"examples,omitempty" yaml:"examples,omitempty"`

	ref     string
	hash    [32]byte
	compute *calendar.Calendar
}

// A Kind says what kind of law a pack is.
type Kind string

// The kinds. A general law prohibits the purposes it does not name; any other is
// silent about them. A house rule is the product's own and applies to everybody.
const (
	Privacy   Kind = "privacy"
	BaselineK Kind = "baseline"
	EPrivacy  Kind = "eprivacy"
	AI        Kind = "ai"
	Pricing   Kind = "pricing"
	Biometric Kind = "biometric"
	Minors    Kind = "minors"
	Product   Kind = "product"
	Platform  Kind = "platform"
	KeepDuty  Kind = "keep"
	House     Kind = "house"
)

var kinds = []Kind{Privacy, BaselineK, EPrivacy, AI, Pricing, Biometric, Minors, Product, Platform, KeepDuty, House}

// General reports whether laws of the kind prohibit what they do not name.
func (k Kind) General() bool { return k == Privacy || k == BaselineK }

// A Status says how far a law has come.
type Status string

// The statuses. A proposed law is never chosen; the simulator tries it.
const (
	InForce  Status = "in_force"
	Future   Status = "future"
	Proposed Status = "proposed"
)

// A Period runs from the first to the last day, both counted, as civil days of
// the pack's zone: a law starts at the midnight of its own place.
type Period struct {
	From calendar.Date `json:"from,omitzero" yaml:"from,omitempty"`
	To   calendar.Date `json:"to,omitzero" yaml:"to,omitempty"`
}

// Covers reports whether the day is in the period.
func (p Period) Covers(d calendar.Date) bool {
	return !d.Before(p.From) && (p.To.IsZero() || !p.To.Before(d))
}

func (p Period) overlaps(q Period) bool {
	return (p.To.IsZero() || !p.To.Before(q.From)) && (q.To.IsZero() || !q.To.Before(p.From))
}

// An Effect is the period of a whole pack, with its source. A proposed law may
// have no first day yet.
type Effect struct {
	Period `yaml:",inline"`
	Cite   string `json:"cite" yaml:"cite"`
	Verify bool   `json:"verify,omitempty" yaml:"verify,omitempty"`
}

// A Document is a source that values cite.
type Document struct {
	ID    string `json:"id" yaml:"id"`
	Title string `json:"title" yaml:"title"`
	URL   string `json:"url,omitempty" yaml:"url,omitempty"`
}

// A Review is the place for who reviewed a pack, and when. It is empty until
// somebody has.
type Review struct {
	Name string        `json:"name" yaml:"name"`
	On   calendar.Date `json:"date" yaml:"date"` // "on" is a boolean to some readers of YAML
}

// Applies says to whom a pack applies.
type Applies struct {
	Everyone      bool        `json:"everyone,omitempty" yaml:"everyone,omitempty"`
	Unknown       bool        `json:"unknown,omitempty" yaml:"unknown,omitempty"` // whose law is not known
	Residence     []string    `json:"residence,omitempty" yaml:"residence,omitempty"`
	Establishment []string    `json:"establishment,omitempty" yaml:"establishment,omitempty"`
	Thresholds    []Threshold `json:"thresholds,omitempty" yaml:"thresholds,omitempty"` // any one suffices
}

// A Threshold is a fact about the shop that brings it under a law. A fact that
// is not known brings it, unless Unknown says "out".
type Threshold struct {
	Fact    string `json:"fact" yaml:"fact"`
	AtLeast int64  `json:"at_least" yaml:"at_least"`
	Unknown string `json:"unknown,omitempty" yaml:"unknown,omitempty"`
	Cite    string `json:"cite" yaml:"cite"`
	Verify  bool   `json:"verify,omitempty" yaml:"verify,omitempty"`
}

// A Calendar says how a pack counts time.
type Calendar struct {
	Rule     calendar.Rule      `json:"rule" yaml:"rule"`
	Zone     string             `json:"zone" yaml:"zone"`
	Weekend  []string           `json:"weekend,omitempty" yaml:"weekend,omitempty"`
	Holidays []calendar.Holiday `json:"holidays,omitempty" yaml:"holidays,omitempty"`
	Cite     string             `json:"cite" yaml:"cite"`
	Verify   bool               `json:"verify,omitempty" yaml:"verify,omitempty"`
}

// A Source says where a value comes from, who must still look at it, and when it
// is in force.
type Source struct {
	Of      string        `json:"source,omitempty" yaml:"source,omitempty"` // a document's id; the first when empty
	Cite    string        `json:"cite" yaml:"cite"`
	Checked calendar.Date `json:"checked" yaml:"checked"`
	// Verify marks a value that was remembered and awaits its primary source.
	Verify bool   `json:"verify,omitempty" yaml:"verify,omitempty"`
	Note   string `json:"note,omitempty" yaml:"note,omitempty"`
	Period `yaml:",inline"`
}

func (s *Source) src() *Source { return s }

// Ref names the pack and its version: "baseline.strict@2026.11.0".
func (p *Pack) Ref() string {
	if p.ref != "" {
		return p.ref
	}
	return p.ID + "@" + p.Version
}

// Packs returns the reference of the pack, as a law of that pack alone does.
func (p *Pack) Packs() []string { return []string{p.Ref()} }

// Hash returns the SHA-256 of the pack's canonical JSON, what it extends included.
func (p *Pack) Hash() [32]byte { return p.hash }

// Digest returns the first eight bytes of the hash, as ledger leaves carry it.
func (p *Pack) Digest() [8]byte { return [8]byte(p.hash[:8]) }

// Unverified returns how many of the pack's values await their primary source,
// and how many values it has.
func (p *Pack) Unverified() (open, all int) {
	count := func(verify bool) {
		all++
		if verify {
			open++
		}
	}
	count(p.Effective.Verify)
	count(p.Calendar.Verify)
	for _, t := range p.Applies.Thresholds {
		count(t.Verify)
	}
	for _, l := range p.lists() {
		for i := range l.len {
			count(l.at(i).src().Verify)
		}
	}
	return open, all
}

// Newer reports whether version a comes after b: 2026.11.10 after 2026.11.9.
func Newer(a, b string) bool {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := range max(len(as), len(bs)) {
		x, y := part(as, i), part(bs, i)
		if len(x) != len(y) {
			return len(x) > len(y)
		}
		if x != y {
			return x > y
		}
	}
	return false
}

func part(parts []string, i int) string {
	if i >= len(parts) {
		return ""
	}
	return strings.TrimLeft(parts[i], "0")
}
