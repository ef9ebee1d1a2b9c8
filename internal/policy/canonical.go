package policy

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"unicode/utf16"
)

// Canonical returns the pack as canonical JSON (RFC 8785).
func (p *Pack) Canonical() ([]byte, error) {
	text, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var tree any
	if err := dec.Decode(&tree); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := canonical(&b, tree); err != nil {
		return nil, fmt.Errorf("policy: pack %s: %w", p.ID, err)
	}
	return b.Bytes(), nil
}

// canonical writes v with its keys in order of their UTF-16 code units. Packs
// have whole numbers only, so their text is already canonical.
func canonical(b *bytes.Buffer, v any) error {
	switch v := v.(type) {
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.SortFunc(keys, func(a, b string) int { return slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b))) })
		b.WriteByte('{')
		for i, k := range keys {
			if i > 0 {
				b.WriteByte(',')
			}
			canonicalString(b, k)
			b.WriteByte(':')
			if err := canonical(b, v[k]); err != nil {
				return err
			}
		}
		b.WriteByte('}')
	case []any:
		b.WriteByte('[')
		for i, e := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := canonical(b, e); err != nil {
				return err
			}
		}
		b.WriteByte(']')
	case string:
		canonicalString(b, v)
	case json.Number:
		if !whole.MatchString(v.String()) {
			return fmt.Errorf("%s is not a whole number", v)
		}
		b.WriteString(v.String())
	case bool:
		fmt.Fprintf(b, "%t", v)
	default:
		b.WriteString("null")
	}
	return nil
}

// canonicalString writes s with the escapes of RFC 8785 and no others.
func canonicalString(b *bytes.Buffer, s string) {
	b.WriteByte('"')
	for _, r := range s {
		switch r {
		case '"', '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case '\b':
			b.WriteString(`\b`)
		case '\f':
			b.WriteString(`\f`)
		case '\n':
			b.WriteString(`\n`)
		case '\r':
			b.WriteString(`\r`)
		case '\t':
			b.WriteString(`\t`)
		default:
			if r < 0x20 {
				fmt.Fprintf(b, `\u%04x`, r)
				continue
			}
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
}

func (p *Pack) seal() error {
	text, err := p.Canonical()
	if err != nil {
		return err
	}
	p.ref, p.hash = p.ID+"@"+p.Version, sha256.Sum256(text)
	return nil
}
