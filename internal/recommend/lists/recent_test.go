package lists_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/catalog"
	"thimble/internal/gate"
	"thimble/internal/recommend/arrange"
	"thimble/internal/recommend/lists"
	"thimble/internal/recommend/taste"
	"thimble/internal/thimbletest"
)

func (c counter) saw(who thimble.SubjectID, f arrange.Filter) lists.List {
	c.TB.Helper()
	return c.makes(lists.Ask{Kind: lists.Recent, Actor: gate.Actor{Kind: gate.Machine, Name: "recommend"}, Subject: who, Placement: "home", Filter: f})
}

func TestWhatSomebodyLookedAtIsListedByTimeForWhoAllowsIt(t *testing.T) {
	onCounter(t, func(t *testing.T, c counter) {
		c.stocks(good("COAT", "Coat", "Own", "coats", 9000), good("MUG", "Mug", "", "mugs", 900), good("HAT", "Hat", "", "hats", 2000))
		ada, silent := c.person(), c.Subject("silent")
		for _, who := range []thimble.SubjectID{ada, silent} {
			c.Browses(who, "COAT", "MUG", "COAT", "HAT")
		}
		got := c.saw(ada, arrange.Filter{})
		if !got.Personal || !slices.Equal(listed(got), []thimble.ItemID{"HAT", "COAT", "MUG"}) || !got.Decision.IsZero() || got.Model != 0 {
			t.Fatalf("got %v, %q", listed(got), got.Why)
		}
		if e := got.Entries[0]; e.Last.IsZero() || e.Score != e.Last.UnixMicro() || !strings.HasPrefix(e.Why, "You looked at it on ") {
			t.Errorf("got %+v", e)
		}
		if got := c.saw(silent, arrange.Filter{}); got.Personal || len(got.Entries) != 0 || got.Why == "" {
			t.Errorf("who was never asked: %v, %q", listed(got), got.Why)
		}
		if got := c.saw(thimble.SubjectID{9}, arrange.Filter{}); got.Personal || len(got.Entries) != 0 {
			t.Errorf("nobody: %v", listed(got))
		}
		if got := c.saw(ada, arrange.Filter{MaxPrice: 2000}); !slices.Equal(listed(got), []thimble.ItemID{"HAT", "MUG"}) {
			t.Errorf("of what is cheap: %v", listed(got))
		}
		hat := good("HAT", "Hat", "", "hats", 2000)
		hat.Availability, hat.UpdatedAt = catalog.Withdrawn, time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
		c.stocks(hat)
		if got := c.saw(ada, arrange.Filter{}); !slices.Equal(listed(got), []thimble.ItemID{"COAT", "MUG"}) {
			t.Errorf("the hat is not sold any more: %v", listed(got))
		}
		if got := c.saw(ada, arrange.Filter{Category: "boats"}); len(got.Entries) != 0 || got.Why == "" || got.Empty == "" {
			t.Errorf("of boats: %v, %q, %q", listed(got), got.Why, got.Empty)
		}
		c.Chooses(ada, thimbletest.Withdraws(thimble.PersonalizeContent)...)
		if got := c.saw(ada, arrange.Filter{}); got.Personal || len(got.Entries) != 0 {
			t.Errorf("who takes it back: %v", listed(got))
		}
	})
}

// Whatever somebody says, and in whichever order, the very next list of what they saw
// obeys what stands.
func TestEachChoiceActsOnTheVeryNextListOfWhatWasSeen(t *testing.T) {
	const seed = 82
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	c := counter{&learner{Shop: thimbletest.New(t)}}
	var items []thimble.ItemID
	for i := range 8 {
		id := thimble.ItemID(fmt.Sprintf("P%d", i))
		c.stocks(good(string(id), "Product "+string(id), "", kinds[i%4], 100))
		items = append(items, id)
	}
	ada := c.person()
	c.Browses(ada, items...)
	c.Works()
	shown := 0
	for i := range 60 {
		choice := taste.Choice{Kind: []taste.Kind{taste.Less, taste.Forget}[rng.IntN(2)], Item: items[rng.IntN(8)]}
		if rng.IntN(3) == 0 {
			choice = taste.Choice{Kind: []taste.Kind{taste.Less, taste.Never}[rng.IntN(2)], Category: kinds[rng.IntN(4)]}
		}
		c.says(ada, rng.IntN(2) == 0, choice)
		state, err := c.Tastes.Of(t.Context(), c.own(ada))
		c.no(t, err)
		got := c.saw(ada, arrange.Filter{})
		perKind := map[string]int{}
		for _, e := range got.Entries {
			shown++
			perKind[e.Product.Category]++
			if state.Hides(e.Product.ID, e.Product.Category) {
				t.Fatalf("after choice %d %s is shown, and stands is %+v", i+1, e.Product.ID, state.Standing)
			}
		}
		for kind, n := range perKind {
			if _, less := state.Holds(taste.Choice{Kind: taste.Less, Category: kind}); less && n > 1 {
				t.Fatalf("after choice %d the list has %d of %s", i+1, n, kind)
			}
		}
		for _, id := range items {
			p := catalog.Product{ID: id, Category: kinds[slices.Index(items, id)%4]}
			_, less := state.Holds(taste.Choice{Kind: taste.Less, Category: p.Category})
			if !less && !state.Hides(id, p.Category) && !slices.Contains(listed(got), id) {
				t.Fatalf("after choice %d %s is left out, and nothing says so: %+v", i+1, id, state.Standing)
			}
		}
	}
	if shown == 0 {
		t.Error("nothing was ever shown")
	}
}
