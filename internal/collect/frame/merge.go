package frame

import (
	"bytes"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// Merge makes one JSON object of the parts of an event: objects are joined key by key,
// arrays place by place. Where a part has null, or an array is shorter, another part
// says what is there. Two parts that say different things of one place are an error of
// kind thimble.ErrInvalid, and so is what is no JSON object. Of a single part the
// bytes themselves are returned. No part gives an empty object.
func Merge(parts ...[]byte) ([]byte, error) {
	switch len(parts) {
	case 0:
		return []byte("{}"), nil
	case 1:
		if p := parts[0]; len(p) < 2 || p[0] != '{' || p[len(p)-1] != '}' {
			return nil, fmt.Errorf("frame: %w", invalid("part 0 is no JSON object"))
		}
		return parts[0], nil
	}
	var whole *value
	size := 0
	for i, p := range parts {
		size += len(p)
		v, err := parsed(p)
		if err != nil {
			return nil, fmt.Errorf("frame: %w", invalid("part %d is no JSON object", i))
		}
		if whole == nil {
			whole = v
		} else if !whole.join(v) {
			return nil, fmt.Errorf("frame: %w", invalid("part %d says something else than one before", i))
		}
	}
	return whole.append(make([]byte, 0, size)), nil
}

// A value is JSON that was read.
type value struct {
	kind   jsontext.Kind
	raw    []byte // of a scalar
	names  [][]byte
	values []*value
}

func parsed(part []byte) (*value, error) {
	d := jsontext.NewDecoder(bytes.NewBuffer(part)) // a Buffer is read in place
	if d.PeekKind() != '{' {
		return nil, fmt.Errorf("frame: %w", invalid("an object was expected"))
	}
	v, err := read(d)
	if err != nil {
		return nil, err
	}
	if _, err := d.ReadToken(); err != io.EOF {
		return nil, fmt.Errorf("frame: %w", invalid("something follows the object"))
	}
	return v, nil
}

func read(d *jsontext.Decoder) (*value, error) {
	v := &value{kind: d.PeekKind()}
	if v.kind != '{' && v.kind != '[' {
		raw, err := d.ReadValue()
		v.raw = bytes.Clone(raw)
		return v, err
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, err
	}
	end := v.kind + 2 // '}' and ']' come two after their beginnings
	for d.PeekKind() != end {
		if v.kind == '{' {
			name, err := d.ReadToken()
			if err != nil {
				return nil, err
			}
			quoted, err := jsontext.AppendQuote(nil, name.String()) // one spelling
			if err != nil {
				return nil, err
			}
			v.names = append(v.names, quoted)
		}
		inner, err := read(d)
		if err != nil {
			return nil, err
		}
		v.values = append(v.values, inner)
	}
	_, err := d.ReadToken()
	return v, err
}

// join takes another value into v; false says that they differ.
func (v *value) join(other *value) bool {
	switch {
	case other.kind == 'n':
		return true
	case v.kind == 'n':
		*v = *other
		return true
	case v.kind != other.kind:
		return false
	case v.kind == '[':
		for i, o := range other.values {
			if i == len(v.values) {
				v.values = append(v.values, other.values[i:]...)
				return true
			}
			if !v.values[i].join(o) {
				return false
			}
		}
		return true
	case v.kind == '{':
		return v.joinObject(other)
	}
	return bytes.Equal(v.raw, other.raw)
}

func (v *value) joinObject(other *value) bool {
	own := len(v.names)
	for i, name := range other.names {
		at := 0
		for at < own && !bytes.Equal(v.names[at], name) {
			at++
		}
		if at == own {
			v.names, v.values = append(v.names, name), append(v.values, other.values[i])
		} else if !v.values[at].join(other.values[i]) {
			return false
		}
	}
	return true
}

func (v *value) append(b []byte) []byte {
	if v.kind != '{' && v.kind != '[' {
		return append(b, v.raw...)
	}
	b = append(b, byte(v.kind))
	for i, inner := range v.values {
		if i > 0 {
			b = append(b, ',')
		}
		if v.kind == '{' {
			b = append(append(b, v.names[i]...), ':')
		}
		b = inner.append(b)
	}
	return append(b, byte(v.kind)+2)
}
