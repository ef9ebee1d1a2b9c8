package recommend

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"thimble"
)

// smallRecipe makes the rules bite on small data: few neighbours, a low cap.
func smallRecipe() Recipe {
	r := DefaultRecipe()
	r.Name, r.K, r.HistoryCap, r.LambdaMilli, r.PruneBelow = "small", 3, 5, 1000, 2
	return r
}

// drawRecipe draws any recipe that suits small data.
func drawRecipe(t *rapid.T) Recipe {
	return Recipe{
		Name:           "drawn",
		K:              rapid.IntRange(1, 8).Draw(t, "k"),
		HeadMilli:      rapid.SampledFrom([]int{0, 500, 1000}).Draw(t, "head"),
		MaxK:           rapid.SampledFrom([]int{0, 5}).Draw(t, "max k"),
		AlphaMilli:     rapid.SampledFrom([]int{0, 300, 500, 1000}).Draw(t, "alpha"),
		DegreeBits:     rapid.SampledFrom([]int{1, 3, 5, 32}).Draw(t, "bits"),
		LambdaMilli:    rapid.SampledFrom([]int{1, 1000, 25_000}).Draw(t, "lambda"),
		RidgeMilli:     rapid.SampledFrom([]int{0, 500, 1000}).Draw(t, "ridge"),
		NeighbourMilli: rapid.SampledFrom([]int{0, 300, 1000}).Draw(t, "neighbour"),
		EtaMilli:       rapid.SampledFrom([]int{0, 100}).Draw(t, "eta"),
		Steps:          rapid.IntRange(1, 6).Draw(t, "steps"),
		LastStepMilli:  rapid.SampledFrom([]int{0, 900}).Draw(t, "last"),
		OwnMilli:       rapid.SampledFrom([]int{0, 0, 1000, 3000}).Draw(t, "own"),
		CrowdedMilli:   rapid.SampledFrom([]int{0, 1200, 2000}).Draw(t, "crowded"),
		SharpenMilli:   rapid.SampledFrom([]int{0, 250, 1000}).Draw(t, "sharpen"),
		PruneBelow:     rapid.SampledFrom([]int{1, 8, 30}).Draw(t, "prune"),
		KeepLeast:      rapid.SampledFrom([]int{0, 0, 2, 5}).Draw(t, "keep"),
		HistoryCap:     rapid.IntRange(1, 12).Draw(t, "cap"),

		DecayEpoch:     rapid.SampledFrom([]int{0, 50}).Draw(t, "decay"),
		HalfLife:       rapid.IntRange(1, 20).Draw(t, "half life"),
		MostHalvings:   rapid.SampledFrom([]int{0, 1, 13}).Draw(t, "most halvings"),
		UntrustedCap:   rapid.IntRange(0, 6).Draw(t, "untrusted"),
		UntrustedMilli: rapid.SampledFrom([]int{0, 250, 1000}).Draw(t, "beside"),
		TrustedBefore:  rapid.SampledFrom([]int{0, 30}).Draw(t, "trusted before"),
		ChoiceKey:      rapid.Int64Range(0, 9).Draw(t, "key"),
	}
}

func itemName(i int) thimble.ItemID { return thimble.ItemID(fmt.Sprintf("sku-%03d", i)) }

func shelf(n int) []thimble.ItemID {
	out := make([]thimble.ItemID, n)
	for i := range out {
		out[i] = itemName(i)
	}
	return out
}

func person(n int) (p thimble.SubjectID) {
	binary.LittleEndian.PutUint64(p[:], uint64(n)+1)
	return p
}

// Who had what, by person number.
type people map[int]History

func drawHistory(t *rapid.T, items int) History {
	out := History{
		Epoch:   rapid.IntRange(0, 60).Draw(t, "epoch"),
		Since:   rapid.IntRange(0, 60).Draw(t, "since"),
		Trusted: rapid.Bool().Draw(t, "trusted"),
	}
	for _, i := range rapid.SliceOfN(rapid.IntRange(0, items-1), 1, 10).Draw(t, "history") {
		out.Items = append(out.Items, itemName(i))
	}
	return out
}

func drawPeople(t *rapid.T, items int) people {
	out := people{}
	for p := range rapid.IntRange(0, 25).Draw(t, "people") {
		out[p] = drawHistory(t, items)
	}
	return out
}

func (c people) dataset(t testing.TB, items int, order []int) *Dataset {
	t.Helper()
	d := NewDataset(shelf(items))
	for _, p := range order {
		if err := d.Put(person(p), c[p]); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

func (c people) sorted() []int {
	var out []int
	for p := range c {
		out = append(out, p)
	}
	slices.Sort(out)
	return out
}

func train(t testing.TB, r Recipe, d *Dataset) *Model {
	t.Helper()
	m, err := Train(t.Context(), r, d, nil)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func modelBytes(t testing.TB, m *Model) []byte {
	t.Helper()
	b, err := m.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func history(items ...thimble.ItemID) []thimble.Interaction {
	var out []thimble.Interaction
	for _, i := range items {
		out = append(out, thimble.Interaction{Item: i, Units: 1})
	}
	return out
}

// clusteredShop is a shop whose people mostly stay in one of eight aisles.
func clusteredShop(people, items, each int) *Dataset {
	rng := rand.New(rand.NewPCG(1, 2))
	d := NewDataset(shelf(items))
	aisle := items / 8
	for p := range people {
		home := rng.IntN(8)
		var had []thimble.ItemID
		for range 1 + rng.IntN(2*each) {
			// The square of a uniform number: a few items are popular.
			u := rng.Float64()
			i := int(u * u * float64(aisle))
			if rng.IntN(5) == 0 {
				home = rng.IntN(8)
			}
			had = append(had, itemName(home*aisle+i))
		}
		_ = d.Put(person(p), History{Items: had, Trusted: true})
	}
	return d
}

func TestModelDoesNotDependOnTheOrderOfPeople(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		items, r := rapid.IntRange(1, 30).Draw(rt, "items"), drawRecipe(rt)
		c := drawPeople(rt, items)
		order := rapid.Permutation(c.sorted()).Draw(rt, "order")
		want := modelBytes(t, train(t, r, c.dataset(t, items, c.sorted())))
		got := modelBytes(t, train(t, r, c.dataset(t, items, order)))
		if !bytes.Equal(got, want) {
			rt.Errorf("order %v gives other bytes", order)
		}
	})
}

// d200 is the default of earlier versions. Models made with it are kept by shops.
func d200() Recipe {
	return Recipe{
		Name: "D200", K: 200, AlphaMilli: 500, DegreeBits: 3, LambdaMilli: 30_000, RidgeMilli: 500,
		NeighbourMilli: 300, EtaMilli: 0, Steps: 2, LastStepMilli: 700, PruneBelow: 8, HistoryCap: 500,
	}
}

// owned is a recipe under which those who had an item count more in its column, and of which
// columns keep weights that are smaller than others.
func owned() Recipe {
	r := DefaultRecipe()
	r.Name, r.K, r.LastStepMilli, r.OwnMilli, r.PruneBelow, r.KeepLeast = "owned", 60, 350, 500, 8, 40
	return r
}

// sharpened is the default of earlier versions that came before the one of now, and plain the one before it.
func sharpened() Recipe {
	r := DefaultRecipe()
	r.K, r.AlphaMilli, r.LambdaMilli, r.RidgeMilli, r.CrowdedMilli, r.SharpenMilli, r.PruneBelow = 80, 400, 25_000, 450, 0, 250, 6
	return r
}

func plain() Recipe {
	r := sharpened()
	r.AlphaMilli, r.RidgeMilli, r.SharpenMilli, r.PruneBelow = 500, 500, 0, 10
	return r
}

// These hashes pin the bytes of five models. They must come out on every processor
// family; a change of one is a change of the recipe's meaning.
func TestGoldenModelsHaveTheSameBytesEverywhere(t *testing.T) {
	for want, r := range map[string]Recipe{
		"adc1c3e3a1871330c498347777f37bc3a7c9b830a77621f64113fa0982ed603a": d200(),
		"ed5757e7f37048cd9414ee32f971b996ce498870a8b05e3900e7fb4f47cd6de1": plain(),
		"22fc527368b379f1170eb5390696479d246779683524c77793a496be29fb2675": sharpened(),
		"c4ea27237203d99da3af86541fcfbe86a9547bad58acb1e20a055242100744ae": DefaultRecipe(),
		"0a3403df979131ca06fc2e5603fa9f7fe15f4b87f34478e07f49892be184498d": owned(),
	} {
		m := train(t, r, clusteredShop(400, 160, 8))
		h := m.Hash()
		if got := hex.EncodeToString(h[:]); got != want {
			t.Errorf("%s: model hash = %s, want %s", r.Name, got, want)
		}
		if m.Stats().NonZeros == 0 {
			t.Errorf("%s: the golden model is empty", r.Name)
		}
	}
}

// How crowded a column is decides on a step and on nothing else.
func TestACrowdedColumnIsSolvedByAStepMore(t *testing.T) {
	d := clusteredShop(400, 160, 8)
	weights := func(change func(*Recipe)) [][]cell {
		r := DefaultRecipe()
		change(&r)
		return train(t, r, d).rows
	}
	two := weights(func(r *Recipe) { r.CrowdedMilli = 0 })
	three := weights(func(r *Recipe) { r.CrowdedMilli, r.Steps = 0, 3 })
	if reflect.DeepEqual(two, three) {
		t.Fatal("the third step changes nothing: the test proves nothing")
	}
	if got := weights(func(r *Recipe) { r.CrowdedMilli = 1 }); !reflect.DeepEqual(got, three) {
		t.Error("every column is crowded, and not all have a step more")
	}
	if got := weights(func(r *Recipe) { r.CrowdedMilli = 1_000_000 }); !reflect.DeepEqual(got, two) {
		t.Error("no column is crowded, and one has a step more")
	}
}

func TestMuchBoughtItemsMayHaveMoreNeighbours(t *testing.T) {
	r := DefaultRecipe()
	r.K, r.HeadMilli, r.MaxK = 40, 1000, 100
	unit := int64(unitItems * r.unit())
	for degree, want := range map[int64]int{0: minRoom, 1: minRoom, unit / 2: 20, unit: 40, 2 * unit: 80, 3 * unit: 100, 1 << 31: 100} {
		if got := r.room(degree); got != want {
			t.Errorf("room of degree %d = %d, want %d", degree, got, want)
		}
	}
	r.HeadMilli = 0
	if got := r.room(1 << 31); got != 40 {
		t.Errorf("without growth room = %d, want 40", got)
	}
}

func TestPeopleOfAnAisleAreShownThatAisle(t *testing.T) {
	m := train(t, DefaultRecipe(), clusteredShop(400, 160, 8))
	list := m.ForYou(history(itemName(0), itemName(1), itemName(2)), Query{K: 5})
	if len(list) != 5 {
		t.Fatalf("list = %v, want 5 entries", list)
	}
	for _, e := range list {
		if e.Item >= itemName(20) {
			t.Errorf("%s is of another aisle", e.Item)
		}
	}
}

func TestTrainingReportsProgressToTheEnd(t *testing.T) {
	d := clusteredShop(100, 160, 4)
	last := 0
	_, err := Train(t.Context(), smallRecipe(), d, func(done, total int) {
		if total != 160 || done <= last {
			t.Errorf("progress %d of %d after %d", done, total, last)
		}
		last = done
	})
	if err != nil || last != 160 {
		t.Errorf("progress ended at %d, error %v", last, err)
	}
}

func TestOneShopperWithoutCompanyTrainsAnEmptyModel(t *testing.T) {
	for name, d := range map[string]*Dataset{
		"no items": NewDataset(nil), "no people": NewDataset(shelf(3)),
		"one item each": people{1: {Items: shelf(2)[1:]}, 2: {Items: shelf(3)[2:]}}.dataset(t, 3, []int{1, 2}),
	} {
		m := train(t, DefaultRecipe(), d)
		if got := m.Stats().NonZeros; got != 0 {
			t.Errorf("%s: %d weights, want none", name, got)
		}
		if got := m.ForYou(history(itemName(1)), Query{}); len(got) != 0 {
			t.Errorf("%s: list = %v, want none", name, got)
		}
	}
}
