package policy

import (
	"slices"
	"strings"

	"thimble"
	"thimble/internal/datamap"
)

// Flows returns the uses that a map of data declares: what each holder keeps, by
// purpose.
func Flows(tables []datamap.Table) []Flow {
	type use struct {
		holder  string
		purpose thimble.Purpose
	}
	uses := map[use][]thimble.Category{}
	for _, table := range tables {
		for _, f := range table.Fields {
			for _, p := range f.Purposes {
				u := use{table.Holder, p}
				if !slices.Contains(uses[u], f.Category) {
					uses[u] = append(uses[u], f.Category)
				}
			}
		}
	}
	var all []Flow
	for u, categories := range uses {
		slices.Sort(categories)
		all = append(all, Flow{Name: u.holder + ": " + string(u.purpose), Purpose: u.purpose, Categories: categories})
	}
	slices.SortFunc(all, func(a, b Flow) int { return strings.Compare(a.Name, b.Name) })
	return all
}
