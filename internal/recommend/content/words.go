package content

import (
	"slices"
	"strings"
)

// plain are the words of a shared field, after "same".
var plain = [fields]string{Category: "kind", Brand: "brand", Colour: "colour", Gender: "wearer", AgeGroup: "age group", Material: "material", Season: "season"}

// Words say what two products share, the largest shares first: "same brand and colour,
// “linen” in the name". Terms of several products are taken together.
func Words(terms []Term) string {
	var same, named []string
	price := ""
	for _, t := range terms {
		switch t.Field {
		case Price:
			price = "a similar price"
		case Word:
			if w := "“" + t.Value + "”"; len(named) < 3 && !slices.Contains(named, w) {
				named = append(named, w)
			}
		default:
			if w := plain[t.Field]; len(same) < 3 && !slices.Contains(same, w) {
				same = append(same, w)
			}
		}
	}
	var parts []string
	if len(same) > 0 {
		parts = append(parts, "same "+and(same))
	}
	if len(named) > 0 {
		parts = append(parts, and(named)+" in the name")
	}
	if price != "" && len(parts) < 2 {
		parts = append(parts, price)
	}
	return strings.Join(parts, ", ")
}

func and(words []string) string {
	if n := len(words) - 1; n > 0 {
		return strings.Join(words[:n], ", ") + " and " + words[n]
	}
	return words[0]
}
