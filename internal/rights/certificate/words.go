package certificate

import (
	"encoding/json"
	"maps"
	"slices"
)

// keys are those of both, sorted.
func keys(a, b map[string]any) []string {
	all := slices.Concat(slices.Collect(maps.Keys(a)), slices.Collect(maps.Keys(b)))
	slices.Sort(all)
	return slices.Compact(all)
}

// maxSaid bounds what an error repeats of a field.
const maxSaid = 80

func short(v any) string {
	if v == nil {
		return "nothing"
	}
	text, err := json.Marshal(v)
	if err != nil {
		return "something"
	}
	if r := []rune(string(text)); len(r) > maxSaid {
		return string(r[:maxSaid]) + "…"
	}
	return string(text)
}
