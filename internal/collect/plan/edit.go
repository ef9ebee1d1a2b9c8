package plan

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"thimble"
)

// A Where says which list of properties is meant: those of an event, or of a group,
// wherever the group is used.
type Where struct {
	Event string // as the plan titles it: "Product Viewed", or "identify"
	Group string // instead of Event
	// Within are the objects on the way, from the outside in: of "products[].size" that is
	// "products".
	Within []string
}

// Path returns the path of a property there, as differences and violations name it.
func (w Where) Path(name string) string {
	return strings.Join(append(append([]string{w.Event + w.Group}, w.Within...), name), ".")
}

// A Text is a plan that is edited as it is written: comments, order and layout stay.
type Text struct{ root yaml.Node }

// EditText takes up the text of a plan. The error is that of [Read].
func EditText(text []byte) (*Text, error) {
	if _, err := Read(text); err != nil {
		return nil, err
	}
	t := &Text{}
	if err := yaml.Unmarshal(text, &t.root); err != nil {
		return nil, invalid("the file: %v", err)
	}
	return t, nil
}

// Done returns the text with all edits and the plan it is. The error is that of [Read]:
// edits that do not fit together make no plan.
func (t *Text) Done() ([]byte, *Plan, error) {
	text, err := yaml.Dump(&t.root, yaml.WithIndent(2), yaml.WithLineWidth(-1), yaml.WithCompactSeqIndent(false))
	if err != nil {
		return nil, nil, invalid("the file: %v", err)
	}
	p, err := Read(text)
	return text, p, err
}

// Number sets the version.
func (t *Text) Number(n int) { set(t.top(), "version", scalar(strconv.Itoa(n))) }

// Mode sets what a broken rule of an event costs.
func (t *Text) Mode(event string, m Mode) error {
	e, err := t.event(event)
	if err == nil {
		set(e, "mode", scalar(string(m)))
	}
	return err
}

// AddEvent adds an event at the end.
func (t *Text) AddEvent(e Event) error {
	n, err := node(e)
	if err == nil {
		list := ensure(t.top(), "events", yaml.SequenceNode)
		list.Content = append(list.Content, n)
	}
	return err
}

// DropEvent takes an event out: what comes by its name is dropped from then on.
func (t *Text) DropEvent(event string) error {
	e, err := t.event(event)
	if err == nil {
		list := get(t.top(), "events")
		list.Content = slices.DeleteFunc(list.Content, func(n *yaml.Node) bool { return n == e })
	}
	return err
}

// AddUse adds a use, or replaces the one of its name.
func (t *Text) AddUse(name string, u Use) error {
	n, err := node(u)
	if err == nil {
		set(ensure(t.top(), "uses", yaml.MappingNode), name, n)
	}
	return err
}

// Put adds a property, or replaces the one of its name. What an event has from a group
// is replaced for this event alone.
func (t *Text) Put(w Where, q Property) error {
	list, err := t.list(w)
	if err != nil {
		return err
	}
	n, err := node(q)
	if err != nil {
		return err
	}
	for i, old := range list.Content {
		if value(old, "name") == q.Name {
			list.Content[i] = n
			return nil
		}
	}
	list.Content = append(list.Content, n)
	return nil
}

// Remove takes a property out of the list that it stands in: it is unknown from then
// on, and so dropped and proposed. One that comes from a group is not found here.
func (t *Text) Remove(w Where, name string) error {
	list, err := t.list(w)
	if err != nil {
		return err
	}
	before := len(list.Content)
	list.Content = slices.DeleteFunc(list.Content, func(n *yaml.Node) bool { return value(n, "name") == name })
	if len(list.Content) == before {
		return notThere("%s: it does not stand there itself; groups are edited by themselves", w.Path(name))
	}
	return nil
}

func notThere(format string, args ...any) error {
	return fmt.Errorf("plan: "+format+": %w", append(args, thimble.ErrNotFound)...)
}

// list finds the properties that a Where means. Objects on the way that come from a group are
// copied into the event first.
func (t *Text) list(w Where) (*yaml.Node, error) {
	var at *yaml.Node
	var all []Property
	p, err := t.Plan()
	if err != nil {
		return nil, err
	}
	switch {
	case w.Group != "":
		at = get(get(t.top(), "groups"), w.Group)
		if at == nil {
			return nil, notThere("group %q: the plan has none of this name", w.Group)
		}
		all = p.Groups[w.Group]
	default:
		e, err := t.event(w.Event)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(p.Events, func(e Event) bool { return e.title() == w.Event })
		at, all = ensure(e, "properties", yaml.SequenceNode), p.all(p.Events[i].Groups, p.Events[i].Properties)
	}
	for _, name := range w.Within {
		i := slices.IndexFunc(all, func(q Property) bool { return q.Name == name })
		if i < 0 || all[i].Type != Object && all[i].Type != Objects {
			return nil, notThere("%s: %q is no object there", w.Event+w.Group, name)
		}
		if at, err = own(at, all[i]); err != nil {
			return nil, err
		}
		all = p.all(all[i].Groups, all[i].Properties)
	}
	return at, nil
}

// own returns the properties of an object in a list, which gets the object if it has it
// from elsewhere.
func own(list *yaml.Node, q Property) (*yaml.Node, error) {
	for _, n := range list.Content {
		if value(n, "name") == q.Name {
			return ensure(n, "properties", yaml.SequenceNode), nil
		}
	}
	n, err := node(q)
	if err != nil {
		return nil, err
	}
	list.Content = append(list.Content, n)
	return ensure(n, "properties", yaml.SequenceNode), nil
}

// Plan returns the plan as it stands between edits, which need not be whole.
func (t *Text) Plan() (*Plan, error) {
	var p Plan
	if err := t.root.Decode(&p); err != nil {
		return nil, invalid("the file: %v", err)
	}
	return &p, nil
}

func (t *Text) top() *yaml.Node { return t.root.Content[0] }

func (t *Text) event(title string) (*yaml.Node, error) {
	if list := get(t.top(), "events"); list != nil {
		for _, n := range list.Content {
			e := Event{Call: value(n, "call"), Name: value(n, "name")}
			if e.title() == title {
				return n, nil
			}
		}
	}
	return nil, notThere("event %q: the plan has none of this name", title)
}

// get returns the value of a key, nil without one.
func get(m *yaml.Node, key string) *yaml.Node {
	for m != nil && m.Kind == yaml.AliasNode {
		m = m.Alias
	}
	if m == nil || m.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == key {
			return m.Content[i+1]
		}
	}
	return nil
}

func value(m *yaml.Node, key string) string {
	if n := get(m, key); n != nil && n.Kind == yaml.ScalarNode {
		return n.Value
	}
	return ""
}

func set(m *yaml.Node, key string, to *yaml.Node) {
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == key {
			to.LineComment, to.FootComment = m.Content[i+1].LineComment, m.Content[i+1].FootComment
			m.Content[i+1] = to
			return
		}
	}
	m.Content = append(m.Content, scalar(key), to)
}

// ensure returns the value of a key, which is made if it is not there or empty.
func ensure(m *yaml.Node, key string, kind yaml.Kind) *yaml.Node {
	if n := get(m, key); n != nil && n.Kind == kind {
		return n
	}
	n := &yaml.Node{Kind: kind}
	set(m, key, n)
	return n
}

func scalar(text string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Value: text} }

// node writes a value on one line, as the plan that ships has its properties.
func node(v any) (*yaml.Node, error) {
	n := &yaml.Node{}
	if err := n.Encode(v); err != nil {
		return nil, invalid("%v", err)
	}
	n.Style = yaml.FlowStyle
	return n, nil
}
