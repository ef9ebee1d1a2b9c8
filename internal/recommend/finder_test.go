package recommend

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"thimble"
)

// What a finder finds is what a map of the ids finds, one by one and many at once.
func TestAFinderFindsWhatAMapFinds(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		id := rapid.Map(rapid.StringMatching(`[a-c]{0,4}`), func(s string) thimble.ItemID { return thimble.ItemID(s) })
		ids := rapid.SliceOfNDistinct(id, 0, 60, rapid.ID).Draw(rt, "ids")
		asked := rapid.SliceOfN(id, 0, findBatch).Draw(rt, "asked")
		want := map[thimble.ItemID]int32{}
		for i, id := range ids {
			want[id] = int32(i)
		}
		f := newFinder(ids)
		if !slices.Equal(f.ids, ids) {
			rt.Fatalf("the ids became %v", f.ids)
		}
		var all []int32
		for _, id := range asked {
			i, ok := f.find(id)
			if w, there := want[id]; ok != there || i != w {
				rt.Errorf("%q is %d, %t; want %d, %t", id, i, ok, w, there)
			}
			if ok {
				all = append(all, i)
			}
		}
		var found []int32
		stop := rapid.IntRange(1, findBatch+1).Draw(rt, "stop")
		more := f.findMany(len(asked), func(k int) thimble.ItemID { return asked[k] }, func(i int32) bool {
			found = append(found, i)
			return len(found) < stop
		})
		if !slices.Equal(found, all[:min(stop, len(all))]) || more != (len(all) < stop) {
			rt.Errorf("found %v, more %t; want %v to the %dth", found, more, all, stop)
		}
	})
}
