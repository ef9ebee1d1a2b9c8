package arrange_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"thimble/internal/catalog"
	"thimble/internal/recommend/arrange"
)

// TestWhatIsSaidOfAProductIsWhatTheRulesDoToIt names each kind of rule for one product, and
// none for another.
func TestWhatIsSaidOfAProductIsWhatTheRulesDoToIt(t *testing.T) {
	rules := arrange.Rules{
		AdultCategories: []string{"spirits"}, Windows: []arrange.Window{{Category: "shoes", Days: 30}}, MaxBoost: 20,
		Boosts:    []arrange.Boost{{Words: "our own", Percent: 10, Brand: "Own"}, {Words: "spring", Percent: 5, Category: "coats"}},
		Diversity: arrange.Diversity{Brand: 3, Category: 4}, Floors: []arrange.Floor{{Words: "new", AtLeast: 1, NewDays: 30}},
		Campaigns: []arrange.Campaign{{Name: "spring week", Item: "x", Position: 2, Placement: "home", Until: now.AddDate(0, 0, 1)}, {Name: "over", Item: "x", Position: 1, Until: now.AddDate(0, 0, -1)}},
	}
	x := candidate("x", 9, of(func(p *catalog.Product) { p.Brand, p.Category, p.Since = "own", "Shoes", now.AddDate(0, 0, -3) }))
	said := func(all []arrange.Touch) (lines []string) {
		for _, one := range all {
			lines = append(lines, fmt.Sprintf("%s %t: %s", one.Rule, one.Now, one.Words))
		}
		return lines
	}
	want := []string{
		"window false: left out for 30 days for whoever bought from shoes",
		"boost true: our own: its score moves by +10 %, all boosts together by at most 20 %",
		"diversity true: a list of ten has at most 3 of the brand own",
		"diversity true: a list of ten has at most 4 of the category Shoes",
		"floor true: new: a list of ten keeps 1 places for such products",
		"campaign true: spring week: holds place 2 at home until " + now.AddDate(0, 0, 1).Format(time.DateOnly),
		"campaign false: over: holds place 1 until " + now.AddDate(0, 0, -1).Format(time.DateOnly),
	}
	if diff := cmp.Diff(want, said(rules.About(x, now))); diff != "" {
		t.Error(diff)
	}
	if got := said(rules.About(candidate("y", 1), now)); len(got) != 0 {
		t.Errorf("of a product that no rule is about: %v", got)
	}
	gin := candidate("z", 9, of(func(p *catalog.Product) { p.Category, p.Availability = "spirits", catalog.Withdrawn }))
	if got := rules.About(gin, now); len(got) != 3 || got[0].Rule != arrange.Withdrawn || got[1].Rule != arrange.Adult {
		t.Errorf("of a withdrawn product for grown-ups: %v", said(got))
	}
}
