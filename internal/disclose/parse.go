package disclose

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"thimble"
	"thimble/internal/datamap"
)

// MaxAgreement bounds the text of an agreement, in bytes.
const MaxAgreement = 64 << 10

// A LineError says what is wrong with an agreement, and where.
type LineError struct {
	Line int
	Rule string // names the key and the rule, and repeats no value
}

// Error implements error.
func (e *LineError) Error() string {
	return fmt.Sprintf("disclose: agreement: line %d: %s", e.Line, e.Rule)
}

// Is makes it an error of kind thimble.ErrInvalid.
func (e *LineError) Is(target error) bool { return target == thimble.ErrInvalid }

// ParseAgreement reads an agreement: one YAML document, of which JSON is a part. It
// takes no key that it does not know, none twice, and nothing that a reader could take
// for something else. The error is a *LineError. docs/disclose.md has a full example.
func ParseAgreement(text []byte) (a Agreement, err error) {
	if len(text) > MaxAgreement {
		return a, &LineError{1, fmt.Sprintf("the text has more than %d bytes", MaxAgreement)}
	}
	if !utf8.Valid(text) {
		return a, &LineError{1, "the text is not UTF-8"}
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return a, &LineError{yamlLine(err), "this is not YAML or JSON"}
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		return a, &LineError{1, "keys with values were expected, such as agreement: 1"}
	}
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(*LineError)
			if !ok {
				panic(r)
			}
			err = e
		}
	}()
	return readAgreement(doc.Content[0]), nil
}

var lineOf = regexp.MustCompile(`line (\d+)`)

func yamlLine(err error) int {
	if m := lineOf.FindStringSubmatch(err.Error()); m != nil {
		n, _ := strconv.Atoi(m[1]) // digits
		return max(n, 1)
	}
	return 1
}

// fail ends the reading; ParseAgreement returns it.
func fail(n *yaml.Node, format string, args ...any) {
	panic(&LineError{max(n.Line, 1), fmt.Sprintf(format, args...)})
}

func readAgreement(root *yaml.Node) (a Agreement) {
	m := mapping(root, "the agreement", "agreement", "title", "contract", "act", "effective", "until", "purposes", "fields",
		"sub-processors", "transfer", "assessment", "retention", "acknowledge", "brands")
	if v, n := m.word("agreement"), m.node("agreement"); v != "1" {
		fail(n, "agreement: the form is 1")
	}
	a.Title, a.Contract = m.text("title", 2, 120), m.text("contract", 3, 300)
	a.Act = Act(m.oneOf("act", string(Process), string(Share), string(Sale)))
	a.From, a.Until = m.date("effective"), m.date("until")
	if !a.From.Before(a.Until) {
		fail(m.node("until"), "until: a day after effective was expected")
	}
	for _, n := range m.list("purposes", 1, 20) {
		p := thimble.Purpose(word(n, "purposes", key))
		if has(a.Purposes, p) {
			fail(n, "purposes: each once")
		}
		a.Purposes = append(a.Purposes, p)
	}
	for _, n := range m.list("fields", 1, 100) {
		a.Fields = append(a.Fields, readField(n, a))
	}
	for _, n := range m.optional("sub-processors", 50) {
		s := mapping(n, "sub-processors", "name", "country", "for")
		a.Processors = append(a.Processors, SubProcessor{s.text("name", 2, 80), word(s.node("country"), "country", country), s.text("for", 2, 120)})
	}
	t := mapping(m.node("transfer"), "transfer", "basis", "countries")
	a.Transfer.Basis = t.oneOf("basis", "none", "adequacy", "clauses", "rules", "derogation")
	for _, n := range t.optional("countries", 50) {
		a.Transfer.Countries = append(a.Transfer.Countries, word(n, "transfer.countries", country))
	}
	if (a.Transfer.Basis == "none") != (len(a.Transfer.Countries) == 0) {
		fail(m.node("transfer"), "transfer: countries go with a basis, and none with none")
	}
	s := mapping(m.node("assessment"), "assessment", "by", "on", "expires")
	a.Assessment = Assessment{s.text("by", 2, 120), s.date("on"), s.date("expires")}
	if !a.Assessment.On.Before(a.Assessment.Expires) {
		fail(s.node("expires"), "assessment.expires: a day after on was expected")
	}
	a.Retention = m.span("retention", 'd', 24*time.Hour, 3650)
	if m.given("acknowledge") {
		a.Acknowledge = m.span("acknowledge", 'h', time.Hour, 24*90)
	}
	for _, n := range m.optional("brands", 50) {
		a.Brands = append(a.Brands, scalar(n, "brands"))
	}
	return a
}

var fieldName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)

// PersonField is the name under which a recipient finds its pseudonym of a person.
const PersonField = "person"

func readField(n *yaml.Node, a Agreement) Field {
	m := mapping(n, "fields", "name", "category", "coarsen")
	f := Field{Name: word(m.node("name"), "fields.name", fieldName)}
	if _, twice := a.Field(f.Name); twice || f.Name == PersonField {
		fail(m.node("name"), "fields.name: each once, and none is %q, which the pseudonym is", PersonField)
	}
	if m.given("category") {
		f.Category = thimble.Category(word(m.node("category"), "fields.category", key))
		if datamap.Refuse(f.Category) != nil {
			fail(m.node("category"), "fields.category: a category of the taxonomy that is kept here was expected; `thimble datamap --taxonomy` lists them")
		}
	}
	if m.given("coarsen") {
		f.Coarsen = Coarsen(m.oneOf("coarsen", string(Hour), string(Day), string(Month), string(Year)))
	}
	return f
}

// key is a fideslang key.
var key = regexp.MustCompile(`^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$`)

// A keyed is a mapping that was read strictly.
type keyed struct {
	root   *yaml.Node
	name   string
	values map[string]*yaml.Node
}

func mapping(n *yaml.Node, name string, known ...string) keyed {
	refuse(n)
	if n.Kind != yaml.MappingNode {
		fail(n, "%s: keys with values were expected", name)
	}
	m := keyed{n, name, map[string]*yaml.Node{}}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		refuse(k)
		switch {
		case k.Kind != yaml.ScalarNode || !slices.Contains(known, k.Value):
			fail(k, "%s: an unknown key; known are %s", name, strings.Join(known, ", "))
		case m.values[k.Value] != nil:
			fail(k, "%s: the key %s is there twice", name, k.Value)
		}
		m.values[k.Value] = v
	}
	return m
}

// refuse stops at what YAML allows and a contract must not leave to guessing.
func refuse(n *yaml.Node) {
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		fail(n, "anchors and aliases are not for agreements; write the value out")
	case n.Style&yaml.TaggedStyle != 0:
		fail(n, "tags are not for agreements")
	}
}

func (m keyed) given(k string) bool { return m.values[k] != nil }

func (m keyed) node(k string) *yaml.Node {
	n := m.values[k]
	if n == nil {
		fail(m.root, "%s: the key %s is missing", m.name, k)
	}
	return n
}

func scalar(n *yaml.Node, name string) string {
	refuse(n)
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" || !plain(n.Value, 1, 300) {
		fail(n, "%s: one line of text was expected", name)
	}
	return n.Value
}

func word(n *yaml.Node, name string, form *regexp.Regexp) string {
	v := scalar(n, name)
	if !form.MatchString(v) {
		fail(n, "%s: a word of the form %s was expected", name, form)
	}
	return v
}

func (m keyed) word(k string) string { return scalar(m.node(k), k) }

func (m keyed) text(k string, least, most int) string {
	v := scalar(m.node(k), k)
	if !plain(v, least, most) {
		fail(m.node(k), "%s: %d to %d characters were expected", k, least, most)
	}
	return v
}

func (m keyed) oneOf(k string, known ...string) string {
	v := m.word(k)
	if !slices.Contains(known, v) {
		fail(m.node(k), "%s: one of %s was expected", k, strings.Join(known, ", "))
	}
	return v
}

func (m keyed) date(k string) time.Time {
	at, err := time.Parse(time.DateOnly, m.word(k))
	if err != nil || at.Year() < 1990 || at.Year() > 2200 {
		fail(m.node(k), "%s: a day such as 2026-12-31 was expected", k)
	}
	return at
}

// span reads a number and a unit, such as 30d.
func (m keyed) span(k string, unit byte, one time.Duration, most int) time.Duration {
	v := m.word(k)
	n, err := strconv.Atoi(strings.TrimSuffix(v, string(unit)))
	if err != nil || v[len(v)-1] != unit || n < 0 || n > most || v != strconv.Itoa(n)+string(unit) {
		fail(m.node(k), "%s: a number up to %d and %c was expected, such as 30%c", k, most, unit, unit)
	}
	return time.Duration(n) * one
}

func (m keyed) list(k string, least, most int) []*yaml.Node {
	n := m.node(k)
	refuse(n)
	if n.Kind != yaml.SequenceNode || len(n.Content) < least || len(n.Content) > most {
		fail(n, "%s: a list of %d to %d was expected", k, least, most)
	}
	return n.Content
}

func (m keyed) optional(k string, most int) []*yaml.Node {
	if !m.given(k) {
		return nil
	}
	return m.list(k, 0, most)
}
