package consent

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// fill calls f with every way to split a sum over n cells.
func fill(sum, n int, f func([]int)) {
	var next func(cells []int, left int)
	next = func(cells []int, left int) {
		if len(cells) == n-1 {
			f(append(cells, left))
			return
		}
		for v := 0; v <= left; v++ {
			next(append(cells[:len(cells):len(cells)], v), left-v)
		}
	}
	next(make([]int, 0, n), sum)
}

// TestNoHiddenCellCanBeWorkedOut plays the reader who knows all that is shown, and how
// it was decided: of every pair of splits up to a sum, all that look the same are held
// together, and no hidden cell may be the same in all of them.
func TestNoHiddenCellCanBeWorkedOut(t *testing.T) {
	const least = 4
	type cell struct{ split, at int }
	looks := map[string]map[cell]map[int]bool{}
	hidden := 0
	for sum := range 18 {
		fill(sum, 4, func(one []int) {
			fill(sum, 2, func(other []int) {
				splits := [][]int{one, other}
				shown, total := Publish(splits, least)
				look := fmt.Sprint(shown, total)
				if looks[look] == nil {
					looks[look] = map[cell]map[int]bool{}
				}
				for i, cells := range shown {
					for j, c := range cells {
						if !c.Hidden {
							if splits[i][j] > 0 && splits[i][j] < least {
								t.Fatalf("%v: %d is shown", splits, splits[i][j])
							}
							continue
						}
						hidden++
						at := cell{i, j}
						if looks[look][at] == nil {
							looks[look][at] = map[int]bool{}
						}
						looks[look][at][splits[i][j]] = true
					}
				}
			})
		})
	}
	for look, cells := range looks {
		for at, values := range cells {
			if len(values) < 2 {
				t.Errorf("%s: cell %d of split %d can only be %v", look, at.at, at.split, values)
			}
		}
	}
	if hidden < 1000 {
		t.Errorf("only %d hidden cells were looked at", hidden)
	}
}

func TestAHiddenCellHasAtLeastAsManyValuesAsTheSmallestShown(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		split := rapid.SliceOfN(rapid.IntRange(0, 60), 1, 8).Draw(t, "split")
		sum := 0
		for _, n := range split {
			sum += n
		}
		at := rapid.IntRange(0, sum).Draw(t, "at")
		shown, total := Publish([][]int{split, {at, sum - at}}, Smallest)
		for i, cells := range shown {
			left, of := sum, 0
			for _, c := range cells {
				left -= c.N
				if c.Hidden {
					of++
				}
			}
			if of > 0 && !total.Hidden && (of < 2 || left-of+1 < Smallest) {
				t.Fatalf("split %d: %d cells hold %d together: %v", i, of, left, cells)
			}
			if total.Hidden && left != sum {
				t.Fatalf("the sum is hidden and split %d shows %d of it: %v", i, sum-left, cells)
			}
		}
	})
}

func TestComponentsThatAShopMadeUpAreCountedTogether(t *testing.T) {
	for component, want := range map[string]string{
		"banner": "banner", "banner@1": "banner@1", "preferences@2.10": "preferences@2.10", "banner@ada": "banner", "ada-lovelace": "other", "": "other", "banner@1@2": "banner",
	} {
		if got := Counted(component); got != want {
			t.Errorf("%q is counted as %q, want %q", component, got, want)
		}
	}
	if got := Day(time.Date(1970, 1, 3, 23, 59, 59, 0, time.UTC)); got != 2 {
		t.Errorf("day %d, want 2", got)
	}
}
