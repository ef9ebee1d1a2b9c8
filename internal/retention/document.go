package retention

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"thimble"
	"thimble/internal/datamap"
	"thimble/internal/policy/calendar"
)

// Format is the first word of an operator's document.
const Format = "thimble.retention/v1"

// A Document is what the operator says about retention, beside the laws.
type Document struct {
	Retention string   `json:"retention"` // [Format]
	Rules     []Period `json:"rules"`
	// KeptHere names records of laws, such as "invoice", that this installation keeps for
	// them, also when somebody is erased. KeptElsewhere names those that the shop keeps in
	// its books or another system. Where a law's record is in neither, nothing of it expires
	// before a person has looked.
	KeptHere      []string `json:"kept_here,omitzero"`
	KeptElsewhere []string `json:"kept_elsewhere,omitzero"`
}

// A Period is one longest period of a document.
type Period struct {
	Category thimble.Category `json:"category"`
	Purpose  thimble.Purpose  `json:"purpose,omitzero"` // "" bounds every purpose
	Max      string           `json:"max"`              // 48h, 45d, 18mo, 2y; 0d: nothing is kept
	// After is what it is counted from: "" from collection, [PurposeEnd], or [LastSeen], which
	// is of everything ("*"): who stays away is forgotten.
	After Clock  `json:"after,omitzero"`
	Why   string `json:"why"`
}

const maxDocument, maxRules, maxWhy = 64 << 10, 200, 500

// ParseDocument reads a document strictly: an unknown or repeated key, a category or
// purpose that the taxonomy does not have, or two rules about the same are errors of kind
// ErrInvalid that say which rule and what was expected.
func ParseDocument(text []byte) (d Document, err error) {
	if len(text) > maxDocument {
		return d, fmt.Errorf("retention: the document has %d bytes; %d at most were expected: %w", len(text), maxDocument, thimble.ErrInvalid)
	}
	if err := json.Unmarshal(text, &d, json.RejectUnknownMembers(true)); err != nil {
		return Document{}, fmt.Errorf("retention: the document is not JSON of the form %s: %s: %w", Format, plain(err), thimble.ErrInvalid)
	}
	if d.Retention != Format {
		return Document{}, fmt.Errorf("retention: retention: %q was expected: %w", Format, thimble.ErrInvalid)
	}
	if len(d.Rules) > maxRules {
		return Document{}, fmt.Errorf("retention: rules: %d at most were expected: %w", maxRules, thimble.ErrInvalid)
	}
	seen := map[[3]string]bool{}
	for i, r := range d.Rules {
		key := [3]string{string(r.Category), string(r.Purpose), string(r.After)}
		err := r.check()
		if err == nil && seen[key] {
			err = fmt.Errorf("category: there is a rule about the same already: %w", thimble.ErrInvalid)
		}
		if err != nil {
			return Document{}, fmt.Errorf("retention: rules[%d]: %w", i, err)
		}
		seen[key] = true
	}
	named := append(slices.Clone(d.KeptHere), d.KeptElsewhere...)
	for i, k := range named {
		if k == "" || len(k) > 64 || slices.Contains(named[:i], k) {
			return Document{}, fmt.Errorf("retention: kept_here, kept_elsewhere: the name of a record was expected, once in both: %w", thimble.ErrInvalid)
		}
	}
	return d, nil
}

// plain is what a parser says, without what it was given.
func plain(err error) string {
	text, _, _ := strings.Cut(err.Error(), "\n")
	if i := strings.Index(text, "within"); i > 0 {
		text = text[i:]
	}
	if len(text) > 200 || !utf8.ValidString(text) {
		return "it cannot be read"
	}
	return text
}

func (p Period) check() error {
	if err := p.checkClock(); err != nil {
		return err
	}
	if _, known := datamap.CategoryOf(p.Category); !known && p.After == "" {
		return fmt.Errorf("category: one of the taxonomy was expected, such as %s: %w", thimble.PurchaseHistory, thimble.ErrInvalid)
	}
	if _, known := datamap.PurposeOf(p.Purpose); p.Purpose != "" && !known {
		return fmt.Errorf("purpose: one of the taxonomy was expected, such as %s: %w", thimble.PersonalizeContent, thimble.ErrInvalid)
	}
	if _, err := p.span(); err != nil {
		return err
	}
	if why := strings.TrimSpace(p.Why); utf8.RuneCountInString(why) < 3 || len(why) > maxWhy {
		return fmt.Errorf("why: 3 to %d characters were expected: %w", maxWhy, thimble.ErrInvalid)
	}
	return nil
}

func (p Period) checkClock() error {
	if p.After == "" {
		return nil
	}
	_, known := datamap.CategoryOf(p.Category)
	switch {
	case p.After != PurposeEnd && p.After != LastSeen:
		return fmt.Errorf("after: %s or %s was expected, or nothing: %w", PurposeEnd, LastSeen, thimble.ErrInvalid)
	case p.Purpose != "":
		return fmt.Errorf("purpose: with after none was expected: %w", thimble.ErrInvalid)
	case p.After == LastSeen && p.Category != "*":
		return fmt.Errorf("category: * was expected: who has not been there for that long is forgotten: %w", thimble.ErrInvalid)
	case !known && p.Category != "*":
		return fmt.Errorf("category: one of the taxonomy was expected, or *: %w", thimble.ErrInvalid)
	}
	return nil
}

func (p Period) span() (calendar.Span, error) {
	s, err := calendar.ParseSpan(p.Max)
	if err != nil || s.Unit == calendar.Business || s.Unit == calendar.Prompt || s.Usual() > 100*525960 {
		return s, fmt.Errorf("max: a period of hours, days, months or years was expected, such as 48h, 45d, 18mo or 2y: %w", thimble.ErrInvalid)
	}
	return s, nil
}

// Bounds are the document's rules, under the number of its version.
func (d Document) Bounds(version int64) (rules []Rule) {
	for _, p := range d.Rules {
		if s, err := p.span(); err == nil {
			rules = append(rules, Rule{Category: p.Category, Purpose: p.Purpose, Span: s, After: cmp.Or(p.After, Collected), Source: Source{Operator, "version " + strconv.FormatInt(version, 10), p.Why}})
		}
	}
	return rules
}

// Refused are the categories of which nothing is kept for any purpose.
func (d Document) Refused() (all []thimble.Category) {
	for _, p := range d.Rules {
		if s, err := p.span(); err == nil && s.N == 0 && p.Purpose == "" && p.After == "" {
			all = append(all, p.Category)
		}
	}
	return all
}

// Text is the document as it is kept.
func (d Document) Text() (string, error) {
	d.Retention = Format
	if d.Rules == nil {
		d.Rules = []Period{}
	}
	b, err := json.Marshal(d, json.Deterministic(true))
	return string(b), err
}

// With is the document with a rule added, or put in the place of one about the same.
func (d Document) With(p Period) Document {
	d.Rules = slices.DeleteFunc(slices.Clone(d.Rules), func(o Period) bool { return o.Category == p.Category && o.Purpose == p.Purpose && o.After == p.After })
	d.Rules = append(d.Rules, p)
	return d
}

// Undeclared returns the law's record that a schedule would destroy although it must be
// kept still, and of which the document does not say where.
func (d Document) Undeclared(s Schedule, now time.Time) (Rule, bool) {
	for _, f := range s.Floors {
		if s.Ends != nil && FloorFrom(now, f.Span).Before(s.Before(now)) && !slices.Contains(d.KeptHere, f.Record) && !slices.Contains(d.KeptElsewhere, f.Record) {
			return f, true
		}
	}
	return Rule{}, false
}
