package plan

import (
	"cmp"
	"encoding/binary"
	"slices"

	"thimble"
)

// MaxClasses is how many pairs of category and purposes a plan may have: one bit each.
const MaxClasses = 64

// MaxPairs is how many pairs of a use and one of its purposes a plan may have: one bit
// each, of what is known of everybody.
const MaxPairs = 256

// A Compiled plan is read by package segment. It does not change.
type Compiled struct {
	Version int
	// Classes are the uses, by class; a mask of permitted ones has bit i for Classes[i].
	Classes []Use
	// Currency is that of amounts without one.
	Currency string
	// Context is what every message may carry beside.
	Context *Node
	// CountryClass is the class of the country that is looked up for an IP address, -1
	// if the plan has no use for the category.
	CountryClass int
	// Categories are those of the classes, each once, in order; Of is the mask of the
	// classes of each, and CategoryOf the place of each class's category.
	Categories []thimble.Category
	Of         []uint64
	CategoryOf []uint8
	events     map[string]*Message // of track, by each of its names
	calls      map[string]*Message // of the others, by call
}

// A Message is a compiled event.
type Message struct {
	Call  string
	Name  string // of track: the exact one of the spec, whichever was sent
	Mode  Mode
	Class uint8
	Node  *Node
	// CurrencyField is the place of the property "currency" in Node, -1 without one.
	CurrencyField int
	// NameField is the place of the property "name", for the name of a page.
	NameField int
}

// A Node is an object: its fields in the order of their names.
type Node struct {
	Fields []Field
	Path   string // of what is in it: "products[].", "" at the top
	// Required has the bit of each field that must be there.
	Required uint64
	seed     uint64
	shift    uint8
	slots    []uint8 // place + 1, by hash; perfect, so one comparison decides
}

// A Field is a compiled property.
type Field struct {
	Name      string
	Path      string // from the message's properties on, "products[].price"
	Type      Type
	Transform Transform
	Class     uint8
	Child     *Node // of Object and Objects
	// Key is what is written before the value: the quoted name and a colon. Amounts
	// are written under the name with "_minor", which says the unit.
	Key string
}

// categorise gathers the classes by category.
func (c *Compiled) categorise() {
	for class, u := range c.Classes {
		i := slices.Index(c.Categories, u.Category)
		if i < 0 {
			i = len(c.Categories)
			c.Categories, c.Of = append(c.Categories, u.Category), append(c.Of, 0)
		}
		c.Of[i] |= 1 << class
		c.CategoryOf = append(c.CategoryOf, uint8(i))
	}
}

// Track returns the message of a track call by name, nil for one that is not planned.
func (c *Compiled) Track(name []byte) *Message { return c.events[string(name)] }

// Call returns the message of another call, nil for one that is not planned.
func (c *Compiled) Call(call string) *Message { return c.calls[call] }

// Mask returns the mask of the classes that are permitted: permitted is asked for each
// category and purpose, and one purpose is enough.
func (c *Compiled) Mask(permitted func(thimble.Purpose, thimble.Category) bool) (mask uint64) {
	for i, u := range c.Classes {
		if slices.ContainsFunc(u.Purposes, func(p thimble.Purpose) bool { return permitted(p, u.Category) }) {
			mask |= 1 << i
		}
	}
	return mask
}

// Compile makes tables of a plan.
func Compile(p *Plan) (*Compiled, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	c := &Compiled{Version: p.Version, Currency: p.Currency, events: map[string]*Message{}, calls: map[string]*Message{}, Context: &Node{}}
	if err := c.Context.index(); err != nil {
		return nil, err
	}
	b := builder{plan: p, out: c, class: map[string]uint8{}}
	for i := range p.Events {
		if err := b.event(&p.Events[i]); err != nil {
			return nil, err
		}
	}
	c.CountryClass = slices.IndexFunc(c.Classes, func(u Use) bool { return u.Category == thimble.Country })
	c.categorise()
	pairs := 0
	for _, u := range c.Classes {
		pairs += len(u.Purposes)
	}
	if pairs > MaxPairs {
		return nil, invalid("uses: %d purposes over all of them, at most %d were expected", pairs, MaxPairs)
	}
	return c, nil
}

type builder struct {
	plan  *Plan
	out   *Compiled
	class map[string]uint8
}

func (b *builder) event(e *Event) error {
	class, err := b.classOf(e.Use)
	if err != nil {
		return err
	}
	node, err := b.node("", e.Use, e.Groups, e.Properties)
	if err != nil {
		return err
	}
	m := &Message{Call: e.call(), Name: e.Name, Mode: e.mode(), Class: class, Node: node, CurrencyField: node.Find([]byte("currency")), NameField: node.Find([]byte("name"))}
	switch m.Call {
	case "context":
		b.out.Context = node
	case "track":
		b.out.events[e.Name] = m
		for _, name := range e.Also {
			b.out.events[name] = m
		}
	default:
		b.out.calls[m.Call] = m
	}
	return nil
}

func (b *builder) classOf(use string) (uint8, error) {
	if c, ok := b.class[use]; ok {
		return c, nil
	}
	if len(b.out.Classes) == MaxClasses {
		return 0, invalid("uses: %d at most were expected", MaxClasses)
	}
	c := uint8(len(b.out.Classes))
	b.class[use], b.out.Classes = c, append(b.out.Classes, b.plan.Uses[use])
	return c, nil
}

func (b *builder) node(path, use string, groups []string, own []Property) (*Node, error) {
	all := b.plan.all(groups, own)
	slices.SortFunc(all, func(x, y Property) int { return cmp.Compare(x.Name, y.Name) })
	n := &Node{Path: path}
	for i, q := range all {
		within := cmp.Or(q.Use, use)
		class, err := b.classOf(within)
		if err != nil {
			return nil, err
		}
		f := Field{Name: q.Name, Path: path + q.Name, Type: q.Type, Transform: q.transform(), Class: class, Key: `"` + q.Name + `":`}
		switch {
		case q.Type == Money && f.Transform == Keep:
			f.Key = `"` + q.Name + `_minor":`
		case f.Transform == AgeBand:
			f.Key = `"age_band":`
		}
		below := f.Path + "."
		if q.Type == Objects {
			below = f.Path + "[]."
		}
		if q.Type == Object || q.Type == Objects {
			if f.Child, err = b.node(below, within, q.Groups, q.Properties); err != nil {
				return nil, err
			}
		}
		if q.Required {
			n.Required |= 1 << i
		}
		n.Fields = append(n.Fields, f)
	}
	return n, n.index()
}

// index looks for a seed under which no two names share a slot.
func (n *Node) index() error {
	size, shift := 4, uint8(62)
	for size < 2*len(n.Fields) {
		size, shift = size*2, shift-1
	}
	for ; size <= 1<<12; size, shift = size*2, shift-1 {
		for seed := uint64(1); seed < 500; seed++ {
			if n.fill(seed, shift, size) {
				return nil
			}
		}
	}
	return invalid("the names of an object cannot be told apart")
}

func (n *Node) fill(seed uint64, shift uint8, size int) bool {
	n.seed, n.shift, n.slots = seed, shift, make([]uint8, size)
	for i := range n.Fields {
		s := &n.slots[hash([]byte(n.Fields[i].Name), seed)>>shift]
		if *s != 0 {
			return false
		}
		*s = uint8(i + 1)
	}
	return true
}

// Find returns the place of a field, -1 if the node has none of this name.
func (n *Node) Find(name []byte) int {
	i := int(n.slots[hash(name, n.seed)>>n.shift]) - 1
	if i >= 0 && n.Fields[i].Name == string(name) {
		return i
	}
	return -1
}

// hash mixes eight bytes at a time (the multiplier is that of MurmurHash64A).
func hash(b []byte, seed uint64) uint64 {
	const m = 0xc6a4a7935bd1e995
	h := (seed ^ uint64(len(b))) * m
	for ; len(b) >= 8; b = b[8:] {
		h = (h ^ binary.LittleEndian.Uint64(b)) * m
		h ^= h >> 29
	}
	switch {
	case len(b) >= 4:
		h ^= uint64(binary.LittleEndian.Uint32(b)) | uint64(binary.LittleEndian.Uint32(b[len(b)-4:]))<<32
	case len(b) > 0:
		h ^= uint64(b[0]) | uint64(b[len(b)/2])<<8 | uint64(b[len(b)-1])<<16
	}
	h *= m
	h ^= h >> 32
	return h * m
}
