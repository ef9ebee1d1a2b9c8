package recommend

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"thimble"
)

func TestTuningLeavesARecipeThatDoesNotSuit(t *testing.T) {
	d := clusteredShop(600, 160, 8)
	poor := DefaultRecipe()
	poor.Name, poor.AlphaMilli, poor.EtaMilli, poor.LambdaMilli = "poor", 1000, 900, 1
	told := 0
	report, err := Tune(t.Context(), poor, d, func(done, total int) { told = done })
	if err != nil {
		t.Fatal(err)
	}
	if report.Recipe.Name != "poor-tuned" || report.Best <= report.Start || report.Errors < significant {
		t.Errorf("report = %+v, want a better recipe", report)
	}
	if told == 0 || told != report.Tried || report.Judged == 0 {
		t.Errorf("%d recipes were told of, %d tried, %d people judged", told, report.Tried, report.Judged)
	}
	if err := report.Recipe.Check(); err != nil {
		t.Error(err)
	}
}

// What is better by chance does not replace the recipe.
func TestTuningKeepsTheRecipeWithoutASignificantReason(t *testing.T) {
	for name, d := range map[string]*Dataset{
		"nobody": NewDataset(shelf(3)), "few people": clusteredShop(12, 80, 4),
	} {
		report, err := Tune(t.Context(), DefaultRecipe(), d, nil)
		if err != nil {
			t.Fatal(err)
		}
		if report.Recipe != DefaultRecipe() || !strings.Contains(report.Words(), "none was significantly better") {
			t.Errorf("%s: report = %+v, want the recipe as it was", name, report)
		}
	}
}

func TestRecipesHaveNames(t *testing.T) {
	for name, want := range map[string]Recipe{"": DefaultRecipe(), "default": DefaultRecipe(), "quality": QualityRecipe()} {
		if got, err := NamedRecipe(name); got != want || err != nil {
			t.Errorf("%q: recipe %+v, error %v", name, got, err)
		}
		if err := want.Check(); err != nil {
			t.Error(err)
		}
	}
	own, err := NamedRecipe(`{"k":7}`)
	if err != nil || own.K != 7 || own.Steps != DefaultRecipe().Steps {
		t.Errorf("own recipe = %+v, error %v", own, err)
	}
	for _, bad := range []string{"best", `{"k":0}`} {
		if _, err := NamedRecipe(bad); !errors.Is(err, thimble.ErrInvalid) {
			t.Errorf("%s: error = %v, want invalid", bad, err)
		}
	}
}

func TestASyntheticShopIsTheSameEachTime(t *testing.T) {
	var first []byte
	for range 2 {
		d, err := syntheticShop(500, 400, 5000, nil)
		if err != nil {
			t.Fatal(err)
		}
		if n := d.Interactions(); n < 4000 || n > 6000 {
			t.Errorf("%d interactions, want about 5000", n)
		}
		b := modelBytes(t, train(t, DefaultRecipe(), d))
		if first != nil && string(b) != string(first) {
			t.Error("the same seed gives another shop")
		}
		first = b
	}
	got, err := EvaluateSynthetic(t.Context(), EvalConfig{Forget: 3}, 500, 400, 5000)
	if err != nil || got.Stats.People != 500 || got.ForgetP95 == nil {
		t.Errorf("metrics %+v, error %v", got, err)
	}
	if text, err := json.Marshal(got); err != nil || strings.Contains(string(text), "forget_mismatches") {
		t.Errorf("no model was trained anew, the metrics are %s, error %v", text, err)
	}
	if _, err := EvaluateSynthetic(t.Context(), EvalConfig{}, 5, 5, 5); !errors.Is(err, thimble.ErrInvalid) {
		t.Errorf("error = %v, want invalid", err)
	}
}

// TestTuningOnASplitOfTheCallersJudgesOnlyWhatNobodyLearnedFrom: the same split gives the
// same points, and what somebody had before is not asked for after.
func TestTuningOnASplitOfTheCallersJudgesOnlyWhatNobodyLearnedFrom(t *testing.T) {
	d := clusteredShop(600, 160, 8)
	var people []Halved
	for _, h := range d.histories {
		if cut := len(h) / 2; cut > 0 {
			one := Halved{Before: History{Trusted: true}}
			for k, i := range h {
				if k < cut {
					one.Before.Items = append(one.Before.Items, d.table.ids[i])
				} else {
					one.After = append(one.After, d.table.ids[i])
				}
			}
			people = append(people, one)
		}
	}
	poor := DefaultRecipe()
	poor.Name, poor.AlphaMilli, poor.EtaMilli, poor.LambdaMilli = "poor", 1000, 900, 1
	on := func(people []Halved) TuneReport {
		t.Helper()
		r, err := TuneOn(t.Context(), poor, shelf(160), people, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	report := on(people)
	if n := len(report.Points); n != report.Tried || n < 5 || report.Points[0].Recipe != poor || report.Points[0].Errors != 0 || report.Points[0].NDCG != report.Start {
		t.Errorf("%d points of %d recipes, the first %+v, want the start first", n, report.Tried, report.Points[0])
	}
	found := false
	for _, p := range report.Points {
		found = found || p.Recipe == report.Recipe && p.NDCG == report.Best && p.Recall > 0 && p.Coverage > 0 && p.Weights > 0
	}
	if report.Errors < significant || !found {
		t.Errorf("the suggested recipe is better by %.1f standard errors, among the points %t", report.Errors, found)
	}
	again := append([]Halved{}, people...)
	for i := range again { // what they had before already is no question
		again[i].After = append(append([]thimble.ItemID{}, again[i].After...), again[i].Before.Items...)
	}
	a, _ := json.Marshal(report)
	b, _ := json.Marshal(on(again))
	if string(a) != string(b) {
		t.Errorf("with what was had before among what came after:\n%s, want\n%s", b, a)
	}
	for i := range again {
		again[i].After = nil
	}
	if r := on(again); r.Judged != 0 || r.Recipe != poor {
		t.Errorf("with nobody to judge: %+v", r)
	}
}

// Years ago most people bought a third thing with two others, and now one buys a fourth. With times
// a recipe that lets what is old fade is found better, and without times it is not tried.
func TestTuningFindsThatWhatIsOldShouldFade(t *testing.T) {
	var people []Halved
	for p := range 500 {
		home := p % 20 * 8
		h := Halved{Before: History{Items: []thimble.ItemID{itemName(home), itemName(home + 1)}, Epoch: 300, Since: 300, Trusted: true}}
		switch kind := p / 20; {
		case kind < 15:
			h.Before.Epoch, h.Before.Since, h.Before.Items = 240, 240, append(h.Before.Items, itemName(home+5))
		case kind < 20:
			h.Before.Items = append(h.Before.Items, itemName(home+4))
		default:
			h.After = []thimble.ItemID{itemName(home + 4)}
		}
		people = append(people, h)
	}
	start := smallRecipe()
	start.HalfLife, start.MostHalvings = 0, 0
	at := 0
	freeze := func(r Recipe, d *Dataset) Recipe {
		if d.People() != 500 {
			t.Errorf("it learns from %d people, want 500", d.People())
		}
		if r.HalfLife > 0 {
			at, r.DecayEpoch = d.LatestEpoch(10), d.LatestEpoch(10)
		}
		return r
	}
	tries := func(freeze func(Recipe, *Dataset) Recipe) (lives map[int]float64) {
		t.Helper()
		report, err := TuneOn(t.Context(), start, shelf(160), people, freeze, nil)
		if err != nil {
			t.Fatal(err)
		}
		lives = map[int]float64{}
		for _, p := range report.Points {
			if p.Recipe.DecayEpoch != 0 {
				t.Errorf("a recipe is reported with the epoch %d of the trial", p.Recipe.DecayEpoch)
			}
			lives[p.Recipe.HalfLife] = max(lives[p.Recipe.HalfLife], p.NDCG)
		}
		return lives
	}
	with := tries(freeze)
	if at != 300 || len(with) != 4 || with[6] <= with[0] {
		t.Errorf("weights are whole in %d; NDCG by half-life %v, want what is old to count less", at, with)
	}
	if without := tries(nil); len(without) != 1 {
		t.Errorf("without times half-lives are tried: %v", without)
	}
}
