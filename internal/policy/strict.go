package policy

import (
	"fmt"
	"regexp"
	"time"

	"go.yaml.in/yaml/v4"

	"thimble"
)

var (
	// norway are the words that YAML 1.1 reads as true or false: the country NO
	// would be false.
	norway = regexp.MustCompile(`^(?i:y|n|yes|no|on|off)$|^(?:True|TRUE|False|FALSE)$`)
	whole  = regexp.MustCompile(`^-?(?:0|[1-9][0-9]*)$`)
	known  = map[string]bool{"!!str": true, "!!int": true, "!!bool": true, "!!timestamp": true, "!!map": true, "!!seq": true}
)

// plain refuses what could mean two things: anchors, merge keys, tags, words
// that some readers take for a boolean, numbers that are not whole, nulls, and
// keys given twice.
func plain(n *yaml.Node, depth int) error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("line %d: "+format, append([]any{n.Line}, args...)...)
	}
	quoted := n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0
	switch {
	case depth > 20:
		return bad("nested too deeply")
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		return bad("anchors and aliases are not for packs; write the value out")
	case n.Style&yaml.TaggedStyle != 0:
		return bad("tags such as %s are not for packs", n.Tag)
	case n.Kind == yaml.ScalarNode && !quoted && norway.MatchString(n.Value):
		return bad("%s may be read as a boolean; quote it", n.Value)
	case n.Kind == yaml.ScalarNode && n.Tag == "!!merge":
		return bad("merge keys are not for packs; write the values out")
	case n.Kind == yaml.ScalarNode && (n.Tag == "!!float" || n.Tag == "!!int" && !whole.MatchString(n.Value)):
		return bad("%s is not a whole number; quote it if it is text", n.Value)
	case n.Kind == yaml.ScalarNode && n.Tag == "!!null":
		return bad("a key without a value; leave the key out")
	case !known[n.Tag]:
		return bad("%s is not for packs", n.Tag)
	}
	seen := map[string]int{}
	for i, c := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			if c.Kind != yaml.ScalarNode {
				return fmt.Errorf("line %d: a key is a word", c.Line)
			}
			if first := seen[c.Value]; first != 0 {
				return fmt.Errorf("line %d: key %q is already there in line %d", c.Line, c.Value, first)
			}
			seen[c.Value] = c.Line
			if c.Value == "<<" {
				return fmt.Errorf("line %d: merge keys are not for packs; write the values out", c.Line)
			}
			if c.Anchor == "" && c.Style&yaml.TaggedStyle == 0 && !norway.MatchString(c.Value) {
				continue
			}
		}
		if err := plain(c, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// lineAt returns the line of a value, or of the nearest one around it.
func lineAt(n *yaml.Node, path []any) int {
	line := max(n.Line, 1)
	for _, step := range path {
		var next *yaml.Node
		switch s := step.(type) {
		case string:
			for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
				if n.Content[i].Value == s {
					line, next = n.Content[i].Line, n.Content[i+1]
				}
			}
		case int:
			if n.Kind == yaml.SequenceNode && s < len(n.Content) {
				next = n.Content[s]
				line = next.Line
			}
		}
		if next == nil {
			return line
		}
		n = next
	}
	return line
}

func loadZone(name string) (*time.Location, error) {
	if name == "" || name == "Local" {
		return nil, fmt.Errorf("calendar.zone is needed, such as Europe/Berlin: a law starts at the midnight of its own place: %w", thimble.ErrInvalid)
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("calendar.zone %q is not a time zone, such as Europe/Berlin: %w", name, thimble.ErrInvalid)
	}
	return zone, nil
}
