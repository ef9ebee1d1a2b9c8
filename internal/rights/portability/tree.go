package portability

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"thimble"
)

// plain returns a value as JSON has it: maps, slices, strings, numbers, booleans, nil.
func plain(v any) (out any, err error) {
	b, err := json.Marshal(v)
	if err == nil {
		dec := json.NewDecoder(bytes.NewReader(b))
		dec.UseNumber()
		err = dec.Decode(&out)
	}
	return out, err
}

// each replaces every string of a value by what f makes of it, with the path to it.
func each(v any, path string, f func(path, text string) string) any {
	switch t := v.(type) {
	case string:
		return f(path, t)
	case []any:
		for i := range t {
			t[i] = each(t[i], path, f)
		}
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(t)) {
			t[k] = each(t[k], under(path, k), f)
		}
	}
	return v
}

func under(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// flat returns the leaves of a value by their paths. A list of plain values is one leaf; of
// a list of objects each is a row of its own with its number in the path.
func flat(v any, path string, into map[string]string) {
	switch t := v.(type) {
	case map[string]any:
		for k, part := range t {
			flat(part, under(path, k), into)
		}
	case []any:
		for i, part := range t {
			flat(part, under(path, strconv.Itoa(i+1)), into)
		}
	case nil:
	default:
		into[path] = fmt.Sprint(t)
	}
}

// A kind is what goes into one table.
type kind struct{ holder, name string }

// kindOf returns what a datum is of. The name of one that has a number of its own, such as a
// decision, is that number: its kind is then the holder's.
func kindOf(d thimble.Datum) kind {
	if d.Category == thimble.AutomatedDecision || len(d.Name) > 30 {
		return kind{d.Holder, d.Holder}
	}
	return kind{d.Holder, d.Name}
}
