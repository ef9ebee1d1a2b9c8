package policy

import (
	"bytes"
	"embed"
	"fmt"
	"io"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"thimble"
	"thimble/internal/policy/calendar"
)

//go:embed packs/*.yaml
var packs embed.FS

// Schema is the JSON Schema of a pack, for editors. Parse is stricter.
//
//go:embed pack.schema.json
var Schema []byte

// maxPack is how large a pack's file may be.
const maxPack = 1 << 20

// Baseline returns the strict baseline that ships with this version.
func Baseline() (*Pack, error) {
	b, err := packs.ReadFile("packs/baseline.strict.yaml")
	if err != nil {
		return nil, err
	}
	return Parse(b)
}

// Parse reads one pack. The error names the line and the rule that breaks. A
// pack that extends or amends another is whole only within a Library.
func Parse(text []byte) (*Pack, error) {
	root, err := readStrict(text)
	if err != nil {
		return nil, fmt.Errorf("policy: reading a pack: %w: %w", err, thimble.ErrInvalid)
	}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	var p Pack
	if err := dec.Decode(&p); err != nil {
		return nil, fmt.Errorf("policy: reading a pack: %w: %w", err, thimble.ErrInvalid)
	}
	p.fill()
	if f := p.check(); f != nil {
		return nil, fmt.Errorf("policy: pack %q: line %d: %w: %w", p.ID, lineAt(root, f.path), f.err, thimble.ErrInvalid)
	}
	if p.Extends == "" && p.Amends == "" {
		if p.compute, err = p.Calendar.compile(); err != nil {
			return nil, fmt.Errorf("policy: pack %q: line %d: %w", p.ID, lineAt(root, []any{"calendar"}), err)
		}
	}
	return &p, p.seal()
}

// readStrict returns the root mapping of the one document in text, and refuses
// what YAML allows and a law must not leave to guessing.
func readStrict(text []byte) (*yaml.Node, error) {
	if len(text) > maxPack {
		return nil, fmt.Errorf("the file has %d bytes; a pack has at most %d", len(text), maxPack)
	}
	if !utf8.Valid(text) {
		line := 1
		for b := text; len(b) > 0; {
			r, n := utf8.DecodeRune(b)
			if r == utf8.RuneError && n == 1 {
				break
			}
			if r == '\n' {
				line++
			}
			b = b[n:]
		}
		return nil, fmt.Errorf("line %d: the text is not UTF-8", line)
	}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	var doc yaml.Node
	if err := dec.Decode(&doc); err != nil {
		return nil, err
	}
	var next yaml.Node
	if err := dec.Decode(&next); err == nil {
		return nil, fmt.Errorf("line %d: a second document follows", next.Line)
	} else if err != io.EOF {
		return nil, err
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		return nil, fmt.Errorf("line %d: a pack is a mapping", max(doc.Line, 1))
	}
	return doc.Content[0], plain(doc.Content[0], 0)
}

// fill gives each value what it inherits from its pack: the day it was checked,
// and the day it starts.
func (p *Pack) fill() {
	for _, l := range p.lists() {
		for i := range l.len {
			s := l.at(i).src()
			if s.Checked.IsZero() {
				s.Checked = p.Checked
			}
			if s.From.IsZero() {
				s.From = p.Effective.From
			}
		}
	}
}

// compile makes the calendar that computes. Zones must be in the time-zone data.
func (c Calendar) compile() (*calendar.Calendar, error) {
	zone, err := loadZone(c.Zone)
	if err != nil {
		return nil, err
	}
	days, err := calendar.NewHolidays(c.Holidays, c.Weekend...)
	if err != nil {
		return nil, err
	}
	return &calendar.Calendar{Rule: c.Rule, Zone: zone, Holidays: days}, nil
}
