package plan

import (
	"bytes"
	_ "embed"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v4"

	"thimble"
	"thimble/internal/datamap"
)

//go:embed default.yaml
var defaultText []byte

// Default returns the plan that ships: a test reads it, so a fault in it is one of
// the build.
var Default = sync.OnceValue(func() *Plan {
	p, err := Read(defaultText)
	if err != nil {
		panic(err)
	}
	return p
})

// DefaultText returns the plan that ships as it is written.
func DefaultText() []byte { return bytes.Clone(defaultText) }

// MaxFile bounds a plan, in bytes.
const MaxFile = 1 << 20

// Read reads a plan. An error is of kind thimble.ErrInvalid and names the event, the
// property and the rule.
func Read(text []byte) (*Plan, error) {
	if len(text) > MaxFile {
		return nil, fmt.Errorf("plan: the file: %d bytes at most: %w", MaxFile, thimble.ErrInvalid)
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	var p Plan
	if err := d.Decode(&p); err != nil {
		return nil, fmt.Errorf("plan: the file: %v: %w", err, thimble.ErrInvalid)
	}
	if err := p.Check(); err != nil {
		return nil, err
	}
	return &p, nil
}

func invalid(format string, args ...any) error {
	return fmt.Errorf("plan: "+format+": %w", append(args, thimble.ErrInvalid)...)
}

var calls = []string{"track", "identify", "page", "screen", "group", "context"}

// Check holds the plan against the rules of the package comment.
func (p *Plan) Check() error {
	if p.Version < 1 {
		return invalid("version: a number from 1 on was expected")
	}
	if p.Currency != "" && !currencyForm.MatchString(p.Currency) {
		return invalid("currency: three capital letters were expected")
	}
	for name, u := range p.Uses {
		if _, ok := datamap.CategoryOf(u.Category); !ok {
			return invalid("uses.%s: category: a key of the taxonomy was expected", name)
		}
		if len(u.Purposes) == 0 {
			return invalid("uses.%s: purposes: at least one was expected", name)
		}
		for _, purpose := range u.Purposes {
			if _, ok := datamap.PurposeOf(purpose); !ok {
				return invalid("uses.%s: purposes: keys of the taxonomy were expected", name)
			}
		}
	}
	names := map[string]bool{}
	for i := range p.Events {
		if err := p.checkEvent(&p.Events[i], names); err != nil {
			return err
		}
	}
	return nil
}

func (p *Plan) checkEvent(e *Event, names map[string]bool) error {
	if !slices.Contains(calls, e.call()) || (e.call() == "track") != (e.Name != "") {
		return invalid("event %q: call must be track, with a name, or one of %s, without", e.title(), strings.Join(calls[1:], ", "))
	}
	for _, name := range append([]string{e.title()}, e.Also...) {
		if key := e.call() + " " + name; names[key] {
			return invalid("event %q: the name comes twice", name)
		} else {
			names[key] = true
		}
	}
	if !slices.Contains([]Mode{Block, Omit, Warn}, e.mode()) {
		return invalid("event %q: mode must be block, omit or warn", e.title())
	}
	if _, ok := p.Uses[e.Use]; !ok {
		return invalid("event %q: use: one of the uses was expected", e.title())
	}
	return p.checkProperties(e.title(), e.Use, e.Groups, e.Properties, 0)
}

// maxNesting bounds objects in objects.
const maxNesting = 4

// maxKeys is how many properties an object may have: one bit each.
const maxKeys = 64

func (p *Plan) checkProperties(at, use string, groups []string, own []Property, depth int) error {
	if depth > maxNesting {
		return invalid("%s: objects lie %d deep at most", at, maxNesting)
	}
	for _, g := range groups {
		if p.Groups[g] == nil {
			return invalid("%s: groups: %q is none", at, g)
		}
	}
	all := p.all(groups, own)
	if len(all) > maxKeys {
		return invalid("%s: %d properties at most were expected", at, maxKeys)
	}
	for _, q := range all {
		path := at + "." + q.Name
		if err := p.checkProperty(path, use, q); err != nil {
			return err
		}
		within := use
		if q.Use != "" {
			within = q.Use
		}
		if q.Type == Object || q.Type == Objects {
			if err := p.checkProperties(path, within, q.Groups, q.Properties, depth+1); err != nil {
				return err
			}
		} else if len(q.Groups)+len(q.Properties) > 0 {
			return invalid("%s: only objects have properties", path)
		}
	}
	return nil
}

var (
	keyForm      = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_ .-]{0,63}$`)
	currencyForm = regexp.MustCompile(`^[A-Z]{3}$`)
)

// fitting are the types that each transform takes.
var fitting = map[Transform][]Type{
	Keep:       {String, Number, Integer, Boolean, Money, Date, Scalar, Object, Objects, Strings},
	Drop:       {String, Number, Integer, Boolean, Money, Date, Scalar, Object, Objects, Strings},
	Country:    {String},
	AgeBand:    {Date, Number, Integer},
	Identifier: {String},
	Scan:       {String},
	Address:    {String},
}

func (p *Plan) checkProperty(path, use string, q Property) error {
	if !keyForm.MatchString(q.Name) {
		return invalid("%s: a name of 1 to 64 letters, digits, blanks and _ . - was expected", path)
	}
	if !slices.Contains(fitting[Keep], q.Type) {
		return invalid("%s: type: %q is none", path, q.Type)
	}
	if !slices.Contains(fitting[q.transform()], q.Type) {
		return invalid("%s: transform %q does not fit type %q", path, q.Transform, q.Type)
	}
	if q.Use != "" {
		use = q.Use
	}
	u, ok := p.Uses[use]
	if !ok {
		return invalid("%s: use: one of the uses was expected", path)
	}
	if t := q.transform(); t == Drop || t == Country || t == Identifier || q.Type == Object || q.Type == Objects {
		return nil // nothing of it is written, or what is written has a use of its own
	}
	if err := datamap.Refuse(u.Category); err != nil {
		return fmt.Errorf("plan: %s: %w", path, err)
	}
	return nil
}

func (q *Property) transform() Transform {
	if q.Transform == "" {
		return Keep
	}
	return q.Transform
}
