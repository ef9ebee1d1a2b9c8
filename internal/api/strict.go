package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

var (
	errUTF8   = errors.New("expected text in UTF-8")
	errFields = errors.New("expected values of the types that the manual names")
)

// unmarshal is json.Unmarshal for what strangers send: it refuses names given
// twice, of which encoding/json keeps the last and other programs the first, and
// invalid UTF-8, which it would mend. Its errors do not quote the text.
func unmarshal(data []byte, v any) error {
	if !utf8.Valid(data) {
		return errUTF8
	}
	if err := checkNames(data); err != nil {
		return err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return errFields
	}
	return nil
}

// An object is one that is being read: the names it had so far. An array has none.
type object struct {
	names map[string]bool
	name  bool // the next token is a name
}

func checkNames(data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var open []*object
	for done := false; ; done = len(open) == 0 {
		token, err := d.Token()
		switch {
		case err == io.EOF && done:
			return nil
		case err != nil || done: // broken, or a second document
			return fmt.Errorf("expected one JSON document; byte %d does not belong there", d.InputOffset())
		}
		if open, err = enter(open, token); err != nil {
			return fmt.Errorf("expected each name once; byte %d ends a name that is there twice", d.InputOffset())
		}
	}
}

var errTwice = errors.New("twice")

// enter follows a token into or out of an object, or takes down a name.
func enter(open []*object, token json.Token) ([]*object, error) {
	if top := len(open) - 1; top >= 0 && open[top].names != nil {
		o := open[top]
		if name, ok := token.(string); ok && o.name {
			if o.names[name] {
				return open, errTwice
			}
			o.names[name], o.name = true, false
			return open, nil
		}
		o.name = true // after this value
	}
	switch token {
	case json.Delim('{'):
		return append(open, &object{names: map[string]bool{}, name: true}), nil
	case json.Delim('['):
		return append(open, &object{}), nil
	case json.Delim('}'), json.Delim(']'):
		return open[:len(open)-1], nil
	}
	return open, nil
}
