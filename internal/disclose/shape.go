package disclose

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"thimble"
)

// A Row is one line about a person, or about a product: values by the names of fields.
// A time.Time is coarsened, an [Alias] replaced.
type Row map[string]any

// An Alias is a value by which two recipients could find the same person, such as the
// number of an order. Each recipient gets another word for it.
type Alias struct{ Kind, Value string }

// Shape writes a row as one line of JSON for a recipient: the fields that were asked
// for and that the row has, in the agreement's order, behind the pseudonym, if there is
// one. A field that the agreement does not have never gets out. alias gives the
// recipient's word for a value.
func (a Agreement) Shape(fields []string, pseudonym string, row Row, alias func(Alias) (string, error)) ([]byte, error) {
	var line bytes.Buffer
	line.WriteByte('{')
	put := func(name string, value any) error {
		text, err := json.Marshal(value)
		if err != nil {
			return fmt.Errorf("disclose: field %s cannot be written: %w", name, thimble.ErrInvalid)
		}
		if line.Len() > 1 {
			line.WriteByte(',')
		}
		fmt.Fprintf(&line, "%q:%s", name, text)
		return nil
	}
	if pseudonym != "" {
		if err := put(PersonField, pseudonym); err != nil {
			return nil, err
		}
	}
	for _, f := range a.Fields {
		value, given := row[f.Name]
		if !given || !has(fields, f.Name) {
			continue
		}
		coarse, err := f.shape(value, alias)
		if err != nil {
			return nil, err
		}
		if err := put(f.Name, coarse); err != nil {
			return nil, err
		}
	}
	line.WriteByte('}')
	return line.Bytes(), nil
}

func (f Field) shape(value any, alias func(Alias) (string, error)) (any, error) {
	switch v := value.(type) {
	case time.Time:
		return Coarse(v, f.Coarsen), nil
	case Alias:
		return alias(v)
	case string, bool, int, int64, nil:
		return v, nil
	case []Row: // lines of an order
		for _, line := range v {
			for _, part := range line {
				switch part.(type) {
				case string, bool, int, int64, nil:
				default:
					return nil, fmt.Errorf("disclose: field %s has a type inside that does not leave: %w", f.Name, thimble.ErrInvalid)
				}
			}
		}
		return v, nil
	}
	// A type that nobody thought of could carry an exact time.
	return nil, fmt.Errorf("disclose: field %s has a type that does not leave: %w", f.Name, thimble.ErrInvalid)
}

// Coarse writes an instant no finer than c says.
func Coarse(at time.Time, c Coarsen) string {
	at = at.UTC()
	switch c {
	case Hour:
		return at.Format("2006-01-02T15Z")
	case Month:
		return at.Format("2006-01")
	case Year:
		return at.Format("2006")
	}
	return at.Format(time.DateOnly)
}
