package timeline

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strconv"

	"thimble"
)

// A Line is one thing that an event says.
type Line struct {
	Category thimble.Category // of the part that it stands in
	Path     string           // by the plan's names, "products[0].price_minor"
	Shape    string           // "text", "number" or "yes or no"
	Value    string
}

// MaxLines bounds how many lines there are of an event.
const MaxLines = 60

// Lines returns what the parts that were opened say, one line for each value, in order,
// without what [What] says of every event. More says that there were too many. A part that
// is not the JSON that the door writes has no lines.
func (e *Event) Lines() (lines []Line, more bool) {
	var beside []Line // what is said beside the properties comes after them
	for i, part := range e.parts {
		var whole map[string]any
		if json.Unmarshal(part, &whole) != nil {
			continue
		}
		for _, known := range []string{"plan", "type", "event", "time"} {
			delete(whole, known)
		}
		properties, _ := whole["properties"].(map[string]any)
		delete(whole, "properties") // the plan names them without it
		lines = below(lines, e.Categories[i], "", properties)
		beside = below(beside, e.Categories[i], "", whole)
	}
	for _, all := range [][]Line{lines, beside} {
		slices.SortStableFunc(all, func(a, b Line) int { return cmp.Compare(a.Path, b.Path) })
	}
	lines = append(lines, beside...)
	if len(lines) > MaxLines {
		return lines[:MaxLines], true
	}
	return lines, false
}

func below(lines []Line, c thimble.Category, path string, v any) []Line {
	switch v := v.(type) {
	case map[string]any:
		if path != "" {
			path += "."
		}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			lines = below(lines, c, path+name, v[name])
		}
		return lines
	case []any:
		for i, one := range v {
			lines = below(lines, c, path+"["+strconv.Itoa(i)+"]", one)
		}
		return lines
	case nil: // another part has what stands here
		return lines
	case string:
		return append(lines, Line{c, path, "text", v})
	case bool:
		return append(lines, Line{c, path, "yes or no", strconv.FormatBool(v)})
	case float64:
		return append(lines, Line{c, path, "number", strconv.FormatFloat(v, 'f', -1, 64)})
	}
	return lines
}
