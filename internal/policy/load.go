package policy

import (
	"bytes"
	"embed"
	"fmt"
	"io"

	"go.yaml.in/yaml/v4"

	"thimble"
)

//go:embed packs/*.yaml
var packs embed.FS

const format = "thimble.regpack/v1"

// Baseline returns the strict baseline that ships with this version.
func Baseline() (*Pack, error) {
	b, err := packs.ReadFile("packs/baseline.strict.yaml")
	if err != nil {
		return nil, err
	}
	return Parse(b)
}

// Parse reads one pack. The error names the line or the rule that breaks.
func Parse(text []byte) (*Pack, error) {
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	var p Pack
	if err := dec.Decode(&p); err != nil {
		return nil, fmt.Errorf("policy: reading a pack: %w: %w", err, thimble.ErrInvalid)
	}
	if err := dec.Decode(new(any)); err != io.EOF {
		return nil, fmt.Errorf("policy: pack %s: a second document follows: %w", p.ID, thimble.ErrInvalid)
	}
	if err := p.check(); err != nil {
		return nil, fmt.Errorf("policy: pack %q: %w: %w", p.ID, err, thimble.ErrInvalid)
	}
	return &p, p.seal()
}

func (p *Pack) check() error {
	switch {
	case p.Format != format:
		return fmt.Errorf("the format is %q, this version reads %q", p.Format, format)
	case p.ID == "" || p.Version == "" || p.Title == "":
		return fmt.Errorf("id, version and title are needed")
	case p.Effective.From.IsZero():
		return fmt.Errorf("effective.from is needed")
	}
	seen := map[thimble.Purpose]bool{}
	for i, r := range p.Purposes {
		if r.Use == "" || r.Basis == "" || r.Cite == "" {
			return fmt.Errorf("purposes[%d] (%s): use, basis and cite are needed", i, r.Use)
		}
		if seen[r.Use] {
			return fmt.Errorf("purposes[%d]: %s has two rules", i, r.Use)
		}
		seen[r.Use] = true
	}
	for i, s := range p.Sensitive {
		if s.Category == "" || s.Cite == "" {
			return fmt.Errorf("sensitive[%d] (%s): category and cite are needed", i, s.Category)
		}
	}
	return nil
}
