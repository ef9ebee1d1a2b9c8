package lists_test

import (
	"fmt"
	"slices"
	"testing"

	"thimble"
	"thimble/internal/recommend/lists"
	"thimble/internal/thimbletest"
)

func (l *learner) drives(item thimble.ItemID) lists.Drives {
	l.TB.Helper()
	d, err := l.App.Shop.Drives(l.TB.Context(), item, 20)
	l.no(l.TB, err)
	return d
}

func TestWhichListsAProductDrivesIsToldInBothDirectionsWithCountsInSteps(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		l := &learner{Shop: s}
		if d := l.drives("shirt"); d.Version != 0 || d.Why != "Nothing was learned yet." {
			t.Errorf("before anything was learned: %+v", d)
		}
		var all []thimble.SubjectID
		for i := range 23 { // 23 have shirt and belt, 4 of them a scarf
			who := l.person()
			all = append(all, who)
			items := []thimble.ItemID{"shirt", "belt", thimble.ItemID(fmt.Sprint("extra-", i%4))}
			if i < 4 {
				items = append(items, "scarf")
			}
			l.Buys(who, items...)
		}
		refuses := s.Subject("refuses", thimbletest.Allows(thimble.PersonalizeContent)...)
		for range 10 {
			l.Buys(refuses, "shirt", "belt", "scarf")
		}
		l.Works()

		d := l.drives("shirt")
		if d.Version == 0 || d.Why != "" || d.Uncounted != "" || d.People != 20 {
			t.Fatalf("of the shirt: %+v", d)
		}
		people := map[thimble.ItemID]int64{}
		for _, one := range d.For {
			people[one.Product.ID] = one.People
			back := l.drives(one.Product.ID)
			if !slices.ContainsFunc(back.From, func(f lists.Driven) bool { return f.Product.ID == "shirt" && f.Weight == one.Weight }) {
				t.Errorf("the shirt drives %s by %d, and that is not told there", one.Product.ID, one.Weight)
			}
		}
		if n, ok := people["belt"]; !ok || n != 20 {
			t.Errorf("%d people had shirt and belt, want 20 of 23, in steps: %+v", n, d.For)
		}
		if n, ok := people["scarf"]; ok && n != 0 {
			t.Errorf("%d people had shirt and scarf: so few are not to be told", n)
		}
		if scarf := l.drives("scarf"); scarf.People != 0 {
			t.Errorf("%d people had the scarf: so few are not to be told", scarf.People)
		}

		// Somebody leaves: nothing of what knew them is told, and nobody is counted, until
		// they are out.
		l.Chooses(all[0], thimbletest.Withdraws(thimble.TrainAISystem)...)
		if d := l.drives("shirt"); d.Why == "" && d.Uncounted == "" || d.People != 0 {
			t.Errorf("while somebody is taken out: %+v", d)
		}
		l.Works()
		if d := l.drives("shirt"); d.Why != "" || d.Uncounted != "" || d.People != 20 {
			t.Errorf("after that: %+v", d)
		}
		if d := l.drives("nothing of this shop"); d.Why == "" || len(d.For)+len(d.From) != 0 {
			t.Errorf("of what is no product: %+v", d)
		}
	})
}
