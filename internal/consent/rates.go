package consent

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"thimble"
)

// A Count is how many choices of one kind were made on a day. It holds nobody.
type Count struct {
	Day       int64 // days since 1970-01-01, UTC
	Purpose   thimble.Purpose
	State     State
	Component string
	Notice    string // its version
	N         int
}

// Day returns the day of an instant as counts have it.
func Day(at time.Time) int64 { return at.UTC().Truncate(24*time.Hour).Unix() / (24 * 60 * 60) }

// Smallest is the least count of choices that is shown. Fewer could be told apart.
const Smallest = 10

// components are where choices are made, as counts name them.
var components = []string{"banner", "preferences", "privacy-centre", "guardian", "account", "checkout", "app", "till", "paper", "rights", "browser", "import", "demo-rule"}

var componentVersion = regexp.MustCompile(`^[0-9]{1,4}(\.[0-9]{1,4}){0,2}$`)

// Counted returns the name under which a component's choices are counted. What a
// system of the shop made up could be anybody's name, and counts as "other".
func Counted(component string) string {
	name, version, versioned := strings.Cut(component, "@")
	switch {
	case !slices.Contains(components, name):
		return "other"
	case versioned && !componentVersion.MatchString(version):
		return name
	}
	return component
}

// A Cell is one count as it is shown: hidden when it is small, or when a small one
// could be worked out from it. Nothing is shown as 0.
type Cell struct {
	N      int
	Hidden bool
}

// Publish decides what is shown of several ways to split one number, so that no
// hidden cell can be worked out: whoever knows all that is shown, the sum included,
// has at least as many values to choose from for each as least says; and whoever knows
// this rule too, more than one.
func Publish(splits [][]int, least int) (shown [][]Cell, sum Cell) {
	for i, split := range splits {
		cells, total, ok := hide(split, least)
		if !ok {
			return hideAll(splits)
		}
		if shown = append(shown, cells); i == 0 {
			sum = Cell{N: total}
		}
	}
	return shown, sum
}

// hide hides the smallest cells of one split whose sum is known. It fails when hiding
// all of them is not enough.
func hide(split []int, least int) (cells []Cell, total int, ok bool) {
	cells = make([]Cell, len(split))
	var some []int // in order of size, what is nothing left out
	for i, n := range split {
		cells[i] = Cell{N: n}
		if total += n; n > 0 {
			some = append(some, n)
		}
	}
	slices.Sort(some)
	if len(some) == 0 || some[0] >= least {
		return cells, total, true
	}
	hidden := 0 // how much the smallest of them hold
	for of, n := range some {
		hidden += n
		of++
		if of < len(some) && (some[of] == n || n < least && some[of] < least) {
			continue // equal cells are hidden together, or the place of one would tell it
		}
		if guarded(hidden, of, some, least) {
			for i, c := range cells {
				cells[i] = Cell{N: c.N, Hidden: c.N > 0 && c.N <= n}
				if cells[i].Hidden {
					cells[i].N = 0
				}
			}
			return cells, total, true
		}
	}
	return nil, total, false
}

// guarded reports whether the smallest cells can be anything in a range of least values
// each, for all that is known: their sum, and that each is smaller than those shown.
func guarded(hidden, of int, some []int, least int) bool {
	if of < 2 {
		return false
	}
	high, low := hidden-of+1, 1
	if of < len(some) {
		high = min(high, some[of]-1)
		low = max(low, hidden-(of-1)*(some[of]-1))
	}
	return high-low+1 >= least
}

// hideAll shows nothing but what is nothing.
func hideAll(splits [][]int) (shown [][]Cell, sum Cell) {
	for _, split := range splits {
		cells := make([]Cell, len(split))
		for i, n := range split {
			cells[i] = Cell{Hidden: n > 0}
		}
		shown = append(shown, cells)
	}
	return shown, Cell{Hidden: true}
}
