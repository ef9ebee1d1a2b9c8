package recommend

import (
	"testing"

	"thimble"
)

func TestWhatIsHeldOutIsForetoldByARecipeThatSuits(t *testing.T) {
	d := clusteredShop(600, 160, 8)
	before, people := d.Interactions(), d.People()
	held, err := HoldOut(t.Context(), DefaultRecipe(), d)
	if err != nil {
		t.Fatal(err)
	}
	poor := DefaultRecipe()
	poor.AlphaMilli, poor.EtaMilli, poor.LambdaMilli = 1000, 900, 1
	worse, err := HoldOut(t.Context(), poor, d)
	if err != nil {
		t.Fatal(err)
	}
	if held.People == 0 || held.Recall <= worse.Recall || held.NDCG <= worse.NDCG || held.Coverage <= 0 || held.Coverage > 1 {
		t.Errorf("%+v, and of a poor recipe %+v", held, worse)
	}
	if d.Interactions() != before || d.People() != people {
		t.Error("the data set was changed")
	}
}

// The histories without their ends say nothing of who is trusted and of when.
func TestTheCapsOfARecipeDoNotKeepWhatIsHeldOutFromBeingForetold(t *testing.T) {
	d := clusteredShop(600, 160, 8)
	want, err := HoldOut(t.Context(), DefaultRecipe(), d)
	if err != nil {
		t.Fatal(err)
	}
	capped := DefaultRecipe().Bounded(d.People(), 7).Decayed(2025*12, 6)
	capped.TrustedBefore = 2025 * 12
	if got, err := HoldOut(t.Context(), capped, d); err != nil || got != want {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
}

func TestOfHistoriesThatAreTooShortNothingIsHeldOut(t *testing.T) {
	d := NewDataset([]thimble.ItemID{"a", "b"})
	if err := d.Put(thimble.SubjectID{1}, History{Items: []thimble.ItemID{"a", "b"}, Trusted: true}); err != nil {
		t.Fatal(err)
	}
	if held, err := HoldOut(t.Context(), DefaultRecipe(), d); err != nil || held.People != 0 {
		t.Errorf("%+v, %v; want nobody", held, err)
	}
}
